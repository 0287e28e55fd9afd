import type { JmapClient } from "../jmap/client";
import { firstSetError } from "../jmap/errors";
import type { SetResponse } from "../jmap/types";
import type { Refresher } from "./refresher";

/** Creating, renaming, moving and deleting folders (Mailbox/set). */
export class FolderActions {
  constructor(
    private readonly client: JmapClient,
    private readonly refresher: Refresher,
  ) {}

  async create(name: string, parentId: string | null): Promise<string | null> {
    const done = await this.set({ create: { folder: { name, parentId } } });
    return (done.created?.folder as { id?: string } | undefined)?.id ?? null;
  }

  async change(id: string, name: string, parentId: string | null): Promise<void> {
    await this.set({ update: { [id]: { name, parentId } } });
  }

  /** The person has confirmed that the messages in it go too. */
  async destroy(id: string): Promise<void> {
    await this.set({ destroy: [id], onDestroyRemoveEmails: true });
  }

  private async set(args: Record<string, unknown>): Promise<SetResponse> {
    return this.refresher.during(async () => {
      const done = await this.client.one<SetResponse>("Mailbox/set", args);
      const error = firstSetError(done);
      if (error) throw error;
      return done;
    });
  }
}
