import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import type { JmapClient } from "../jmap/client";
import { syncDetails } from "./cache";
import { isFolder, keys, type ListKey, PAGE, type Page } from "./keys";
import { fetchPages } from "./queries";

type List = InfiniteData<Page, number>;

/**
 * Reads the lists on the screen anew: all of them, or only those whose
 * members one cannot tell from a message's own changes. A list of many pages
 * comes in one request; by itself the query library would ask for one page
 * after the other. Returns the state that was read first, if any was.
 */
export async function reloadLists(
  client: JmapClient,
  queries: QueryClient,
  which: "all" | "searches",
): Promise<string | null> {
  const concerned = (key: ListKey) => which === "all" || !isFolder(key);
  const active = queries
    .getQueryCache()
    .findAll({ queryKey: keys.lists, type: "active", predicate: (query) => concerned(query.queryKey as ListKey) });
  // Lists out of sight are only marked as old, and load when they are seen.
  void queries.invalidateQueries({
    queryKey: keys.lists,
    refetchType: "none",
    predicate: (query) => concerned(query.queryKey as ListKey),
  });
  let first: string | null = null;
  for (const query of active) {
    const key = query.queryKey as ListKey;
    const count = Math.max(1, (query.state.data as List | undefined)?.pages.length ?? 0);
    const before = query.state.dataUpdatedAt;
    const pages = await fetchPages(client, queries, { mailboxId: key[1], search: key[2] }, positions(count));
    first ??= pages[0]?.state ?? null;
    // Changed while the answer was on its way: another reload is coming for that.
    if (query.state.dataUpdatedAt !== before) continue;
    // Less may be left than there was; the first page stays in any case.
    const filled = pages.filter((page, i) => i === 0 || page.rows.length > 0);
    const list: List = { pages: filled, pageParams: filled.map((page) => page.position) };
    for (const page of filled) syncDetails(queries, page.rows);
    queries.setQueryData<List>(key, list);
  }
  return first;
}

function positions(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i * PAGE);
}
