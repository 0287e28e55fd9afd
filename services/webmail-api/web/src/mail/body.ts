import type { BodyPart, EmailDetail } from "../jmap/types";
import { htmlToText } from "./html";

/** The HTML of a message, when it has one; null when it is plain text only. */
export function htmlOf(email: EmailDetail): string | null {
  const parts = email.htmlBody.filter((part) => part.type === "text/html");
  if (parts.length === 0) return null;
  return parts.map((part) => valueOf(email, part)).join("\n");
}

/** The plain text the sender wrote; null when there is only HTML. */
export function plainOf(email: EmailDetail): string | null {
  const parts = email.textBody.filter((part) => part.type === "text/plain");
  if (parts.length === 0) return null;
  return parts.map((part) => valueOf(email, part)).join("\n");
}

/** Text in any case: for quoting in a reply. */
export function textOf(email: EmailDetail): string {
  const plain = plainOf(email);
  if (plain !== null && plain.trim() !== "") return plain;
  const html = htmlOf(email);
  return html === null ? (plain ?? "") : htmlToText(html);
}

export function isTruncated(email: EmailDetail): boolean {
  return Object.values(email.bodyValues ?? {}).some((value) => value.isTruncated);
}

/** The attachments to list: pictures the HTML shows in its own text are not. */
export function listedAttachments(email: EmailDetail): BodyPart[] {
  const html = htmlOf(email);
  return (email.attachments ?? []).filter((part) => {
    if (!part.blobId) return false;
    const shownInside = html !== null && part.cid !== null && html.includes(`cid:${part.cid}`);
    return !shownInside;
  });
}

export function attachmentName(part: BodyPart): string {
  if (part.name?.trim()) return part.name.trim();
  if (part.type === "message/rfc822") return "message.eml";
  if (part.type === "text/calendar") return "invitation.ics";
  const ending = part.type.split("/")[1]?.replace(/[^\w]/g, "") ?? "bin";
  return `attachment.${ending}`;
}

function valueOf(email: EmailDetail, part: BodyPart): string {
  return (part.partId !== null && email.bodyValues?.[part.partId]?.value) || "";
}
