import { useRef } from "react";
import type { DraftStatus } from "../mail/compose/session";
import { Icon } from "./Icon";
import { IconButton } from "./IconButton";

interface Props {
  status: DraftStatus;
  error: string | null;
  onSend: () => void;
  onAttach: (files: File[]) => void;
  onDiscard: () => void;
}

const WORDS: Record<DraftStatus, string> = {
  clean: "",
  dirty: "",
  saving: "Saving…",
  saved: "Draft saved",
  sending: "",
  failed: "",
  gone: "",
};

export function ComposeFooter({ status, error, onSend, onAttach, onDiscard }: Props) {
  const file = useRef<HTMLInputElement>(null);
  const sending = status === "sending";
  return (
    <div className="composer-foot">
      {error && (
        <p className="form-error" role="alert">
          {error}
        </p>
      )}
      <button type="button" className="button primary" title="Send (Ctrl+Enter)" disabled={sending} onClick={onSend}>
        <Icon name="sent" size={18} />
        {sending ? "Sending…" : "Send"}
      </button>
      <IconButton icon="clip" label="Attach files" disabled={sending} onClick={() => file.current?.click()} />
      <input
        ref={file}
        type="file"
        multiple
        hidden
        onChange={(event) => {
          onAttach([...(event.target.files ?? [])]);
          // The same file may be chosen again after it was removed.
          event.target.value = "";
        }}
      />
      <span className="save-state" role="status">
        {WORDS[status]}
      </span>
      <span className="push" />
      <IconButton icon="trash" label="Discard draft" disabled={sending} onClick={onDiscard} />
    </div>
  );
}
