import type { EmailRow } from "../jmap/types";
import type { ListView } from "./search";

/** How many messages are asked for at a time. */
export const PAGE = 50;

/** The properties of an EmailRow. */
export const ROW = [
  "id", "threadId", "mailboxIds", "keywords", "receivedAt", "from", "to", "subject", "hasAttachment", "preview", "size",
]; // prettier-ignore

export interface Page {
  position: number;
  rows: EmailRow[];
  total: number;
  /** Of the account's messages, just before the page was read. */
  state: string;
}

/** Under which keys answers are cached. */
export const keys = {
  mailboxes: ["mailboxes"] as const,
  lists: ["list"] as const,
  list: (view: ListView) => ["list", view.mailboxId, view.search] as const,
  email: (id: string) => ["email", id] as const,
  threads: ["thread"] as const,
  thread: (id: string) => ["thread", id] as const,
  identities: ["identities"] as const,
  people: ["people"] as const,
};

export type ListKey = ReturnType<typeof keys.list>;

/** Just a folder, whose members a message's `mailboxIds` tell. */
export function isFolder(key: ListKey): key is readonly ["list", string, ""] {
  return key[1] !== null && key[2] === "";
}
