import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import type { EmailDetail, EmailRow, Mailbox } from "../jmap/types";
import type { Changes } from "./changes";
import { isFolder, keys, type ListKey, type Page } from "./keys";

/**
 * Changes to what is cached, made before the server answers so that the page
 * reacts at once. A refetch afterwards brings the truth in any case.
 */

type List = InfiniteData<Page, number>;
export type Placement = Record<string, boolean>;

export function patchRows(queries: QueryClient, ids: Set<string>, patch: (row: EmailRow) => Partial<EmailRow>): void {
  queries.setQueriesData<List>({ queryKey: keys.lists }, (list) =>
    mapRows(list, (row) => (ids.has(row.id) ? { ...row, ...patch(row) } : row)),
  );
  for (const id of ids) {
    queries.setQueryData<EmailDetail>(keys.email(id), (email) => (email ? { ...email, ...patch(email) } : email));
  }
}

/** Takes rows out of, and puts rows into, every list their new folders concern. */
export function placeRows(queries: QueryClient, placed: ReadonlyMap<string, [EmailRow, Placement | null]>): void {
  for (const [key, list] of queries.getQueriesData<List>({ queryKey: keys.lists })) {
    if (!list) continue;
    const mailboxId = key[1] as string | null;
    const searching = key[2] !== "";
    const stays = (placement: Placement | null) => placement !== null && (mailboxId === null || placement[mailboxId]);
    let next = withoutRows(list, (row) => {
      const change = placed.get(row.id);
      return change !== undefined && !stays(change[1]);
    });
    next = mapRows(next, (row) => {
      const placement = placed.get(row.id)?.[1];
      return placement ? { ...row, mailboxIds: placement } : row;
    })!;
    if (!searching) {
      for (const [row, placement] of placed.values()) {
        if (placement && stays(placement)) next = withRow(next, { ...row, mailboxIds: placement });
      }
    }
    queries.setQueryData<List>(key, next);
  }
  for (const [id, [, placement]] of placed) {
    if (placement === null) queries.removeQueries({ queryKey: keys.email(id) });
    else queries.setQueryData<EmailDetail>(keys.email(id), (email) => email && { ...email, mailboxIds: placement });
  }
}

/**
 * What the server says has changed. Folders' lists are exact afterwards; a
 * search keeps its members, changed ones as they are now, until it is read anew.
 */
export function mergeRows(queries: QueryClient, changes: Pick<Changes, "rows" | "destroyed" | "mailboxes">): void {
  const fresh = new Map(changes.rows.map((row) => [row.id, row]));
  const gone = new Set(changes.destroyed);
  const totals = new Map(changes.mailboxes.map((mailbox) => [mailbox.id, mailbox.totalEmails]));
  for (const [key, list] of queries.getQueriesData<List>({ queryKey: keys.lists })) {
    if (!list) continue;
    const folder = isFolder(key as ListKey) ? (key[1] as string) : null;
    const leaves = (row: EmailRow) =>
      gone.has(row.id) || (folder !== null && fresh.has(row.id) && !fresh.get(row.id)!.mailboxIds[folder]);
    let next = mapRows(withoutRows(list, leaves), (row) => fresh.get(row.id) ?? row)!;
    if (folder !== null) {
      for (const row of fresh.values()) if (row.mailboxIds[folder]) next = withRow(next, row);
      next = withTotal(next, totals.get(folder));
    }
    queries.setQueryData<List>(key, next);
  }
  syncDetails(queries, changes.rows);
}

export interface CountChange {
  total: number;
  unread: number;
}

export function patchCounts(queries: QueryClient, changes: ReadonlyMap<string, CountChange>): void {
  queries.setQueryData<Mailbox[]>(keys.mailboxes, (mailboxes) =>
    mailboxes?.map((mailbox) => {
      const change = changes.get(mailbox.id);
      if (!change) return mailbox;
      return {
        ...mailbox,
        totalEmails: Math.max(0, mailbox.totalEmails + change.total),
        unreadEmails: Math.max(0, mailbox.unreadEmails + change.unread),
      };
    }),
  );
}

/** Keywords and folders of messages that are cached whole follow their rows. */
export function syncDetails(queries: QueryClient, rows: readonly EmailRow[]): void {
  for (const { id, keywords, mailboxIds } of rows) {
    queries.setQueryData<EmailDetail>(keys.email(id), (email) => (email ? { ...email, keywords, mailboxIds } : email));
  }
}

function mapRows(list: List | undefined, map: (row: EmailRow) => EmailRow): List | undefined {
  return list && { ...list, pages: list.pages.map((page) => ({ ...page, rows: page.rows.map(map) })) };
}

function withoutRows(list: List, gone: (row: EmailRow) => boolean): List {
  const kept = list.pages.map((page) => page.rows.filter((row) => !gone(row)));
  const removed = list.pages.reduce((sum, page, i) => sum + page.rows.length - kept[i]!.length, 0);
  if (removed === 0) return list;
  const pages = list.pages.map((page, i) => ({ ...page, rows: kept[i]!, total: Math.max(0, page.total - removed) }));
  return { ...list, pages };
}

/** Puts a row in at its place by date, if that place has been loaded. */
function withRow(list: List, row: EmailRow): List {
  if (list.pages.some((page) => page.rows.some((other) => other.id === row.id))) return list;
  const loaded = list.pages.reduce((sum, page) => sum + page.rows.length, 0);
  const complete = loaded >= (list.pages.at(-1)?.total ?? 0);
  const index = list.pages.findIndex((page, i) => {
    const last = page.rows.at(-1);
    return (complete && i === list.pages.length - 1) || (last !== undefined && last.receivedAt <= row.receivedAt);
  });
  const pages = list.pages.map((page, i) => {
    if (i !== index) return { ...page, total: page.total + 1 };
    const at = page.rows.findIndex((other) => other.receivedAt <= row.receivedAt);
    const rows = [...page.rows];
    rows.splice(at === -1 ? rows.length : at, 0, row);
    return { ...page, rows, total: page.total + 1 };
  });
  return { ...list, pages };
}

function withTotal(list: List, total: number | undefined): List {
  if (total === undefined || list.pages.every((page) => page.total === total)) return list;
  return { ...list, pages: list.pages.map((page) => ({ ...page, total })) };
}
