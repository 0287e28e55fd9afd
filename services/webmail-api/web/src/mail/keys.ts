import type { EmailRow } from "../jmap/types";
import type { ListView } from "./search";

/** How many messages are asked for at a time. */
export const PAGE = 50;

export interface Page {
  position: number;
  rows: EmailRow[];
  total: number;
}

/** Under which keys answers are cached. */
export const keys = {
  mailboxes: ["mailboxes"] as const,
  lists: ["list"] as const,
  list: (view: ListView) => ["list", view.mailboxId, view.search] as const,
  email: (id: string) => ["email", id] as const,
  identities: ["identities"] as const,
};
