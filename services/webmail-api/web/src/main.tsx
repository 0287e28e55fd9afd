import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./components/App";
import { Failure } from "./components/Failure";
import { followHistory } from "./mail/compose/history";
import { applyTheme } from "./mail/theme";
import "./styles/index.css";

applyTheme();
followHistory();

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <Failure>
        <App />
      </Failure>
    </StrictMode>,
  );
}
