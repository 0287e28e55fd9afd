import type { InfiniteData } from "@tanstack/react-query";
import { useMemo } from "react";
import type { EmailAddress } from "../jmap/types";
import { formatAddress, sameAddress, uniqueAddresses } from "./addresses";
import { useMail } from "./context";
import { keys, type Page } from "./keys";

/**
 * People of the messages loaded so far whose name or address begins with what
 * is typed. There is no address book to ask.
 */
export function useSuggestions(typed: string, chosen: readonly EmailAddress[]): string[] {
  const { queries, me } = useMail();
  const wanted = typed.trim().toLowerCase();
  return useMemo(() => {
    if (wanted.length < 2) return [];
    const lists = queries.getQueriesData<InfiniteData<Page>>({ queryKey: keys.lists });
    const rows = lists.flatMap(([, list]) => list?.pages.flatMap((page) => page.rows) ?? []);
    const people = rows.flatMap((row) => [...(row.from ?? []), ...(row.to ?? [])]);
    return uniqueAddresses(people)
      .filter((address) => address.email !== me.address && !chosen.some((other) => sameAddress(other, address)))
      .filter(
        ({ name, email }) =>
          email.toLowerCase().startsWith(wanted) ||
          (name ?? "").toLowerCase().split(/\s+/).some((word) => word.startsWith(wanted)),
      )
      .slice(0, 6)
      .map(formatAddress);
  }, [wanted, queries, me, chosen]);
}
