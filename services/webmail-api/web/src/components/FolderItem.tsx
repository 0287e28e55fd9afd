import { type DragEvent, useState } from "react";
import type { Mailbox } from "../jmap/types";
import { type MailboxNode, nameOf, roleOf } from "../mail/mailboxes";
import { DRAG_TYPE } from "./dragType";
import { folderIcon } from "./folderIcon";
import { Icon } from "./Icon";
import { Link } from "./Link";
import { Menu, type MenuItem } from "./Menu";

export type FolderTask = "new" | "rename" | "delete" | "empty" | "read";

interface Props {
  node: MailboxNode;
  currentId: string | null | undefined;
  onGo: (mailbox: Mailbox) => void;
  onTask: (task: FolderTask, mailbox: Mailbox) => void;
  onDrop: (emailId: string, target: Mailbox) => void;
}

export function FolderItem({ node, currentId, onGo, onTask, onDrop }: Props) {
  const { mailbox, depth, children } = node;
  const [open, setOpen] = useState(true);
  const [over, setOver] = useState(false);
  const role = roleOf(mailbox);
  const name = nameOf(mailbox);
  // Of drafts one wants to know how many wait, read or not.
  const count = role === "drafts" ? mailbox.totalEmails : mailbox.unreadEmails;
  const current = mailbox.id === currentId;

  const takes = (event: DragEvent) => event.dataTransfer.types.includes(DRAG_TYPE) && !current;
  const items = menuItems(mailbox, (task) => onTask(task, mailbox));

  return (
    <li>
      <div
        className={`folder ${over ? "drop" : ""} ${role === "junk" || role === "trash" || role === "drafts" ? "quiet" : ""}`}
        data-depth={Math.min(depth, 6)}
        onDragOver={(event) => {
          if (!takes(event)) return;
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          setOver(false);
          const id = event.dataTransfer.getData(DRAG_TYPE);
          if (!id) return;
          event.preventDefault();
          onDrop(id, mailbox);
        }}
      >
        <Link
          to={{ mailboxId: mailbox.id, emailId: null, search: "" }}
          className={`folder-link ${mailbox.unreadEmails > 0 ? "has-unread" : ""}`}
          aria-current={current ? "page" : undefined}
          onGo={() => onGo(mailbox)}
        >
          <Icon name={folderIcon(mailbox)} size={18} />
          <span className="folder-name">{name}</span>
          {count > 0 && (
            <span className="count" aria-label={role === "drafts" ? `${count} drafts` : `${count} unread`}>
              {count > 9999 ? "9999+" : count}
            </span>
          )}
        </Link>
        {children.length > 0 && (
          <button
            type="button"
            className={`fold ${open ? "open" : ""}`}
            aria-expanded={open}
            aria-label={open ? `Close ${name}` : `Open ${name}`}
            onClick={() => setOpen(!open)}
          >
            <Icon name="right" size={14} />
          </button>
        )}
        {items.length > 0 && (
          <Menu label={`Options of ${name}`} className="folder-menu" items={items}>
            <Icon name="more" size={16} />
          </Menu>
        )}
      </div>
      {open && children.length > 0 && (
        <ul>
          {children.map((child) => (
            <FolderItem
              key={child.mailbox.id}
              node={child}
              currentId={currentId}
              onGo={onGo}
              onTask={onTask}
              onDrop={onDrop}
            />
          ))}
        </ul>
      )}
    </li>
  );
}

function menuItems(mailbox: Mailbox, ask: (task: FolderTask) => void): MenuItem[] {
  const role = roleOf(mailbox);
  const may = mailbox.myRights ?? {};
  const items: MenuItem[] = [];
  if (mailbox.unreadEmails > 0) {
    items.push({ label: "Mark all as read", icon: "read", run: () => ask("read") });
  }
  if (role === "trash" || role === "junk") {
    items.push({
      label: "Empty",
      icon: "trash",
      danger: true,
      disabled: mailbox.totalEmails === 0,
      run: () => ask("empty"),
    });
  }
  if ((role === null || role === "inbox" || role === "archive") && (may.mayCreateChild ?? true)) {
    items.push({ label: "New folder inside", icon: "folderPlus", run: () => ask("new") });
  }
  if (role === null && (may.mayRename ?? true)) {
    items.push({ label: "Rename or move", icon: "drafts", run: () => ask("rename") });
  }
  if (role === null && (may.mayDelete ?? true)) {
    items.push({ label: "Delete", icon: "trash", danger: true, run: () => ask("delete") });
  }
  return items;
}
