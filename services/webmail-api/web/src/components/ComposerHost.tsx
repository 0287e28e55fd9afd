import { useEffect } from "react";
import { composing } from "../mail/compose/host";
import { departAll } from "../mail/compose/outbox";
import { useStore } from "../mail/store";
import { Composer } from "./Composer";

export function ComposerHost() {
  const open = useStore(composing);
  useEffect(() => {
    // The browser asks before it throws away what is not stored yet.
    const ask = (event: BeforeUnloadEvent) => {
      if (composing.get()?.session.unsaved) event.preventDefault();
    };
    // What waits to be sent goes now, with a request that outlives the page.
    const leave = () => void departAll(true);
    window.addEventListener("beforeunload", ask);
    window.addEventListener("pagehide", leave);
    return () => {
      window.removeEventListener("beforeunload", ask);
      window.removeEventListener("pagehide", leave);
    };
  }, []);
  // The focus goes back to where it was, unless it has found another place by now.
  const from = open?.from;
  useEffect(
    () => () => {
      if (document.activeElement === document.body && from instanceof HTMLElement) from.focus({ preventScroll: true });
    },
    [from],
  );
  return open && <Composer key={open.key} open={open} />;
}
