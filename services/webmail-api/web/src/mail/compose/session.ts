import { UnauthorizedError, messageOf } from "../../jmap/errors";
import type { Identity } from "../../jmap/types";
import { formatBytes } from "../format";
import { Store } from "../store";
import { attachmentKey, type DraftAttachment, type DraftContent, type DraftOrigin, type DraftStart } from "./content";
import { obstacle } from "./email";
import type { DraftTransport } from "./transport";

export type DraftStatus = "clean" | "dirty" | "saving" | "saved" | "sending" | "failed" | "gone";

export interface DraftState {
  content: DraftContent;
  status: DraftStatus;
  error: string | null;
  losesFormatting: boolean;
}

const AUTOSAVE = 3_000;

/**
 * A message being written. It lives outside of React, so that neither closing
 * the panel nor an expired sign-in loses what was typed.
 */
export class DraftSession {
  readonly state: Store<DraftState>;
  emailId: string | null;
  private readonly origin: DraftOrigin | null;
  private readonly uploads = new Map<string, () => void>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** Counts changes, to see whether one came while a save was on its way. */
  private version = 0;
  private savedVersion = 0;
  private saving: Promise<void> | null = null;

  constructor(
    start: DraftStart,
    private transport: DraftTransport,
    private identities: readonly Identity[],
    private readonly onStored: () => void,
  ) {
    this.emailId = start.emailId;
    this.origin = start.origin;
    this.state = new Store<DraftState>({
      content: start.content,
      status: "clean",
      error: null,
      losesFormatting: start.losesFormatting,
    });
  }

  get unsaved(): boolean {
    return this.version !== this.savedVersion && !this.over;
  }

  private get over(): boolean {
    return this.state.get().status === "gone";
  }

  /** After signing in again the same draft goes on with a new connection. */
  rebind(transport: DraftTransport, identities: readonly Identity[]): void {
    this.transport = transport;
    this.identities = identities;
    if (this.unsaved) this.scheduleSave();
  }

  update(change: Partial<DraftContent>): void {
    const state = this.state.get();
    if (state.status === "gone" || state.status === "sending") return;
    this.version++;
    this.state.set({ ...state, content: { ...state.content, ...change }, status: "dirty", error: null });
    this.scheduleSave();
  }

  attach(files: readonly File[]): void {
    for (const file of files) this.attachOne(file);
  }

  detach(key: string): void {
    this.uploads.get(key)?.();
    this.uploads.delete(key);
    this.update({ attachments: this.state.get().content.attachments.filter((part) => part.key !== key) });
  }

  /** Stores what is not stored yet; rejects when the server refuses it. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    while (this.saving) await this.saving.catch(() => {});
    if (this.unsaved) await this.saveNow();
  }

  /** Stores the message to be sent. False when it cannot be: the state says why. */
  async prepare(): Promise<boolean> {
    const problem = obstacle(this.state.get().content);
    if (problem) {
      this.patch({ error: problem });
      return false;
    }
    clearTimeout(this.timer);
    this.patch({ status: "sending", error: null });
    try {
      while (this.saving) await this.saving.catch(() => {});
      if (this.unsaved || this.emailId === null) await this.saveNow();
      return true;
    } catch (error) {
      this.patch({ status: "failed", error: messageOf(error) });
      return false;
    }
  }

  /** It was prepared, but is not to be sent after all. */
  recall(): void {
    this.patch({ status: "saved" });
  }

  /** Sends what was prepared. False when it is refused: the state says why. */
  async submit(leaving = false): Promise<boolean> {
    try {
      if (this.emailId === null) throw new Error("The message is not stored yet.");
      await this.transport.submit(this.emailId, this.identity(), leaving);
    } catch (error) {
      this.patch({ status: "failed", error: messageOf(error) });
      return false;
    }
    this.patch({ status: "gone" });
    if (this.origin && !leaving) await this.transport.markOrigin(this.origin);
    this.onStored();
    return true;
  }

