import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { JmapClient } from "../jmap/client";
import { responseOf } from "../jmap/request";
import type { EmailAddress, EmailRow, GetResponse, Mailbox, QueryResponse } from "../jmap/types";
import { sameAddress } from "./addresses";
import { useMail } from "./context";
import { keys, type Page } from "./keys";
import { byRole } from "./mailboxes";

/** Of so many messages sent last the recipients are remembered. */
const SENT = 200;

/**
 * People whose name or address begins with what is typed: those one has
 * written to, the most frequent first, then those of the messages loaded so
 * far. There is no address book to ask.
 */
export function useSuggestions(typed: string, chosen: readonly EmailAddress[]): EmailAddress[] {
  const { client, queries, me } = useMail();
  const written = useQuery({
    queryKey: keys.people,
    staleTime: 10 * 60_000,
    queryFn: () => fetchWritten(client, queries),
  });
  const wanted = typed.trim().toLowerCase();
  return useMemo(() => {
    if (wanted === "") return [];
    const lists = queries.getQueriesData<InfiniteData<Page>>({ queryKey: keys.lists });
    const rows = lists.flatMap(([, list]) => list?.pages.flatMap((page) => page.rows) ?? []);
    const seen = rows.flatMap((row) => row.from ?? []);
    return ranked([...(written.data ?? []), ...seen])
      .filter((address) => address.email !== me.address && !chosen.some((other) => sameAddress(other, address)))
      .filter((address) => matches(address, wanted))
      .slice(0, 6);
  }, [wanted, queries, me, chosen, written.data]);
}

async function fetchWritten(client: JmapClient, queries: QueryClient): Promise<EmailAddress[]> {
  const sent = byRole(queries.getQueryData<Mailbox[]>(keys.mailboxes) ?? [], "sent");
  if (!sent) return [];
  const request = client.request();
  const query = request.call<QueryResponse>("Email/query", {
    filter: { inMailbox: sent.id },
    sort: [{ property: "receivedAt", isAscending: false }],
    limit: SENT,
  });
  const get = request.call<GetResponse<Pick<EmailRow, "to"> & { cc: EmailAddress[] | null }>>("Email/get", {
    "#ids": query.ref("/ids"),
    properties: ["id", "to", "cc"],
  });
  const { list } = responseOf(await client.send(request), get);
  return list.flatMap((row) => [...(row.to ?? []), ...(row.cc ?? [])]);
}

/** Each address once, the frequent ones first, under a name where one is known. */
export function ranked(people: readonly EmailAddress[]): EmailAddress[] {
  const found = new Map<string, { address: EmailAddress; count: number }>();
  for (const address of people) {
    const key = address.email.toLowerCase();
    const known = found.get(key);
    if (!known) found.set(key, { address, count: 1 });
    else found.set(key, { address: known.address.name ? known.address : address, count: known.count + 1 });
  }
  return [...found.values()].sort((a, b) => b.count - a.count).map(({ address }) => address);
}

export function matches({ name, email }: EmailAddress, wanted: string): boolean {
  const words = (name ?? "").toLowerCase().split(/\s+/);
  return email.toLowerCase().startsWith(wanted) || words.some((_, i) => words.slice(i).join(" ").startsWith(wanted));
}
