import { type DragEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";
import { formatAddress } from "../mail/addresses";
import { forgotAttachment } from "../mail/compose/email";
import { closeComposer, discardDraft, type Open, sendDraft, setView } from "../mail/compose/host";
import { useStore } from "../mail/store";
import { AddressField } from "./AddressField";
import { ComposeFiles } from "./ComposeFiles";
import { ComposeFooter } from "./ComposeFooter";
import { ConfirmDialog } from "./ConfirmDialog";
import { IconButton } from "./IconButton";

export function Composer({ open }: { open: Open }) {
  const { session, identities, view } = open;
  const { content, status, error, losesFormatting } = useStore(session.state);
  const [copies, setCopies] = useState(content.cc.length + content.bcc.length > 0);
  const [asking, setAsking] = useState<"discard" | "forgot" | null>(null);
  const [dropping, setDropping] = useState(false);
  const body = useRef<HTMLTextAreaElement>(null);
  const sending = status === "sending";

  // A reply is begun in its text, above the quote; a new message at "To".
  useEffect(() => {
    if (content.to.length === 0) return;
    body.current?.focus({ preventScroll: true });
    body.current?.setSelectionRange(0, 0);
    // Only when it opens: later the focus is where the person has put it.
  }, []);

  const send = () => {
    // An address still being typed becomes one when its field loses the focus.
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    if (forgotAttachment(session.state.get().content)) setAsking("forgot");
    else void sendDraft();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    event.stopPropagation();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape" && !event.defaultPrevented && !asking) {
      void closeComposer();
    }
  };

  const onDrop = (event: DragEvent) => {
    setDropping(false);
    if (event.dataTransfer.files.length === 0) return;
    event.preventDefault();
    session.attach([...event.dataTransfer.files]);
  };

  const title = content.subject.trim() || "New message";
  return (
    <div
      className={`composer ${view} ${dropping ? "dropping" : ""}`}
      role="dialog"
      aria-label={title}
      onKeyDown={onKeyDown}
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes("Files")) return;
        event.preventDefault();
        setDropping(true);
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setDropping(false);
      }}
      onDrop={onDrop}
      onPaste={(event) => {
        const files = [...event.clipboardData.files];
        if (files.length === 0) return;
        event.preventDefault();
        session.attach(files);
      }}
    >
      <div className="composer-head" onDoubleClick={() => setView(view === "docked" ? "wide" : "docked")}>
        <h2>{title}</h2>
        <IconButton
          className="desk-only"
          icon={view === "minimised" ? "plus" : "minus"}
          label={view === "minimised" ? "Restore" : "Minimise"}
          onClick={() => setView(view === "minimised" ? "docked" : "minimised")}
        />
        <IconButton
          className="desk-only"
          icon="expand"
          label={view === "wide" ? "Smaller" : "Larger"}
          onClick={() => setView(view === "wide" ? "docked" : "wide")}
        />
        <IconButton icon="close" label="Save and close" hint="Esc" onClick={() => void closeComposer()} />
      </div>
      {view !== "minimised" && (
        <>
          <div className="composer-fields" inert={sending}>
            {identities.length > 1 && (
              <label className="compose-line">
                <span>From</span>
                <select
                  value={content.identityId ?? ""}
                  onChange={(event) => session.update({ identityId: event.target.value })}
                >
                  {identities.map((identity) => (
                    <option key={identity.id} value={identity.id}>
                      {formatAddress({ name: identity.name, email: identity.email })}
                    </option>
                  ))}
                </select>
              </label>
            )}
            <AddressField
              label="To"
              list={content.to}
              autoFocus={content.to.length === 0}
              onChange={(to) => session.update({ to })}
              end={
                !copies && (
                  <button type="button" className="text-button" onClick={() => setCopies(true)}>
                    Cc, Bcc
                  </button>
                )
              }
            />
            {copies && (
              <>
                <AddressField label="Cc" list={content.cc} onChange={(cc) => session.update({ cc })} />
                <AddressField label="Bcc" list={content.bcc} onChange={(bcc) => session.update({ bcc })} />
              </>
            )}
            <label className="compose-line">
              <span>Subject</span>
              <input value={content.subject} onChange={(event) => session.update({ subject: event.target.value })} />
            </label>
            {losesFormatting && (
              <p className="compose-note">
                This draft has formatting. It will be kept as plain text when you change it.
              </p>
            )}
            <textarea
              ref={body}
              className="compose-body"
              dir="auto"
              aria-label="Message text"
              value={content.body}
              onChange={(event) => session.update({ body: event.target.value })}
            />
            <ComposeFiles files={content.attachments} onRemove={(key) => session.detach(key)} />
          </div>
          <ComposeFooter
            status={status}
            error={error}
            onSend={send}
            onAttach={(files) => session.attach(files)}
            onDiscard={() => setAsking("discard")}
          />
        </>
      )}
      {dropping && <div className="drop-hint">Drop files to attach them</div>}
      {asking === "discard" && (
        <ConfirmDialog
          title="Discard this draft?"
          confirm="Discard"
          onConfirm={discardDraft}
          onClose={() => setAsking(null)}
        >
          What you have written will be gone.
        </ConfirmDialog>
      )}
      {asking === "forgot" && (
        <ConfirmDialog
          title="Send without an attachment?"
          confirm="Send anyway"
          onConfirm={() => void sendDraft()}
          onClose={() => setAsking(null)}
        >
          Your message speaks of an attachment, but there is none.
        </ConfirmDialog>
      )}
    </div>
  );
}
