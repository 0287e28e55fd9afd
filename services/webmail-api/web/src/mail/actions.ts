import type { QueryClient } from "@tanstack/react-query";
import type { JmapClient } from "../jmap/client";
import { firstSetError, UnauthorizedError } from "../jmap/errors";
import type { EmailRow, Filter, Mailbox, QueryResponse, SetResponse } from "../jmap/types";
import { type CountChange, patchCounts, patchRows, type Placement, placeRows } from "./cache";
import { plural } from "./format";
import { byRole, nameOf, roleOf } from "./mailboxes";
import { keys } from "./keys";
import type { Refresher } from "./refresher";
import { dismissToast, toast, toastError } from "./toasts";

export const SEEN = "$seen";
export const FLAGGED = "$flagged";

interface Move {
  row: EmailRow;
  to: Placement | null;
}

/** What a person does to messages. Everything shows at once; a refusal is told. */
export class MailActions {
  /** One after the other, so that an Undo never overtakes what it undoes. */
  private queue: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly client: JmapClient,
    private readonly queries: QueryClient,
    private readonly refresher: Refresher,
  ) {}

  mark(rows: readonly EmailRow[], keyword: string, on: boolean): void {
    const changed = rows.filter((row) => Boolean(row.keywords[keyword]) !== on);
    if (changed.length === 0) return;
    this.refresher.cancel();
    patchRows(this.queries, new Set(changed.map((row) => row.id)), (row) => {
      const keywords = { ...row.keywords };
      if (on) keywords[keyword] = true;
      else delete keywords[keyword];
      return { keywords };
    });
    if (keyword === SEEN) this.count(changed.map((row) => [row.mailboxIds, 0, on ? -1 : 1]));
    const patch = { [`keywords/${keyword}`]: on ? true : null };
    this.run(() => this.update(Object.fromEntries(changed.map((row) => [row.id, patch]))));
  }

  moveTo(rows: readonly EmailRow[], target: Mailbox): void {
    const moved = rows.filter((row) => !row.mailboxIds[target.id] || Object.keys(row.mailboxIds).length > 1);
    if (moved.length === 0) return;
    const there: Placement = { [target.id]: true };
    const what = moved.length === 1 ? "Message" : plural(moved.length, "message");
    const said = toast(`${what} moved to ${nameOf(target)}`, {
      action: {
        label: "Undo",
        run: () => this.place(moved.map((row) => ({ row: { ...row, mailboxIds: there }, to: row.mailboxIds }))),
      },
    });
    const moves = moved.map((row) => ({ row, to: there }));
    this.place(moves, () => dismissToast(said));
  }

  /** Moves to a special folder; says so when the account has none. */
  moveToRole(rows: readonly EmailRow[], role: "archive" | "junk" | "trash" | "inbox"): void {
    const target = byRole(this.mailboxes(), role);
    if (target) this.moveTo(rows, target);
    else toast(`This account has no ${role} folder. Create one first.`, { tone: "error" });
  }

  /** Are these all in Trash already, so that deleting them is for good? */
  wouldDestroy(rows: readonly EmailRow[]): boolean {
    const trash = byRole(this.mailboxes(), "trash");
    return rows.length > 0 && (!trash || rows.every((row) => row.mailboxIds[trash.id]));
  }

  destroy(rows: readonly EmailRow[]): void {
    const said = toast(`${rows.length === 1 ? "Message" : plural(rows.length, "message")} deleted for good`);
    const moves = rows.map((row) => ({ row, to: null }));
    this.place(moves, () => dismissToast(said));
  }

  /** All of a folder, also what has not been loaded: for emptying Trash. */
  async destroyAll(mailbox: Mailbox): Promise<void> {
    await this.eachOf({ inMailbox: mailbox.id }, (ids) => this.set({ destroy: ids }));
    toast(`${nameOf(mailbox)} is empty`);
  }

  async markAllRead(mailbox: Mailbox): Promise<void> {
    const filter: Filter = { operator: "AND", conditions: [{ inMailbox: mailbox.id }, { notKeyword: SEEN }] };
    await this.eachOf(filter, (ids) =>
      this.update(Object.fromEntries(ids.map((id) => [id, { [`keywords/${SEEN}`]: true }]))),
    );
    toast(`All of ${nameOf(mailbox)} is marked as read`);
  }

  /** Does it to a part at a time, until nothing is left that fits the filter. */
  private async eachOf(filter: Filter, work: (ids: string[]) => Promise<void>): Promise<void> {
    await this.refresher.during(async () => {
      const limit = Math.min(this.client.maxObjects, 250);
      for (;;) {
        const { ids } = await this.client.one<QueryResponse>("Email/query", { filter, limit });
        if (ids.length === 0) return;
        await work(ids);
      }
    });
  }

  /** `onFail` takes back what has been said about it. */
  private place(moves: Move[], onFail?: () => void): void {
    this.refresher.cancel();
    placeRows(this.queries, new Map(moves.map(({ row, to }) => [row.id, [row, to]])));
    this.count(
      moves.flatMap(({ row, to }) => {
        const unread = row.keywords[SEEN] ? 0 : 1;
        return [
          [row.mailboxIds, -1, -unread],
          [to ?? {}, 1, unread],
        ] satisfies [Placement, number, number][];
      }),
    );
    const gone = moves.filter((move) => move.to === null).map((move) => move.row.id);
    const updates = moves.filter((move) => move.to !== null).map(({ row, to }) => [row.id, { mailboxIds: to }]);
    this.run(async () => {
      if (updates.length > 0) await this.update(Object.fromEntries(updates));
      for (const destroy of chunks(gone, this.client.maxObjects)) await this.set({ destroy });
    }, onFail);
  }

  private async update(changes: Record<string, unknown>): Promise<void> {
    for (const part of chunks(Object.entries(changes), this.client.maxObjects)) {
      await this.set({ update: Object.fromEntries(part) });
    }
  }

  private async set(args: Record<string, unknown>): Promise<void> {
    const error = firstSetError(await this.client.one<SetResponse>("Email/set", args));
    if (error) throw error;
  }

  private run(work: () => Promise<void>, onFail?: () => void): void {
    const task = this.queue.then(() => this.refresher.during(work));
    this.queue = task.catch((error: unknown) => {
      onFail?.();
      this.refresher.distrust();
      if (!(error instanceof UnauthorizedError)) toastError(error);
    });
  }

  private count(changes: [Placement, number, number][]): void {
    const sums = new Map<string, CountChange>();
    for (const [placement, total, unread] of changes) {
      for (const id of Object.keys(placement)) {
        const sum = sums.get(id) ?? { total: 0, unread: 0 };
        sums.set(id, { total: sum.total + total, unread: sum.unread + unread });
      }
    }
    patchCounts(this.queries, sums);
  }

  private mailboxes(): Mailbox[] {
    return this.queries.getQueryData<Mailbox[]>(keys.mailboxes) ?? [];
  }
}

export function isIn(row: EmailRow, mailboxes: readonly Mailbox[], role: string): boolean {
  return mailboxes.some((mailbox) => roleOf(mailbox) === role && row.mailboxIds[mailbox.id]);
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  const parts: T[][] = [];
  for (let i = 0; i < list.length; i += size) parts.push(list.slice(i, i + size));
  return parts;
}
