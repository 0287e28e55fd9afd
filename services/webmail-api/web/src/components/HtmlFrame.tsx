import { useCallback, useEffect, useRef, useState } from "react";
import { compose } from "../mail/compose/host";
import { useMail } from "../mail/context";
import { parseMailto } from "../mail/mailto";
import { useDark } from "../mail/theme";

interface Props {
  src: string;
  /** The message brings no colours of its own, so it may take the page's. */
  adapts: boolean;
}

/**
 * A message's HTML, as tall as it is, in a frame where nothing can run: the
 * sandbox has no `allow-scripts`, and the answer's own policy says it again.
 * The frame keeps this page's origin, as only then this page can measure it,
 * hear its keys, and its inline pictures come with the person's cookie.
 */
export function HtmlFrame({ src, adapts }: Props) {
  const mail = useMail();
  const frame = useRef<HTMLIFrameElement>(null);
  const watching = useRef<() => void>(undefined);
  const dark = useDark() && adapts;
  const [failed, setFailed] = useState(false);

  const paint = useCallback((scheme: "dark" | "light") => {
    const root = frame.current?.contentDocument?.documentElement;
    if (root) root.style.colorScheme = scheme;
  }, []);
  const scheme = dark ? "dark" : "light";

  useEffect(() => {
    const paper = () => paint("light");
    const screen = () => paint(scheme);
    screen();
    window.addEventListener("beforeprint", paper);
    window.addEventListener("afterprint", screen);
    return () => {
      window.removeEventListener("beforeprint", paper);
      window.removeEventListener("afterprint", screen);
    };
  }, [paint, scheme]);
  useEffect(() => () => watching.current?.(), []);

  const onLoad = () => {
    const page = frame.current?.contentDocument;
    // What is no page of HTML is the server's refusal, or the browser's word for that it has none.
    if (!frame.current || page?.contentType !== "text/html") return setFailed(true);
    paint(scheme);
    watching.current?.();
    watching.current = follow(frame.current, page);
    page.addEventListener("keydown", (event) => {
      // The keys do the same here as beside the frame.
      const same = new KeyboardEvent("keydown", event);
      if (!window.dispatchEvent(same)) event.preventDefault();
    });
    page.addEventListener("click", (event) => {
      const href = (event.target as Element | null)?.closest?.("a[href]")?.getAttribute("href") ?? "";
      const to = parseMailto(href);
      const here = href.startsWith("#") ? CSS.escape(href.slice(1)) : null;
      if (!to && here === null) return;
      event.preventDefault();
      if (to) void compose(mail, to);
      else if (here) page.querySelector(`#${here}, a[name="${here}"]`)?.scrollIntoView();
    });
  };

  if (failed) {
    return (
      <div className="list-failed" role="alert">
        <p>The message could not be loaded.</p>
        <button type="button" className="button" onClick={() => setFailed(false)}>
          Try again
        </button>
      </div>
    );
  }
  return (
    <div className={`frame-box ${dark ? "dark" : ""}`}>
      <iframe
        ref={frame}
        src={src}
        title="Message"
        sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox"
        referrerPolicy="no-referrer"
        onLoad={onLoad}
      />
    </div>
  );
}

/** Keeps the frame as tall as what is in it, and what is too wide for it small enough. */
function follow(frame: HTMLIFrameElement, page: Document): () => void {
  const box = frame.parentElement!;
  const measure = () => {
    // Measured from nothing, for what fills its frame would grow with it for
    // ever. The box keeps its height meanwhile, so that nothing scrolls.
    box.style.minHeight = `${box.offsetHeight}px`;
    frame.style.height = "0";
    page.body.style.zoom = "";
    const wide = page.documentElement.scrollWidth;
    if (wide > frame.clientWidth) {
      const style = getComputedStyle(page.body);
      const edge = parseFloat(style.marginRight) + parseFloat(style.paddingRight);
      page.body.style.zoom = String(Math.max(0.4, frame.clientWidth / (wide + edge)));
    }
    frame.style.height = `${page.documentElement.scrollHeight}px`;
    box.style.minHeight = "";
  };
  const observer = new ResizeObserver(measure);
  observer.observe(page.body);
  observer.observe(box);
  // Pictures that come late.
  page.addEventListener("load", measure, true);
  measure();
  return () => {
    observer.disconnect();
    page.removeEventListener("load", measure, true);
  };
}
