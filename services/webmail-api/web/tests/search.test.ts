import { describe, expect, it } from "vitest";
import type { Mailbox } from "../src/jmap/types";
import { filterOf } from "../src/mail/search";

const box = (id: string, name: string, role: string | null = null, parentId: string | null = null): Mailbox => ({
  id,
  name,
  parentId,
  role,
  sortOrder: 0,
  totalEmails: 0,
  unreadEmails: 0,
});
const boxes = [
  box("M1", "INBOX", "inbox"),
  box("M5", "Junk", "junk"),
  box("M6", "Trash", "trash"),
  box("M7", "Projects"),
  box("M8", "East wall", null, "M7"),
];
const now = new Date(2026, 4, 20, 15, 0);
const search = (line: string, mailboxId: string | null = "M1") => filterOf({ mailboxId, search: line }, boxes, now);

describe("filterOf", () => {
  it("joins a folder, words and narrowing terms", () => {
    expect(search("")).toEqual({ inMailbox: "M1" });
    expect(search('from:ana quay is:unread subject:"east wall" has:attachment wall')).toEqual({
      operator: "AND",
      conditions: [
        { inMailbox: "M1" },
        { from: "ana" },
        { notKeyword: "$seen" },
        { subject: "east wall" },
        { hasAttachment: true },
        { text: "quay wall" },
      ],
    });
  });
  it("leaves Junk and Trash out of all mail", () => {
    expect(search("", null)).toEqual({ inMailboxOtherThan: ["M5", "M6"] });
    expect(filterOf({ mailboxId: null, search: "" })).toBeNull();
  });
  it("looks in the folder that in: names, and everywhere when asked to", () => {
    expect(search("in:trash")).toEqual({ inMailbox: "M6" });
    expect(search('in:"projects/east wall" x', null)).toEqual({
      operator: "AND",
      conditions: [{ inMailbox: "M8" }, { text: "x" }],
    });
    expect(search("in:anywhere wall")).toEqual({ text: "wall" });
    expect(search("in:nowhere", "M1")).toEqual({
      operator: "AND",
      conditions: [{ inMailbox: "M1" }, { text: "in:nowhere" }],
    });
  });
  it("turns round what follows a minus", () => {
    expect(search('-from:ana -"east wall" -', null)).toEqual({
      operator: "AND",
      conditions: [
        { inMailboxOtherThan: ["M5", "M6"] },
        { operator: "NOT", conditions: [{ from: "ana" }] },
        { operator: "NOT", conditions: [{ text: '"east wall"' }] },
        { text: "-" },
      ],
    });
  });
  it("reads days, spans of time and sizes", () => {
    const utc = (y: number, m: number, d: number) => new Date(y, m, d).toISOString().replace(".000Z", "Z");
    expect(search("in:anywhere after:2026-01-31")).toEqual({ after: utc(2026, 0, 31) });
    expect(search("in:anywhere before:2w")).toEqual({ before: utc(2026, 4, 6) });
    expect(search("in:anywhere after:1y")).toEqual({ after: utc(2025, 4, 20) });
    expect(search("in:anywhere larger:5M")).toEqual({ minSize: 5_000_000 });
    expect(search("in:anywhere smaller:300")).toEqual({ maxSize: 300 });
  });
  it("takes what it does not know as words", () => {
    expect(search("in:anywhere is:blue http://x before:soon larger:big")).toEqual({
      text: "is:blue http://x before:soon larger:big",
    });
  });
});
