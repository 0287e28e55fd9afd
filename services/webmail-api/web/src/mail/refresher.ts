import { CancelledError, type QueryClient } from "@tanstack/react-query";
import type { JmapClient } from "../jmap/client";
import { UnauthorizedError } from "../jmap/errors";
import { keys } from "./keys";
import { reloadLists } from "./reload";

const RETRY = 15_000;

/**
 * Brings lists and folders up to date, but never while a change of one's own
 * is under way: an answer from before it would undo, for a moment, what the
 * person has just done.
 */
export class Refresher {
  private running = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly client: JmapClient,
    private readonly queries: QueryClient,
  ) {}

  schedule(delay = 300): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      // The last change to finish schedules again.
      if (this.running > 0) return;
      void this.reload();
      void this.queries.invalidateQueries({ queryKey: keys.mailboxes });
    }, delay);
  }

  /** Until it succeeds the page may show what the server has refused. */
  private async reload(): Promise<void> {
    try {
      await reloadLists(this.client, this.queries);
    } catch (error) {
      if (!(error instanceof UnauthorizedError) && !(error instanceof CancelledError)) this.schedule(RETRY);
    }
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    this.running++;
    try {
      return await work();
    } finally {
      this.running--;
      if (this.running === 0) this.schedule();
    }
  }

  /** Drops answers on their way that do not know of a change made just now. */
  cancel(): void {
    void this.queries.cancelQueries({ queryKey: keys.lists });
    void this.queries.cancelQueries({ queryKey: keys.mailboxes });
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}
