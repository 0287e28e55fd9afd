import { useState } from "react";
import { messageOf } from "../jmap/errors";
import type { Mailbox } from "../jmap/types";
import { compose } from "../mail/compose/host";
import { useMail } from "../mail/context";
import { plural } from "../mail/format";
import { mailboxTree, type MailboxNode, nameOf } from "../mail/mailboxes";
import { navigate } from "../mail/route";
import { toastError } from "../mail/toasts";
import { ConfirmDialog } from "./ConfirmDialog";
import { FolderDialog } from "./FolderDialog";
import { FolderItem, type FolderTask } from "./FolderItem";
import { Icon } from "./Icon";
import { IconButton } from "./IconButton";
import { Link } from "./Link";

interface Props {
  mailboxes: readonly Mailbox[];
  loading: boolean;
  error: Error | null;
  currentId: string | null | undefined;
  onDrop: (emailId: string, target: Mailbox) => void;
  onClose: () => void;
}

type Asking = { task: Exclude<FolderTask, "read">; mailbox: Mailbox } | { task: "new"; mailbox: null };

export function Sidebar({ mailboxes, loading, error, currentId, onDrop, onClose }: Props) {
  const mail = useMail();
  const [asking, setAsking] = useState<Asking | null>(null);
  const tree = mailboxTree(mailboxes);
  const done = () => setAsking(null);

  const item = (node: MailboxNode) => (
    <FolderItem
      key={node.mailbox.id}
      node={node}
      currentId={currentId}
      onGo={(mailbox) => {
        navigate({ mailboxId: mailbox.id, emailId: null, search: "" });
        onClose();
      }}
      onTask={(task, mailbox) => {
        if (task === "read") void mail.actions.markAllRead(mailbox).catch(toastError);
        else setAsking({ task, mailbox });
      }}
      onDrop={onDrop}
    />
  );

  return (
    <>
      <div className="scrim" onClick={onClose} />
      <nav className="sidebar" aria-label="Folders">
        <button
          type="button"
          className="button primary compose-button"
          title="New message (c)"
          onClick={() => {
            onClose();
            void compose(mail);
          }}
        >
          <Icon name="compose" size={18} />
          New message
        </button>
        {loading && <SidebarSkeleton />}
        {error && (
          <p className="form-error" role="alert">
            {messageOf(error)}
          </p>
        )}
        {!loading && (
          <>
            <ul className="folders">
              {tree.special.map(item)}
              <li>
                <div className="folder">
                  <Link
                    to={{ mailboxId: null, emailId: null, search: "" }}
                    className="folder-link"
                    aria-current={currentId === null ? "page" : undefined}
                    onGo={() => {
                      navigate({ mailboxId: null, emailId: null, search: "" });
                      onClose();
                    }}
                  >
                    <Icon name="mails" size={18} />
                    <span className="folder-name">All mail</span>
                  </Link>
                </div>
              </li>
            </ul>
            <div className="folders-head">
              <h2>Folders</h2>
              <IconButton icon="plus" label="New folder" onClick={() => setAsking({ task: "new", mailbox: null })} />
            </div>
            {tree.others.length > 0 ? (
              <ul className="folders">{tree.others.map(item)}</ul>
            ) : (
              <p className="folders-none">None of your own yet</p>
            )}
          </>
        )}
      </nav>
      {asking?.task === "new" && <FolderDialog mailboxes={mailboxes} parentId={asking.mailbox?.id} onClose={done} />}
      {asking?.task === "rename" && <FolderDialog mailboxes={mailboxes} folder={asking.mailbox} onClose={done} />}
      {asking?.task === "delete" && (
        <ConfirmDialog
          title={`Delete “${nameOf(asking.mailbox)}”?`}
          confirm="Delete folder"
          onClose={done}
          onConfirm={() => mail.folders.destroy(asking.mailbox.id)}
        >
          {asking.mailbox.totalEmails > 0
            ? `The folder and the ${plural(asking.mailbox.totalEmails, "message")} in it will be gone. This cannot be undone.`
            : "The folder is empty."}
        </ConfirmDialog>
      )}
      {asking?.task === "empty" && (
        <ConfirmDialog
          title={`Empty “${nameOf(asking.mailbox)}”?`}
          confirm="Delete all"
          onClose={done}
          onConfirm={() => mail.actions.destroyAll(asking.mailbox)}
        >
          {plural(asking.mailbox.totalEmails, "message")} will be gone. This cannot be undone.
        </ConfirmDialog>
      )}
    </>
  );
}

function SidebarSkeleton() {
  return (
    <div className="folders" aria-busy="true" aria-label="Loading folders">
      {["w60", "w44", "w30", "w52", "w30", "w44", "w60"].map((width, i) => (
        <div key={i} className="folder-skeleton">
          <span className={`skeleton ${width}`} />
        </div>
      ))}
    </div>
  );
}
