import { useEffect } from "react";
import { useStore } from "../mail/store";
import { dismissToast, type Toast, toasts } from "../mail/toasts";
import { IconButton } from "./IconButton";

export function Toasts() {
  const list = useStore(toasts);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {list.map((item) => (
        <ToastItem key={item.id} item={item} />
      ))}
    </div>
  );
}

function ToastItem({ item }: { item: Toast }) {
  useEffect(() => {
    const timer = setTimeout(() => dismissToast(item.id), item.action || item.tone === "error" ? 8_000 : 4_000);
    return () => clearTimeout(timer);
  }, [item]);
  return (
    <div className={`toast ${item.tone}`}>
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