  async discard(): Promise<void> {
    this.stop();
    while (this.saving) await this.saving.catch(() => {});
    this.patch({ status: "gone" });
    if (this.emailId) await this.transport.discard(this.emailId);
    this.onStored();
  }

  stop(): void {
    clearTimeout(this.timer);
    for (const abort of this.uploads.values()) abort();
    this.uploads.clear();
  }

  private scheduleSave(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.flush().catch(() => {}), AUTOSAVE);
  }

  private async saveNow(): Promise<void> {
    this.saving = this.save();
    try {
      await this.saving;
    } finally {
      this.saving = null;
    }
  }

  private async save(): Promise<void> {
    const version = this.version;
    if (this.state.get().status !== "sending") this.patch({ status: "saving" });
    try {
      const emailId = await this.transport.save(this.state.get().content, this.identity(), this.emailId);
      await this.stored(emailId, version);
      if (this.state.get().status === "saving") this.patch({ status: this.unsaved ? "dirty" : "saved", error: null });
      this.onStored();
    } catch (error) {
      if (this.state.get().status === "saving") {
        const again = error instanceof UnauthorizedError ? "" : " (not saved)";
        this.patch({ status: "failed", error: messageOf(error) + again });
      }
      throw error;
    }
  }

  /**
   * The new message holds the attachments under blob ids of its own. Those of
   * the message it replaces may be gone with it, so the new ones are taken over.
   */
  private async stored(emailId: string, version: number): Promise<void> {
    const kept = this.state.get().content.attachments.filter((part) => part.blobId !== null);
    this.emailId = emailId;
    this.savedVersion = version;
    if (kept.length === 0) return;
    const blobs = await this.transport.attachmentBlobs(emailId).catch(() => []);
    if (blobs.length !== kept.length) return;
    const renewed = new Map(kept.map((part, i) => [part.key, blobs[i] ?? part.blobId]));
    this.changeAttachments((part) => ({ ...part, blobId: renewed.get(part.key) ?? part.blobId }));
  }

  private attachOne(file: File): void {
    const key = attachmentKey();
    const limit = this.transport.client.maxUploadBytes;
    const part: DraftAttachment = {
      key,
      name: file.name || "attachment",
      type: file.type || "application/octet-stream",
      size: file.size,
      blobId: null,
      progress: 0,
      error: file.size > limit ? `Larger than ${formatBytes(limit)}` : null,
    };
    this.update({ attachments: [...this.state.get().content.attachments, part] });
    if (part.error) return;
    const running = this.transport.client.upload(file, (progress) =>
      this.changeAttachments((other) => (other.key === key ? { ...other, progress } : other)),
    );
    this.uploads.set(key, running.abort);
    running.done.then(
      (blob) => {
        this.uploads.delete(key);
        const attachments = this.state
          .get()
          .content.attachments.map((other) =>
            other.key === key ? { ...other, blobId: blob.blobId, size: blob.size || other.size, progress: 1 } : other,
          );
        this.update({ attachments });
      },
      (error: unknown) => {
        this.uploads.delete(key);
        if (error instanceof DOMException) return;
        this.changeAttachments((other) => (other.key === key ? { ...other, error: messageOf(error) } : other));
      },
    );
  }

  /** A change that is not the person's own, and so needs no save. */
  private changeAttachments(map: (part: DraftAttachment) => DraftAttachment): void {
    const { content } = this.state.get();
    this.patch({ content: { ...content, attachments: content.attachments.map(map) } });
  }

  private patch(change: Partial<DraftState>): void {
    this.state.set({ ...this.state.get(), ...change });
  }

  private identity(): Identity {
    const { identityId } = this.state.get().content;
    const identity = this.identities.find((candidate) => candidate.id === identityId) ?? this.identities[0];
    if (!identity) throw new Error("This account has no address to send from.");
    return identity;
  }
}
