import type { JmapClient } from "../jmap/client";
import { responseOf } from "../jmap/request";
import type { ChangesResponse, EmailRow, GetResponse, Mailbox } from "../jmap/types";
import { ROW } from "./keys";

/** More rounds than this, and reading the lists anew is the shorter way. */
const ROUNDS = 4;
const MAX_CHANGES = 100;

export interface Changes {
  state: string;
  mailboxes: Mailbox[];
  /** As they are now, new and changed ones. */
  rows: EmailRow[];
  created: EmailRow[];
  destroyed: string[];
}

/** What has happened to the account's messages since a state; null when it is too much. */
export async function fetchChanges(client: JmapClient, since: string): Promise<Changes | null> {
  const rows = new Map<string, EmailRow>();
  const created = new Map<string, EmailRow>();
  const destroyed = new Set<string>();
  let state = since;
  for (let round = 0; round < ROUNDS; round++) {
    const request = client.request();
    const changes = request.call<ChangesResponse>("Email/changes", { sinceState: state, maxChanges: MAX_CHANGES });
    const fresh = request.call<GetResponse<EmailRow>>("Email/get", {
      "#ids": changes.ref("/created"),
      properties: ROW,
    });
    const other = request.call<GetResponse<EmailRow>>("Email/get", {
      "#ids": changes.ref("/updated"),
      properties: ROW,
    });
    const folders = request.call<GetResponse<Mailbox>>("Mailbox/get", { ids: null });
    const body = await client.send(request);
    const found = responseOf(body, changes);
    for (const row of responseOf(body, fresh).list) created.set(row.id, row);
    for (const row of [...responseOf(body, fresh).list, ...responseOf(body, other).list]) rows.set(row.id, row);
    for (const id of found.destroyed) {
      destroyed.add(id);
      rows.delete(id);
      created.delete(id);
    }
    state = found.newState;
    if (found.hasMoreChanges) continue;
    const mailboxes = responseOf(body, folders).list;
    return { state, mailboxes, rows: [...rows.values()], created: [...created.values()], destroyed: [...destroyed] };
  }
  return null;
}
