import { type ReactNode, useEffect, useId, useRef } from "react";
import { IconButton } from "./IconButton";

interface Props {
  title: string;
  onClose: () => void;
  children: ReactNode;
  className?: string;
}

/** The native modal dialog: it keeps the focus inside and gives it back after. */
export function Dialog({ title, onClose, children, className = "" }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const dialog = ref.current;
    if (dialog && !dialog.open) dialog.showModal();
    // Else the focus would go to the close button, which comes first.
    // A field that is only a convenience must not bring up a phone's keyboard.
    const field = window.matchMedia("(hover: none)").matches ? "input:not(.filter-input)" : "input";
    const first = dialog?.querySelector<HTMLElement>(`${field}, select, .button.danger`);
    (first ?? dialog?.querySelector<HTMLElement>(".dialog-box"))?.focus();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={ref}
      className={`dialog ${className}`}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onKeyDown={(event) => event.stopPropagation()}
      onClick={(event) => {
        // Only a click on the backdrop has the dialog itself as its target.
        if (event.target === ref.current) onClose();
      }}
    >
      <div className="dialog-box" tabIndex={-1}>
        <header>
          <h2 id={heading}>{title}</h2>
          <IconButton icon="close" label="Close" onClick={onClose} />
        </header>
        {children}
      </div>
    </dialog>
  );
}
