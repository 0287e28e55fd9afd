import { useEffect, useState } from "react";
import { useStore } from "../mail/store";
import { dismissToast, type Toast, toasts } from "../mail/toasts";
import { IconButton } from "./IconButton";

/** Two regions, both there from the start: only what comes into one is read out. */
export function Toasts() {
  const list = useStore(toasts);
  const of = (tone: Toast["tone"]) => list.filter((item) => item.tone === tone);
  return (
    <div className="toasts">
      <div role="alert">
        {of("error").map((item) => (
          <ToastItem key={item.id} item={item} />
        ))}
      </div>
      <div role="status">
        {of("plain").map((item) => (
          <ToastItem key={item.id} item={item} />
        ))}
      </div>
    </div>
  );
}

function ToastItem({ item }: { item: Toast }) {
  // It waits while someone reads it with the pointer or is about to press its button.
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return;
    const timer = setTimeout(() => dismissToast(item.id), item.lasts);
    return () => clearTimeout(timer);
  }, [item, held]);
  return (
    <div
      className={`toast ${item.tone}`}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      <span>{item.text}</span>
      {item.action && (
        <button
          type="button"
          onClick={() => {
            dismissToast(item.id);
            item.action?.run();
          }}
        >
          {item.action.label}
        </button>
      )}
      <IconButton icon="close" label="Dismiss" onClick={() => dismissToast(item.id)} />
    </div>
  );
}
