import { expect, it } from "vitest";
import type { Mailbox } from "../src/jmap/types";
import { flatten, mailboxTree, nameOf, pathOf, withDescendants } from "../src/mail/mailboxes";

const box = (id: string, name: string, parentId: string | null = null, role: string | null = null): Mailbox => ({
  id,
  name,
  parentId,
  role,
  sortOrder: 0,
  totalEmails: 0,
  unreadEmails: 0,
});

it("special folders first in their order, then the others by name", () => {
  const tree = mailboxTree([
    box("1", "Zoo"),
    box("2", "Trash", null, "trash"),
    box("3", "INBOX", null, "inbox"),
    box("4", "apples"),
    box("5", "Sent", "3", "sent"),
    box("6", "Lists", "3"),
  ]);
  expect(flatten(tree.special).map((node) => [node.mailbox.id, node.depth])).toEqual([
    ["3", 0],
    ["6", 1],
    ["5", 0],
    ["2", 0],
  ]);
  expect(tree.others.map((node) => node.mailbox.name)).toEqual(["apples", "Zoo"]);
});

it("no folder goes missing: unknown parents and loops", () => {
  const tree = mailboxTree([box("1", "Orphan", "gone"), box("2", "A", "3"), box("3", "B", "2")]);
  expect(
    flatten([...tree.special, ...tree.others])
      .map((node) => node.mailbox.id)
      .sort(),
  ).toEqual(["1", "2", "3"]);
});

it("names and paths", () => {
  const all = [box("1", "INBOX", null, "inbox"), box("2", "Projects"), box("3", "Quay", "2")];
  expect(nameOf(all[0]!)).toBe("Inbox");
  expect(pathOf(all[2]!, all)).toBe("Projects / Quay");
  expect([...withDescendants("2", all)]).toEqual(["2", "3"]);
});
