import { type FormEvent, useState } from "react";
import { messageOf } from "../jmap/errors";
import type { Mailbox } from "../jmap/types";
import { useMail } from "../mail/context";
import { flatten, mailboxTree, pathOf, roleOf, withDescendants } from "../mail/mailboxes";
import { toast } from "../mail/toasts";
import { Dialog } from "./Dialog";

interface Props {
  mailboxes: readonly Mailbox[];
  /** The folder to rename; absent for a new one. */
  folder?: Mailbox;
  parentId?: string | null;
  onClose: () => void;
}

export function FolderDialog({ mailboxes, folder, parentId, onClose }: Props) {
  const { folders } = useMail();
  const [name, setName] = useState(folder?.name ?? "");
  const [parent, setParent] = useState(folder ? folder.parentId : (parentId ?? null));
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const excluded = folder ? withDescendants(folder.id, mailboxes) : new Set<string>();
  const tree = mailboxTree(mailboxes);
  const parents = flatten([...tree.special, ...tree.others])
    .map((node) => node.mailbox)
    .filter((mailbox) => !excluded.has(mailbox.id))
    .filter((mailbox) => mailbox.id === parent || (mailbox.myRights?.mayCreateChild ?? true))
    // Nobody keeps folders below Drafts or Junk; the select stays short.
    .filter(
      (mailbox) => mailbox.id === parent || ![null, "inbox", "archive"].every((role) => role !== roleOf(mailbox)),
    );

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const trimmed = name.trim();
    if (!trimmed) return setError("A folder needs a name.");
    setBusy(true);
    try {
      if (folder) await folders.change(folder.id, trimmed, parent);
      else await folders.create(trimmed, parent);
      toast(folder ? "Folder changed" : `Folder “${trimmed}” created`);
      onClose();
    } catch (failure) {
      setError(messageOf(failure));
      setBusy(false);
    }
  };

  return (
    <Dialog title={folder ? "Rename folder" : "New folder"} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <label className="field">
          <span>Name</span>
          <input value={name} onChange={(event) => setName(event.target.value)} maxLength={200} required />
        </label>
        <label className="field">
          <span>Inside</span>
          <select value={parent ?? ""} onChange={(event) => setParent(event.target.value || null)}>
            <option value="">At the top</option>
            {parents.map((mailbox) => (
              <option key={mailbox.id} value={mailbox.id}>
                {pathOf(mailbox, mailboxes)}
              </option>
            ))}
          </select>
        </label>
        {error && (
          <p className="form-error" role="alert">
            {error}
          </p>
        )}
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={busy}>
            {folder ? "Save" : "Create"}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
