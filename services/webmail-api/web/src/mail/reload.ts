import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import type { JmapClient } from "../jmap/client";
import { syncDetails } from "./cache";
import { keys, PAGE, type Page } from "./keys";
import { fetchPages } from "./queries";

type List = InfiniteData<Page, number>;

/**
 * Brings the lists on the screen up to date. A list of many pages comes in one
 * request; by itself the query library would ask for one page after the other.
 */
export async function reloadLists(client: JmapClient, queries: QueryClient): Promise<void> {
  const active = queries.getQueryCache().findAll({ queryKey: keys.lists, type: "active" });
  // Lists out of sight are only marked as old, and load when they are seen.
  void queries.invalidateQueries({ queryKey: keys.lists, refetchType: "none" });
  for (const query of active) {
    const key = query.queryKey as ReturnType<typeof keys.list>;
    const count = (query.state.data as List | undefined)?.pages.length ?? 0;
    if (count < 2) {
      await queries.refetchQueries({ queryKey: key, exact: true }, { throwOnError: true });
      continue;
    }
    const before = query.state.dataUpdatedAt;
    const pages = await fetchPages(client, { mailboxId: key[1], search: key[2] }, positions(count));
    // Changed while the answer was on its way: another reload is coming for that.
    if (query.state.dataUpdatedAt !== before) continue;
    // Less may be left than there was; the first page stays in any case.
    const filled = pages.filter((page, i) => i === 0 || page.rows.length > 0);
    const list: List = { pages: filled, pageParams: filled.map((page) => page.position) };
    for (const page of filled) syncDetails(queries, page.rows);
    queries.setQueryData<List>(key, list);
  }
}

function positions(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i * PAGE);
}
