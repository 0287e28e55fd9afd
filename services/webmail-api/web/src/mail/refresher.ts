import { CancelledError, type QueryClient } from "@tanstack/react-query";
import type { JmapClient } from "../jmap/client";
import { MethodError, UnauthorizedError } from "../jmap/errors";
import type { EmailRow } from "../jmap/types";
import { mergeRows } from "./cache";
import { fetchChanges } from "./changes";
import { keys } from "./keys";
import { reloadLists } from "./reload";

const RETRY = 15_000;

/**
 * Brings lists and folders up to date by what has changed since the state
 * seen last (RFC 8620, section 5.2), or anew where that cannot be told. Never
 * while a change of one's own is under way: an answer from before it would
 * undo, for a moment, what the person has just done.
 */
export class Refresher {
  /** Told of the messages that have come in. */
  onArrived: (rows: readonly EmailRow[]) => void = () => {};
  private since: string | null = null;
  private running = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly client: JmapClient,
    private readonly queries: QueryClient,
  ) {}

  /** The state up to which all changes are known; null before any list was read. */
  get state(): string | null {
    return this.since;
  }

  /**
   * A list was read at `state`; when it was asked for, `known` was known. What
   * has been merged meanwhile may not be in it, so it is asked for once more.
   */
  saw(state: string, known: string | null): void {
    if (this.since === null) this.since = state;
    else if (this.since !== known) {
      this.since = known;
      this.schedule(0);
    }
  }

  /** The page may show what the server refused: the next refresh reads everything. */
  distrust(): void {
    this.since = null;
  }

  schedule(delay = 300): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      // The last change to finish schedules again.
      if (this.running === 0) void this.refresh();
    }, delay);
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

  private async refresh(): Promise<void> {
    // The lists' own answers are on their way; what they do not tell comes after them.
    if (this.since === null && this.queries.isFetching({ queryKey: keys.lists }) > 0) return this.schedule();
    try {
      if (!(await this.catchUp())) await this.readAgain();
    } catch (error) {
      if (!(error instanceof UnauthorizedError) && !(error instanceof CancelledError)) this.schedule(RETRY);
    }
  }

  /** False where the server cannot tell what has changed, or too much has. */
  private async catchUp(): Promise<boolean> {
    const since = this.since;
    if (since === null) return false;
    try {
      const changes = await fetchChanges(this.client, since);
      if (!changes) return false;
      if (this.running > 0 || this.since !== since) return true;
      this.since = changes.state;
      this.queries.setQueryData(keys.mailboxes, changes.mailboxes);
      mergeRows(this.queries, changes);
      if (changes.rows.length + changes.destroyed.length > 0) {
        void this.queries.invalidateQueries({ queryKey: keys.threads });
        await reloadLists(this.client, this.queries, "searches");
      }
      if (changes.created.length > 0) this.onArrived(changes.created);
      return true;
    } catch (error) {
      if (error instanceof MethodError && error.type === "cannotCalculateChanges") return false;
      throw error;
    }
  }

  private async readAgain(): Promise<void> {
    void this.queries.invalidateQueries({ queryKey: keys.mailboxes });
    void this.queries.invalidateQueries({ queryKey: keys.threads });
    this.since = null;
    const state = await reloadLists(this.client, this.queries, "all");
    if (this.since === null) this.since = state;
    // Another list came meanwhile, and which of them is the older nobody can tell.
    else if (this.since !== state) {
      this.since = null;
      this.schedule();
    }
  }
}
