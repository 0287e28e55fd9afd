import type { Filter, FilterCondition } from "../jmap/types";

/** The query of a message list: a folder, or all mail, with words to look for. */
export interface ListView {
  mailboxId: string | null;
  search: string;
}

/**
 * A search line as a JMAP filter. Plain words go to the full-text index
 * together; `from:ann`, `to:`, `subject:`, `body:`, `has:attachment`,
 * `is:unread`, `is:read`, `is:flagged`, `before:2026-01-31` and `after:` narrow
 * it. A value with spaces stands in double quotes.
 */
export function filterOf(view: ListView): Filter | null {
  const conditions: FilterCondition[] = [];
  if (view.mailboxId) conditions.push({ inMailbox: view.mailboxId });
  const words: string[] = [];
  for (const token of tokens(view.search)) {
    const condition = special(token);
    if (condition) conditions.push(condition);
    else words.push(token);
  }
  if (words.length > 0) conditions.push({ text: words.join(" ") });
  if (conditions.length === 0) return null;
  return conditions.length === 1 ? conditions[0]! : { operator: "AND", conditions };
}

function tokens(line: string): string[] {
  return line.match(/(?:[^\s"]+:)?"[^"]*"?|\S+/g) ?? [];
}

function special(token: string): FilterCondition | null {
  const match = /^(\w+):(.+)$/s.exec(token);
  if (!match) return null;
  const key = match[1]!.toLowerCase();
  const value = match[2]!.replace(/^"|"$/g, "");
  if (value === "") return null;
  switch (key) {
    case "from":
    case "to":
    case "subject":
    case "body":
      return { [key]: value };
    case "has":
      return /^attachments?$/i.test(value) ? { hasAttachment: true } : null;
    case "is":
      return state(value.toLowerCase());
    case "before":
    case "after": {
      const date = /^\d{4}-\d\d-\d\d$/.test(value) ? new Date(`${value}T00:00:00`) : null;
      return date && !Number.isNaN(date.getTime()) ? { [key]: date.toISOString().replace(/\.\d+Z$/, "Z") } : null;
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
