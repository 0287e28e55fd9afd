import type { EmailAddress, EmailDetail, Identity } from "../jmap/types";
import { formatAddress, sameAddress, uniqueAddresses } from "./addresses";
import { quote } from "./quoting";

/** What a reply or a forward takes over from a message. All pure. */

export function replySubject(subject: string | null): string {
  return prefixed("Re:", /^re(\[\d+\])?:/i, subject);
}

export function forwardSubject(subject: string | null): string {
  return prefixed("Fwd:", /^(fwd?|wg):/i, subject);
}

function prefixed(prefix: string, already: RegExp, subject: string | null): string {
  const text = subject?.trim() ?? "";
  if (already.test(text)) return text;
  return text === "" ? prefix : `${prefix} ${text}`;
}

/**
 * References of a reply (RFC 5322, section 3.6.4): those of the message, or
 * its In-Reply-To when that names just one, followed by its own Message-ID.
 */
export function replyReferences(email: Pick<EmailDetail, "messageId" | "inReplyTo" | "references">): string[] {
  const own = email.messageId ?? [];
  if (own.length === 0) return [];
  const before = email.references?.length ? email.references : email.inReplyTo?.length === 1 ? email.inReplyTo : [];
  return [...new Set([...before, ...own])];
}

export interface Recipients {
  to: EmailAddress[];
  cc: EmailAddress[];
}

/**
 * Who a reply goes to. A reply to a message one sent oneself goes to its
 * recipients again, which is what someone who adds to it wants.
 */
export function replyRecipients(
  email: Pick<EmailDetail, "from" | "to" | "cc" | "replyTo">,
  all: boolean,
  own: readonly EmailAddress[],
): Recipients {
  const mine = (address: EmailAddress) => own.some((candidate) => sameAddress(candidate, address));
  const from = email.from ?? [];
  const sentByMe = from.length > 0 && from.every(mine);
  const back = email.replyTo?.length ? email.replyTo : from;
  if (sentByMe && (email.to?.length ?? 0) > 0) {
    return { to: uniqueAddresses(email.to ?? []), cc: all ? uniqueAddresses(email.cc ?? []) : [] };
  }
  if (!all) return { to: uniqueAddresses(back), cc: [] };
  const to = uniqueAddresses([...back, ...(email.to ?? []).filter((address) => !mine(address))]);
  const cc = uniqueAddresses(email.cc ?? []).filter(
    (address) => !mine(address) && !to.some((other) => sameAddress(other, address)),
  );
  return { to, cc };
}

/** The identity a message was addressed to, else the first. */
export function identityFor(
  email: Pick<EmailDetail, "from" | "to" | "cc" | "bcc">,
  identities: readonly Identity[],
): Identity | undefined {
  const named = [...(email.to ?? []), ...(email.cc ?? []), ...(email.bcc ?? []), ...(email.from ?? [])];
  const match = identities.find((identity) =>
    named.some((address) => address.email.toLowerCase() === identity.email.toLowerCase()),
  );
  return match ?? identities[0];
}

export function quotedReply(email: Pick<EmailDetail, "from" | "sentAt" | "receivedAt">, text: string): string {
  const who = email.from?.[0];
  const line = `On ${writtenDate(email)}, ${who ? formatAddress(who) : "someone"} wrote:`;
  return `\n\n${line}\n${quote(text)}\n`;
}

export function forwardedText(
  email: Pick<EmailDetail, "from" | "to" | "cc" | "subject" | "sentAt" | "receivedAt">,
  text: string,
): string {
  const list = (addresses: EmailAddress[] | null) => (addresses ?? []).map(formatAddress).join(", ");
  const head = [
    "---------- Forwarded message ----------",
    `From: ${list(email.from)}`,
    `Date: ${writtenDate(email)}`,
    `Subject: ${email.subject ?? ""}`,
    `To: ${list(email.to)}`,
  ];
  if (email.cc?.length) head.push(`Cc: ${list(email.cc)}`);
  return `\n\n${head.join("\n")}\n\n${text.replace(/\r\n?/g, "\n").trimEnd()}\n`;
}

function writtenDate(email: Pick<EmailDetail, "sentAt" | "receivedAt">): string {
  const date = new Date(email.sentAt ?? email.receivedAt);
  if (Number.isNaN(date.getTime())) return "an unknown date";
  const day = date.toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short", year: "numeric" });
  return `${day} at ${date.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" })}`;
}
