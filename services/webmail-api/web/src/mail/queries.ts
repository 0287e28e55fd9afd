import { type QueryClient, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { JmapClient } from "../jmap/client";
import { type JmapResponseBody, type RequestBuilder, responseOf } from "../jmap/request";
import type { EmailDetail, EmailRow, Filter, GetResponse, Identity, Mailbox, QueryResponse } from "../jmap/types";
import { syncDetails } from "./cache";
import { useMail } from "./context";
import { isFolder, keys, PAGE, type Page, ROW } from "./keys";
import { filterOf, type ListView } from "./search";

const DETAIL = [
  ...ROW,
  "blobId", "messageId", "inReplyTo", "references", "cc", "bcc", "replyTo", "sentAt",
  "textBody", "htmlBody", "attachments", "bodyValues",
]; // prettier-ignore

/** Text beyond this is left out of the page; the reader then offers the source. */
const MAX_BODY = 1_000_000;

function mailboxesQuery(client: JmapClient) {
  return {
    queryKey: keys.mailboxes,
    queryFn: async ({ signal }: { signal: AbortSignal }): Promise<Mailbox[]> => {
      const got = await client.one<GetResponse<Mailbox>>("Mailbox/get", { ids: null }, signal);
      return got.list;
    },
  };
}

export function useMailboxes() {
  const { client } = useMail();
  return useQuery(mailboxesQuery(client));
}

/**
 * Pages of a list, each by two calls, as many to a request as the server takes.
 * Before them the state is asked for: what comes in between two calls is not in
 * the first, yet no change any more for the state that the second tells.
 */
export async function fetchPages(
  client: JmapClient,
  queries: QueryClient,
  view: ListView,
  positions: readonly number[],
  signal?: AbortSignal,
): Promise<Page[]> {
  // Which folders a search goes through is said by their ids.
  const mailboxes = isFolder(keys.list(view)) ? [] : await queries.ensureQueryData(mailboxesQuery(client));
  const filter = filterOf(view, mailboxes);
  const pages: Page[] = [];
  const perRequest = Math.max(1, Math.floor((client.maxCalls - 1) / 2));
  for (let start = 0; start < positions.length; start += perRequest) {
    const request = client.request();
    const before = request.call<GetResponse<never>>("Email/get", { ids: [], properties: ["id"] });
    const calls = positions.slice(start, start + perRequest).map((position) => pageCalls(request, filter, position));
    const body = await client.send(request, { signal });
    const { state } = responseOf(body, before);
    for (const call of calls) pages.push(readPage(body, call, state));
  }
  return pages;
}

function pageCalls(request: RequestBuilder, filter: Filter | null, position: number) {
  const query = request.call<QueryResponse>("Email/query", {
    filter,
    sort: [{ property: "receivedAt", isAscending: false }],
    position,
    limit: PAGE,
    calculateTotal: true,
  });
  const get = request.call<GetResponse<EmailRow>>("Email/get", { "#ids": query.ref("/ids"), properties: ROW });
  return { query, get, position };
}

function readPage(body: JmapResponseBody, { query, get, position }: ReturnType<typeof pageCalls>, state: string): Page {
  const found = responseOf(body, query);
  const byId = new Map(responseOf(body, get).list.map((row) => [row.id, row]));
  // Email/get need not keep the order that the query gave.
  const rows = found.ids.flatMap((id) => byId.get(id) ?? []);
  return { position, rows, total: found.total ?? position + found.ids.length, state };
}

export function useMessages(view: ListView, enabled: boolean) {
  const { client, queries, refresher } = useMail();
  const queryKey = keys.list(view);
  const query = useInfiniteQuery({
    queryKey,
    enabled,
    // The refresher keeps folders exact; other lists it marks as old itself.
    staleTime: Infinity,
    initialPageParam: 0,
    queryFn: async ({ pageParam, signal }) => {
      const known = refresher.state;
      const [page] = await fetchPages(client, queries, view, [pageParam], signal);
      refresher.saw(page!.state, known);
      syncDetails(queries, page!.rows);
      return page!;
    },
    getNextPageParam: (last: Page, pages: Page[]) => {
      const loaded = pages.reduce((sum, page) => sum + page.rows.length, 0);
      return last.rows.length > 0 && loaded < last.total ? loaded : undefined;
    },
  });
  const rows = useMemo(() => uniqueRows(query.data?.pages ?? []), [query.data]);
  const total = query.data?.pages.at(-1)?.total ?? 0;
  return { ...query, rows, total };
}

/** A message that arrives between two pages shifts one into both of them. */
function uniqueRows(pages: Page[]): EmailRow[] {
  const seen = new Map<string, EmailRow>();
  for (const page of pages) for (const row of page.rows) if (!seen.has(row.id)) seen.set(row.id, row);
  return [...seen.values()];
}

function emailQuery(client: JmapClient, id: string) {
  return {
    queryKey: keys.email(id),
    // A message's content never changes; its keywords come with the lists.
    staleTime: Infinity,
    queryFn: async ({ signal }: { signal: AbortSignal }): Promise<EmailDetail> => {
      const got = await client.one<GetResponse<EmailDetail>>(
        "Email/get",
        {
          ids: [id],
          properties: DETAIL,
          fetchTextBodyValues: true,
          fetchHTMLBodyValues: true,
          maxBodyValueBytes: MAX_BODY,
        },
        signal,
      );
      const email = got.list[0];
      if (!email) throw new Error("This message is no longer there.");
      return email;
    },
  };
}

export function useEmail(id: string) {
  const { client } = useMail();
  return useQuery(emailQuery(client, id));
}

export function fetchEmail(queries: QueryClient, client: JmapClient, id: string): Promise<EmailDetail> {
  return queries.fetchQuery(emailQuery(client, id));
}

export function identitiesQuery(client: JmapClient) {
  return {
    queryKey: keys.identities,
    staleTime: 10 * 60_000,
    queryFn: async (): Promise<Identity[]> => {
      const got = await client.one<GetResponse<Identity>>("Identity/get", { ids: null });
      return got.list;
    },
  };
}
