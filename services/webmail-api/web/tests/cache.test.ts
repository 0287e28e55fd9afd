import { type InfiniteData, QueryClient } from "@tanstack/react-query";
import { expect, it } from "vitest";
import type { EmailRow, Mailbox } from "../src/jmap/types";
import { mergeRows, placeRows } from "../src/mail/cache";
import { keys, type Page } from "../src/mail/keys";

const row = (id: string, day: number, mailbox = "M1", keywords = {}): EmailRow => ({
  id,
  threadId: `T${id}`,
  mailboxIds: { [mailbox]: true },
  keywords,
  receivedAt: `2026-05-${String(day).padStart(2, "0")}T00:00:00Z`,
  from: null,
  to: null,
  subject: id,
  hasAttachment: false,
  preview: "",
  size: 1,
});
const box = (id: string, totalEmails: number): Mailbox => ({
  id,
  name: id,
  parentId: null,
  role: null,
  sortOrder: 0,
  totalEmails,
  unreadEmails: 0,
});

function cached(total: number, ...pages: EmailRow[][]) {
  const queries = new QueryClient();
  const data: InfiniteData<Page, number> = {
    pages: pages.map((rows, i) => ({ position: i * 50, rows, total, state: "1" })),
    pageParams: pages.map((_, i) => i * 50),
  };
  queries.setQueryData(keys.list({ mailboxId: "M1", search: "" }), data);
  queries.setQueryData(keys.list({ mailboxId: null, search: "x" }), data);
  const read = (mailboxId: string | null, search: string) => {
    const list = queries.getQueryData<InfiniteData<Page, number>>(keys.list({ mailboxId, search }))!;
    return { ids: list.pages.map((page) => page.rows.map((one) => one.id)), total: list.pages[0]!.total };
  };
  return { queries, folder: () => read("M1", ""), search: () => read(null, "x") };
}

it("puts a new message where its date belongs, and counts as the server does", () => {
  const { queries, folder } = cached(3, [row("c", 9), row("b", 5)], [row("a", 1)]);
  mergeRows(queries, { rows: [row("n", 7), row("o", 12)], destroyed: [], mailboxes: [box("M1", 5)] });
  expect(folder()).toEqual({ ids: [["o", "c", "n", "b"], ["a"]], total: 5 });
});

it("does not put an older message at the end of what is loaded, while more is to come", () => {
  const { queries, folder } = cached(90, [row("c", 9), row("b", 5)]);
  mergeRows(queries, { rows: [row("old", 2)], destroyed: [], mailboxes: [box("M1", 91)] });
  expect(folder()).toEqual({ ids: [["c", "b"]], total: 91 });
});

it("takes out what has been moved or destroyed, and shows changed keywords", () => {
  const { queries, folder, search } = cached(3, [row("c", 9), row("b", 5), row("a", 1)]);
  const seen = { ...row("a", 1), keywords: { $seen: true } };
  mergeRows(queries, { rows: [row("c", 9, "M2"), seen], destroyed: ["b"], mailboxes: [box("M1", 1)] });
  expect(folder()).toEqual({ ids: [["a"]], total: 1 });
  // A search keeps what was moved: it is found wherever it lies.
  expect(search().ids).toEqual([["c", "a"]]);
  const list = queries.getQueryData<InfiniteData<Page>>(keys.list({ mailboxId: "M1", search: "" }))!;
  expect(list.pages[0]!.rows[0]!.keywords).toEqual({ $seen: true });
});

it("an undone move comes back to its place", () => {
  const { queries, folder } = cached(3, [row("c", 9), row("b", 5), row("a", 1)]);
  const b = row("b", 5);
  placeRows(queries, new Map([["b", [b, { M2: true }]]]));
  expect(folder()).toEqual({ ids: [["c", "a"]], total: 2 });
  placeRows(queries, new Map([["b", [{ ...b, mailboxIds: { M2: true } }, { M1: true }]]]));
  expect(folder()).toEqual({ ids: [["c", "b", "a"]], total: 3 });
});
