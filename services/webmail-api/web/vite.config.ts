import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `npm run dev` forwards the server's own paths, so that the page and the API
// share one origin as they do in production (cookies, CSP, EventSource).
const api = "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "dist",
    assetsDir: "assets",
    // Nothing is inlined: every file has an address below /assets/, as the
    // server's Content-Security-Policy and its cache rules expect.
    assetsInlineLimit: 0,
    target: ["chrome123", "firefox121", "safari17.5"],
  },
  server: {
    proxy: { "/jmap": api, "/auth": api, "/api": api },
  },
});
