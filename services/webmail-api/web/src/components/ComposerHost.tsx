import { useEffect } from "react";
import { composing } from "../mail/compose/host";
import { useStore } from "../mail/store";
import { Composer } from "./Composer";

export function ComposerHost() {
  const open = useStore(composing);
  useEffect(() => {
    // The browser asks before it throws away what is not stored yet.
    const ask = (event: BeforeUnloadEvent) => {
      if (composing.get()?.session.unsaved) event.preventDefault();
    };
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, []);
  return open && <Composer key={open.key} open={open} />;
}
