import type { EmailAddress } from "../jmap/types";
import { parseAddresses } from "./addresses";

/** What a `mailto:` link asks to begin with (RFC 6068). */
export interface Beginning {
  to: EmailAddress[];
  cc: EmailAddress[];
  bcc: EmailAddress[];
  subject: string;
  body: string;
}

/** null for a link of any other kind. Fields it may not set, such as `attach`, are left out. */
export function parseMailto(href: string): Beginning | null {
  const match = /^mailto:([^?#]*)(?:\?([^#]*))?/i.exec(href.trim());
  if (!match) return null;
  // Not URLSearchParams: in these links a plus is a plus.
  const fields = new Map<string, string>();
  for (const pair of (match[2] ?? "").split("&")) {
    const [name = "", value = ""] = pair.split("=", 2);
    const key = decoded(name).toLowerCase();
    const before = fields.get(key);
    if (key) fields.set(key, before === undefined ? decoded(value) : `${before}, ${decoded(value)}`);
  }
  return {
    to: parseAddresses([decoded(match[1]!), fields.get("to") ?? ""].join(",")),
    cc: parseAddresses(fields.get("cc") ?? ""),
    bcc: parseAddresses(fields.get("bcc") ?? ""),
    subject: (fields.get("subject") ?? "").replace(/[\r\n]+/g, " "),
    body: (fields.get("body") ?? "").replace(/\r\n?/g, "\n"),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
