import type { Identity } from "../../jmap/types";
import { looksValid } from "../addresses";
import type { DraftContent } from "./content";

/** The Email object to create for a draft (RFC 8621, section 4.6). */
export function emailOf(content: DraftContent, identity: Identity, draftsId: string): Record<string, unknown> {
  const attachments = content.attachments
    .filter((part) => part.blobId !== null)
    .map(({ blobId, type, name }) => ({ blobId, type, name, disposition: "attachment" }));
  const email: Record<string, unknown> = {
    mailboxIds: { [draftsId]: true },
    keywords: { $draft: true, $seen: true },
    from: [{ name: identity.name || null, email: identity.email }],
    subject: content.subject,
    textBody: [{ partId: "text", type: "text/plain" }],
    bodyValues: { text: { value: content.body } },
  };
  // Absent and not empty: an empty list would make an empty header field.
  if (content.to.length > 0) email.to = content.to;
  if (content.cc.length > 0) email.cc = content.cc;
  if (content.bcc.length > 0) email.bcc = content.bcc;
  if (identity.replyTo?.length) email.replyTo = identity.replyTo;
  if (content.inReplyTo?.length) email.inReplyTo = content.inReplyTo;
  if (content.references?.length) email.references = content.references;
  if (attachments.length > 0) email.attachments = attachments;
  return email;
}

/** Why a message cannot be sent yet; null when it can. */
export function obstacle(content: DraftContent): string | null {
  const recipients = [...content.to, ...content.cc, ...content.bcc];
  if (recipients.length === 0) return "Add a recipient first.";
  const wrong = recipients.find((address) => !looksValid(address));
  if (wrong) return `“${wrong.email || wrong.name}” is not an address.`;
  if (content.attachments.some((part) => part.error !== null)) return "Remove the attachment that failed first.";
  if (content.attachments.some((part) => part.blobId === null)) return "Wait until the attachments are uploaded.";
  return null;
}

/** People announce attachments and forget them. Quoted lines do not count. */
export function forgotAttachment(content: DraftContent): boolean {
  if (content.attachments.length > 0) return false;
  const own = content.body.split(/\n(?:On .* wrote:\n>|-{5,} Forwarded)/)[0] ?? "";
  const words = own
    .split("\n")
    .filter((line) => !line.startsWith(">"))
    .join("\n");
  return /\b(attached|attachment|enclosed|im anhang|angehängt|beigefügt|anbei|ci-joint)\b/i.test(words);
}
