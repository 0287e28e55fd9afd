import { useSyncExternalStore } from "react";

/** Where the person is: a folder or all mail, a search, an open message. */
export interface Route {
  /** null is all mail; undefined is "not said", which becomes the inbox. */
  mailboxId: string | null | undefined;
  emailId: string | null;
  search: string;
}

export function parseRoute(pathname: string, query: string): Route {
  const [root, mailbox, email] = pathname
    .split("/")
    .filter((part) => part !== "")
    .map(decoded);
  const search = new URLSearchParams(query).get("q") ?? "";
  if (root !== "mail" || !mailbox) return { mailboxId: undefined, emailId: null, search: "" };
  return { mailboxId: mailbox === "all" ? null : mailbox, emailId: email ?? null, search };
}

/** An address that someone has mangled leads to the inbox, not to a blank page. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function formatRoute(route: Route): string {
  if (route.mailboxId === undefined) return "/";
  const parts = ["", "mail", encodeURIComponent(route.mailboxId ?? "all")];
  if (route.emailId) parts.push(encodeURIComponent(route.emailId));
  const query = route.search ? `?${new URLSearchParams({ q: route.search })}` : "";
  return parts.join("/") + query;
}

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener("popstate", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("popstate", listener);
  };
}

/**
 * `fromList` is kept in the history entry of a message that was opened from
 * its list, so that "back" can truly go back, and not pile up entries.
 */
export function navigate(route: Route, options: { replace?: boolean; fromList?: boolean } = {}): void {
  const url = formatRoute(route);
  const state =
    options.replace && options.fromList === undefined ? history.state : { fromList: options.fromList ?? false };
  if (options.replace) history.replaceState(state, "", url);
  else history.pushState(state, "", url);
  for (const listener of [...listeners]) listener();
}

export function closeMessage(route: Route): void {
  if ((history.state as { fromList?: boolean } | null)?.fromList) history.back();
  else navigate({ ...route, emailId: null }, { replace: true });
}

export function useRoute(): Route {
  const url = useSyncExternalStore(subscribe, () => location.pathname + location.search);
  const [pathname = "/", query = ""] = url.split("?");
  return parseRoute(pathname, query);
}
