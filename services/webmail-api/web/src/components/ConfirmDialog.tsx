import { type ReactNode, useState } from "react";
import { messageOf } from "../jmap/errors";
import { Dialog } from "./Dialog";

interface Props {
  title: string;
  children: ReactNode;
  confirm: string;
  onConfirm: () => void | Promise<void>;
  onClose: () => void;
}

/** For what cannot be undone. */
export function ConfirmDialog({ title, children, confirm, onConfirm, onClose }: Props) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const run = async () => {
    setBusy(true);
    try {
      await onConfirm();
      onClose();
    } catch (failure) {
      setError(messageOf(failure));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <div className="dialog-text">{children}</div>
      {error && (
        <p className="form-error" role="alert">
          {error}
        </p>
      )}
      <footer>
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" className="button danger" disabled={busy} onClick={() => void run()}>
          {confirm}
        </button>
      </footer>
    </Dialog>
  );
}
