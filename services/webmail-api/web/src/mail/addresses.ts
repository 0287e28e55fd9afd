import type { EmailAddress } from "../jmap/types";

/**
 * Addresses as people type and paste them. This is the lenient reading a
 * composer needs, not the full grammar of RFC 5322; the server has the last
 * word on what is deliverable.
 */

/** Splits at commas, semicolons and line ends, but not inside quotes or <>. */
export function splitAddresses(text: string): string[] {
  const parts: string[] = [];
  let current = "";
  let quoted = false;
  let angle = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (quoted && char === "\\") {
      current += char + (text[++i] ?? "");
      continue;
    }
    if (char === '"') quoted = !quoted;
    else if (!quoted && char === "<") angle = true;
    else if (!quoted && char === ">") angle = false;
    if (!quoted && !angle && /[,;\n\r]/.test(char)) {
      parts.push(current);
      current = "";
    } else {
      current += char;
    }
  }
  parts.push(current);
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}

export function parseAddress(text: string): EmailAddress {
  const match = /^(.*?)\s*<([^<>]*)>\s*$/s.exec(text.trim());
  if (!match) return { name: null, email: text.trim().replace(/^mailto:/i, "") };
  return { name: unquote(match[1] ?? "") || null, email: (match[2] ?? "").trim() };
}

export function parseAddresses(text: string): EmailAddress[] {
  return splitAddresses(text).map(parseAddress);
}

/** Good enough to catch a typing mistake before the message goes out. */
export function looksValid(address: EmailAddress): boolean {
  return /^[^\s@<>,;"]+@[^\s@<>,;"]+$/.test(address.email) || /^"[^"]+"@[^\s@<>]+$/.test(address.email);
}

export function displayName(address: EmailAddress): string {
  return address.name?.trim() || address.email;
}

export function formatAddress(address: EmailAddress): string {
  const name = address.name?.trim();
  if (!name) return address.email;
  const plain = /^[\p{L}\p{N} !#$%&'*+\-/=?^_`{|}~.]+$/u.test(name) && !name.includes(".");
  const shown = plain ? name : `"${name.replace(/(["\\])/g, "\\$1")}"`;
  return `${shown} <${address.email}>`;
}

export function sameAddress(a: EmailAddress, b: EmailAddress): boolean {
  return a.email.toLowerCase() === b.email.toLowerCase();
}

/** Each address once, the first spelling kept. */
export function uniqueAddresses(list: readonly EmailAddress[]): EmailAddress[] {
  const seen = new Set<string>();
  return list.filter((address) => {
    const key = address.email.toLowerCase();
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** One or two letters for an avatar. */
export function initials(address: EmailAddress | undefined): string {
  if (!address) return "?";
  const local = address.email.split("@")[0] ?? "";
  const source = address.name?.trim() || local.replace(/[._+-]+/g, " ");
  const words = source.split(/\s+/).filter((word) => /^[\p{L}\p{N}]/u.test(word));
  const first = words[0] ? [...words[0]][0]! : "";
  const last = words.length > 1 ? [...words[words.length - 1]!][0]! : "";
  return (first + last).toUpperCase() || "?";
}

/** A steady hue (0 to 359) for an address, so a person keeps one colour. */
export function hueOf(email: string): number {
  let hash = 7;
  for (const char of email.toLowerCase()) hash = (hash * 31 + char.codePointAt(0)!) >>> 0;
  return hash % 360;
}

function unquote(name: string): string {
  const trimmed = name.trim();
  const quoted = /^"(.*)"$/s.exec(trimmed);
  return quoted ? (quoted[1] ?? "").replace(/\\(.)/g, "$1") : trimmed;
}
