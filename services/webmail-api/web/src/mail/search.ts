import type { Filter, FilterCondition, Mailbox } from "../jmap/types";
import { byRole, nameOf, pathOf } from "./mailboxes";

/** The query of a message list: a folder, or all mail, with words to look for. */
export interface ListView {
  /** null is all mail but what lies in Junk and Trash. */
  mailboxId: string | null;
  search: string;
}

/** What a search line may hold, for the hints below the search box and for the help. */
export const OPERATORS: readonly { example: string; insert: string; what: string }[] = [
  { example: "from:anna", insert: "from:", what: "sent by Anna" },
  { example: "to:team@", insert: "to:", what: "sent to; also cc: and bcc:" },
  { example: 'subject:"quay wall"', insert: "subject:", what: "words of the subject" },
  { example: "has:attachment", insert: "has:attachment ", what: "with files" },
  { example: "is:unread", insert: "is:unread ", what: "also is:read, is:flagged, is:answered" },
  { example: "after:2026-01-31", insert: "after:", what: "by date; also before:, or 7d, 2w, 6m, 1y ago" },
  { example: "larger:5M", insert: "larger:", what: "by size; also smaller:" },
  { example: "in:archive", insert: "in:", what: "in another folder, or in:anywhere" },
  { example: "-from:anna", insert: "-", what: "all but those" },
];

/**
 * A search line as a JMAP filter. Plain words go to the full-text index
 * together; the operators narrow it. A value with spaces stands in double
 * quotes, and a minus before anything turns it round.
 */
export function filterOf(view: ListView, mailboxes: readonly Mailbox[] = [], now: Date = new Date()): Filter | null {
  const conditions: Filter[] = [];
  const words: string[] = [];
  let place = placeOf(view.mailboxId, mailboxes);
  for (const token of tokens(view.search)) {
    const negated = token.startsWith("-") && token.length > 1;
    const bare = negated ? token.slice(1) : token;
    const folder = negated ? null : folderNamed(bare, mailboxes);
    if (folder) {
      place = folder.place;
      continue;
    }
    const condition = special(bare, now);
    if (negated) conditions.push({ operator: "NOT", conditions: [condition ?? { text: bare }] });
    else if (condition) conditions.push(condition);
    else words.push(token);
  }
  if (place) conditions.unshift(place);
  if (words.length > 0) conditions.push({ text: words.join(" ") });
  if (conditions.length === 0) return null;
  return conditions.length === 1 ? conditions[0]! : { operator: "AND", conditions };
}

function placeOf(mailboxId: string | null, mailboxes: readonly Mailbox[]): FilterCondition | null {
  if (mailboxId) return { inMailbox: mailboxId };
  const unwanted = (["junk", "trash"] as const).flatMap((role) => byRole(mailboxes, role)?.id ?? []);
  return unwanted.length > 0 ? { inMailboxOtherThan: unwanted } : null;
}

/** `in:archive`; `place` is null for `in:anywhere`, where no folder is left out. */
function folderNamed(token: string, mailboxes: readonly Mailbox[]): { place: FilterCondition | null } | null {
  const match = /^in:(.+)$/is.exec(token);
  if (!match) return null;
  const wanted = unquoted(match[1]!).toLowerCase();
  if (wanted === "anywhere") return { place: null };
  const found = mailboxes.find(
    (mailbox) =>
      nameOf(mailbox).toLowerCase() === wanted ||
      pathOf(mailbox, mailboxes).replaceAll(" / ", "/").toLowerCase() === wanted,
  );
  return found ? { place: { inMailbox: found.id } } : null;
}

function tokens(line: string): string[] {
  return line.match(/(?:[^\s"]+:)?-?"[^"]*"?|\S+/g) ?? [];
}

function unquoted(value: string): string {
  return value.replace(/^"|"$/g, "");
}

function special(token: string, now: Date): FilterCondition | null {
  const match = /^(\w+):(.+)$/s.exec(token);
  if (!match) return null;
  const key = match[1]!.toLowerCase();
  const value = unquoted(match[2]!);
  if (value === "") return null;
  switch (key) {
    case "from":
    case "to":
    case "cc":
    case "bcc":
    case "subject":
    case "body":
      return { [key]: value };
    case "has":
      return /^attachments?$/i.test(value) ? { hasAttachment: true } : null;
    case "is":
      return state(value.toLowerCase());
    case "before":
    case "after": {
      const date = moment(value, now);
      return date && { [key]: date.toISOString().replace(/\.\d+Z$/, "Z") };
    }
    case "larger":
    case "smaller": {
      const bytes = size(value);
      return bytes === null ? null : { [key === "larger" ? "minSize" : "maxSize"]: bytes };
    }
    default:
      return null;
  }
}

function state(value: string): FilterCondition | null {
  if (value === "unread") return { notKeyword: "$seen" };
  if (value === "read") return { hasKeyword: "$seen" };
  if (value === "flagged" || value === "starred") return { hasKeyword: "$flagged" };
  if (value === "answered") return { hasKeyword: "$answered" };
  return null;
}

/** A day (its first moment, here), or so many days, weeks, months or years ago. */
function moment(value: string, now: Date): Date | null {
  if (/^\d{4}-\d\d-\d\d$/.test(value)) {
    const date = new Date(`${value}T00:00:00`);
    return Number.isNaN(date.getTime()) ? null : date;
  }
  const ago = /^(\d{1,3})([dwmy])$/i.exec(value);
  if (!ago) return null;
  const count = Number(ago[1]);
  const date = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  const unit = ago[2]!.toLowerCase();
  if (unit === "d") date.setDate(date.getDate() - count);
  else if (unit === "w") date.setDate(date.getDate() - 7 * count);
  else if (unit === "m") date.setMonth(date.getMonth() - count);
  else date.setFullYear(date.getFullYear() - count);
  return date;
}

function size(value: string): number | null {
  const match = /^(\d{1,6})([kmg])?b?$/i.exec(value);
  if (!match) return null;
  const factor = { k: 1e3, m: 1e6, g: 1e9 }[match[2]?.toLowerCase() ?? ""] ?? 1;
  return Number(match[1]) * factor;
}
