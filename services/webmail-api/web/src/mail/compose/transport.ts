import type { JmapClient } from "../../jmap/client";
import { firstSetError, UnauthorizedError } from "../../jmap/errors";
import { responseOf } from "../../jmap/request";
import type { BodyPart, GetResponse, Identity, Mailbox, SetResponse } from "../../jmap/types";
import { byRole } from "../mailboxes";
import type { DraftContent, DraftOrigin } from "./content";
import { emailOf } from "./email";

/** The JMAP calls of a draft: store, send, discard. */
export class DraftTransport {
  constructor(
    readonly client: JmapClient,
    private readonly mailboxes: () => readonly Mailbox[],
  ) {}

  /** A message cannot be changed, so each save makes a new one for the old. Returns its id. */
  async save(content: DraftContent, identity: Identity, previous: string | null): Promise<string> {
    const done = await this.client.one<SetResponse>("Email/set", {
      create: { draft: emailOf(content, identity, this.drafts().id) },
      ...(previous ? { destroy: [previous] } : {}),
    });
    const id = (done.created?.draft as { id?: string } | undefined)?.id;
    if (!id) throw firstSetError({ notCreated: done.notCreated }) ?? new Error("The draft could not be stored.");
    return id;
  }

  /** Sends a stored draft, which moves it to Sent. `leaving`: the page is going away. */
  async submit(emailId: string, identity: Identity, leaving: boolean): Promise<void> {
    const drafts = this.drafts();
    const sent = byRole(this.mailboxes(), "sent");
    const moved = sent ? { [`mailboxIds/${drafts.id}`]: null, [`mailboxIds/${sent.id}`]: true } : {};
    const request = this.client.request();
    const submission = request.call<SetResponse>("EmailSubmission/set", {
      create: { sending: { identityId: identity.id, emailId } },
      onSuccessUpdateEmail: { "#sending": { ...moved, "keywords/$draft": null } },
    });
    const body = await this.client.send(request, { keepalive: leaving });
    const error = firstSetError(responseOf(body, submission));
    if (error) throw error;
  }

  async discard(emailId: string): Promise<void> {
    const error = firstSetError(await this.client.one<SetResponse>("Email/set", { destroy: [emailId] }));
    if (error && error.type !== "notFound") throw error;
  }

  /** Marks what was answered or forwarded. The sending stands even if this fails. */
  async markOrigin(origin: DraftOrigin): Promise<void> {
    try {
      await this.client.one("Email/set", { update: { [origin.emailId]: { [`keywords/${origin.keyword}`]: true } } });
    } catch (error) {
      if (error instanceof UnauthorizedError) throw error;
    }
  }

  /** The attachments' blob ids within a stored draft, in their order. */
  async attachmentBlobs(emailId: string): Promise<(string | null)[]> {
    const request = this.client.request();
    const get = request.call<GetResponse<{ attachments: BodyPart[] }>>("Email/get", {
      ids: [emailId],
      properties: ["id", "attachments"],
    });
    const got = responseOf(await this.client.send(request), get);
    return got.list[0]?.attachments.map((part) => part.blobId) ?? [];
  }

  private drafts(): Mailbox {
    const drafts = byRole(this.mailboxes(), "drafts");
    if (!drafts) throw new Error("This account has no Drafts folder.");
    return drafts;
  }
}
