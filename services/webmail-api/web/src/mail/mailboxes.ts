import type { Mailbox } from "../jmap/types";

export interface MailboxNode {
  mailbox: Mailbox;
  depth: number;
  children: MailboxNode[];
}

/** The order in which the special folders stand, before all others. */
export const ROLES = ["inbox", "drafts", "sent", "archive", "junk", "trash"] as const;
export type Role = (typeof ROLES)[number];

const ROLE_NAMES: Record<Role, string> = {
  inbox: "Inbox",
  drafts: "Drafts",
  sent: "Sent",
  archive: "Archive",
  junk: "Junk",
  trash: "Trash",
};

export function roleOf(mailbox: Mailbox): Role | null {
  const role = mailbox.role?.toLowerCase();
  return ROLES.find((known) => known === role) ?? null;
}

/** The name to show. The server says INBOX; people say Inbox. */
export function nameOf(mailbox: Mailbox): string {
  const role = roleOf(mailbox);
  return role === "inbox" ? ROLE_NAMES.inbox : mailbox.name;
}

export function byRole(mailboxes: readonly Mailbox[], role: Role): Mailbox | undefined {
  return mailboxes.find((mailbox) => roleOf(mailbox) === role);
}

export interface MailboxTree {
  /** Folders with a role, at whatever place in the tree the server has them. */
  special: MailboxNode[];
  /** All others, as trees. */
  others: MailboxNode[];
}

/**
 * Special folders come first; each keeps its own children below it, except
 * that a special folder inside another one (some servers put everything below
 * INBOX) is lifted to the top. A folder whose parent is unknown, or that is
 * part of a loop, is shown at the top, so that no folder can go missing.
 */
export function mailboxTree(mailboxes: readonly Mailbox[]): MailboxTree {
  const known = new Set(mailboxes.map((mailbox) => mailbox.id));
  const childrenOf = new Map<string | null, Mailbox[]>();
  for (const mailbox of mailboxes) {
    const lifted = roleOf(mailbox) !== null;
    const parent = !lifted && mailbox.parentId && known.has(mailbox.parentId) ? mailbox.parentId : null;
    const list = childrenOf.get(parent) ?? [];
    list.push(mailbox);
    childrenOf.set(parent, list);
  }
  const placed = new Set<string>();
  const grow = (mailbox: Mailbox, depth: number): MailboxNode => {
    placed.add(mailbox.id);
    const children = (childrenOf.get(mailbox.id) ?? []).filter((child) => !placed.has(child.id));
    return { mailbox, depth, children: children.sort(compare).map((child) => grow(child, depth + 1)) };
  };
  const tops = [...(childrenOf.get(null) ?? [])].sort(compare).map((mailbox) => grow(mailbox, 0));
  for (const mailbox of mailboxes) if (!placed.has(mailbox.id)) tops.push(grow(mailbox, 0));
  return {
    special: tops.filter((node) => roleOf(node.mailbox) !== null),
    others: tops.filter((node) => roleOf(node.mailbox) === null),
  };
}

export function flatten(nodes: readonly MailboxNode[]): MailboxNode[] {
  return nodes.flatMap((node) => [node, ...flatten(node.children)]);
}

/** `Projects / Harbour`: the path of a folder, for menus and titles. */
export function pathOf(mailbox: Mailbox, mailboxes: readonly Mailbox[]): string {
  const names = [nameOf(mailbox)];
  const seen = new Set([mailbox.id]);
  let parentId = roleOf(mailbox) ? null : mailbox.parentId;
  while (parentId && !seen.has(parentId)) {
    seen.add(parentId);
    const parent = mailboxes.find((candidate) => candidate.id === parentId);
    if (!parent) break;
    names.unshift(nameOf(parent));
    parentId = parent.parentId;
  }
  return names.join(" / ");
}

/** A folder and everything below it: where it may not be moved to. */
export function withDescendants(id: string, mailboxes: readonly Mailbox[]): Set<string> {
  const found = new Set([id]);
  let size = 0;
  while (size !== found.size) {
    size = found.size;
    for (const mailbox of mailboxes) {
      if (mailbox.parentId && found.has(mailbox.parentId)) found.add(mailbox.id);
    }
  }
  return found;
}

function compare(a: Mailbox, b: Mailbox): number {
  return (
    rank(a) - rank(b) ||
    a.sortOrder - b.sortOrder ||
    a.name.localeCompare(b.name, undefined, { sensitivity: "base", numeric: true })
  );
}

function rank(mailbox: Mailbox): number {
  const role = roleOf(mailbox);
  return role ? ROLES.indexOf(role) : ROLES.length;
}
