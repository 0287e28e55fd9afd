import type { EmailAddress, EmailDetail, Identity } from "../../jmap/types";
import { attachmentName, htmlOf, textOf } from "../body";
import type { Beginning } from "../mailto";
import {
  forwardedText,
  forwardSubject,
  identityFor,
  quotedReply,
  replyRecipients,
  replyReferences,
  replySubject,
} from "../reply";

export interface DraftAttachment {
  key: string;
  name: string;
  type: string;
  size: number;
  /** null while the upload runs, or when it failed. */
  blobId: string | null;
  progress: number;
  error: string | null;
}

export interface DraftContent {
  identityId: string | null;
  to: EmailAddress[];
  cc: EmailAddress[];
  bcc: EmailAddress[];
  subject: string;
  body: string;
  attachments: DraftAttachment[];
  inReplyTo: string[] | null;
  references: string[] | null;
}

/** The message a draft answers or forwards, to be marked once it is sent. */
export interface DraftOrigin {
  emailId: string;
  keyword: "$answered" | "$forwarded";
}

export interface DraftStart {
  content: DraftContent;
  /** The stored draft this continues. */
  emailId: string | null;
  origin: DraftOrigin | null;
  /** The draft had formatting that a plain-text composer cannot keep. */
  losesFormatting: boolean;
}

export type ReplyMode = "reply" | "replyAll" | "forward";

let nextKey = 1;
export const attachmentKey = (): string => `a${nextKey++}`;

export function emptyStart(identities: readonly Identity[], beginning: Partial<Beginning> = {}): DraftStart {
  const identity = identities[0];
  return start({ ...blank(identity), ...beginning, body: signed(beginning.body ?? "", identity, "below") });
}

export function answerStart(email: EmailDetail, mode: ReplyMode, identities: readonly Identity[]): DraftStart {
  const identity = identityFor(email, identities);
  const base = blank(identity);
  if (mode === "forward") {
    return start(
      {
        ...base,
        subject: forwardSubject(email.subject),
        body: signed(forwardedText(email, textOf(email)), identity),
        attachments: storedAttachments(email),
        references: nonEmpty(replyReferences(email)),
      },
      { emailId: email.id, keyword: "$forwarded" },
    );
  }
  const own = identities.map(({ name, email: address }) => ({ name, email: address }));
  return start(
    {
      ...base,
      ...replyRecipients(email, mode === "replyAll", own),
      subject: replySubject(email.subject),
      body: signed(quotedReply(email, textOf(email)), identity),
      inReplyTo: nonEmpty(email.messageId ?? []),
      references: nonEmpty(replyReferences(email)),
    },
    { emailId: email.id, keyword: "$answered" },
  );
}

/** A stored draft, opened again. */
export function draftStart(email: EmailDetail, identities: readonly Identity[]): DraftStart {
  const from = email.from?.[0]?.email.toLowerCase();
  const identity = identities.find((candidate) => candidate.email.toLowerCase() === from) ?? identities[0];
  return {
    content: {
      identityId: identity?.id ?? null,
      to: email.to ?? [],
      cc: email.cc ?? [],
      bcc: email.bcc ?? [],
      subject: email.subject ?? "",
      body: textOf(email).replace(/\r\n?/g, "\n"),
      attachments: storedAttachments(email),
      inReplyTo: email.inReplyTo,
      references: email.references,
    },
    emailId: email.id,
    origin: null,
    losesFormatting: htmlOf(email) !== null,
  };
}

function start(content: DraftContent, origin: DraftOrigin | null = null): DraftStart {
  return { content, emailId: null, origin, losesFormatting: false };
}

function blank(identity: Identity | undefined): DraftContent {
  return {
    identityId: identity?.id ?? null,
    to: [],
    cc: [],
    bcc: [],
    subject: "",
    body: "",
    attachments: [],
    inReplyTo: null,
    references: null,
  };
}

/** The signature stands above what is quoted, and below one's own words. */
function signed(body: string, identity: Identity | undefined, at: "above" | "below" = "above"): string {
  const signature = identity?.textSignature?.trim();
  if (!signature) return body;
  const block = `\n\n-- \n${signature}`;
  return at === "above" ? block + body : body + block;
}

function storedAttachments(email: EmailDetail): DraftAttachment[] {
  return (email.attachments ?? []).flatMap((part) =>
    part.blobId
      ? [
          {
            key: attachmentKey(),
            name: attachmentName(part),
            type: part.type,
            size: part.size,
            blobId: part.blobId,
            progress: 1,
            error: null,
          },
        ]
      : [],
  );
}

function nonEmpty<T>(list: T[]): T[] | null {
  return list.length > 0 ? list : null;
}
