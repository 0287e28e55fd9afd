import { type InfiniteData, QueryClient, QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { JmapClient } from "../src/jmap/client";
import { type Invocation, type JmapRequestBody, RequestBuilder } from "../src/jmap/request";
import type { EmailRow } from "../src/jmap/types";
import { keys, type Page } from "../src/mail/keys";
import { Refresher } from "../src/mail/refresher";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const KEY = keys.list({ mailboxId: "M1", search: "" });
const row = (id: string): EmailRow => ({
  id,
  threadId: "T",
  mailboxIds: { M1: true },
  keywords: {},
  receivedAt: `2026-05-0${id}T00:00:00Z`,
  from: null,
  to: null,
  subject: id,
  hasAttachment: false,
  preview: "",
  size: 1,
});

/** A server with one folder: at each state one more message has come in. */
function server() {
  let now = 1;
  const asked: string[] = [];
  const rows = (from: number) => Array.from({ length: now - from }, (_, i) => row(String(from + i + 1)));
  const answer = ([name, args, id]: Invocation): Invocation => {
    const state = String(now);
    if (name === "Email/changes") {
      const since = Number(args.sinceState);
      asked.push(`since ${since}`);
      if (since < 0) return ["error", { type: "cannotCalculateChanges" }, id];
      const created = rows(since).map((one) => one.id);
      return [name, { newState: state, created, updated: [], destroyed: [], hasMoreChanges: false }, id];
    }
    if (name === "Email/query") {
      asked.push("list");
      return [name, { ids: rows(0).map((one) => one.id), total: now, position: 0 }, id];
    }
    if (name === "Mailbox/get") return [name, { list: [{ id: "M1", totalEmails: now }] }, id];
    const updated = (args["#ids"] as { path: string } | undefined)?.path === "/updated";
    return [name, { list: updated ? [] : rows(0), state }, id];
  };
  const client = {
    maxCalls: 16,
    request: () => new RequestBuilder("A1"),
    send: async (request: RequestBuilder) => {
      const body: JmapRequestBody = request.build();
      return { methodResponses: body.methodCalls.map(answer) };
    },
  };
  return { client: client as unknown as JmapClient, asked, deliver: () => now++ };
}

function page(ids: string[], state: string): InfiniteData<Page, number> {
  return { pages: [{ position: 0, rows: ids.map(row), total: ids.length, state }], pageParams: [0] };
}

function watched(queries: QueryClient) {
  const queryFn = () => new Promise<never>(() => {});
  new QueryObserver(queries, { queryKey: KEY, queryFn, staleTime: Infinity }).subscribe(() => {});
  return () => queries.getQueryData<InfiniteData<Page>>(KEY)?.pages[0]?.rows.map((one) => one.id);
}

it("asks only for what has changed, and tells of what has come in", async () => {
  const { client, asked, deliver } = server();
  const queries = new QueryClient();
  queries.setQueryData(KEY, page(["1"], "1"));
  const shown = watched(queries);
  const refresher = new Refresher(client, queries);
  const arrived = vi.fn();
  refresher.onArrived = arrived;
  refresher.saw("1", null);
  deliver();
  refresher.schedule();
  await vi.advanceTimersByTimeAsync(400);
  expect(shown()).toEqual(["2", "1"]);
  expect(asked).toEqual(["since 1"]);
  expect(arrived).toHaveBeenCalledWith(expect.arrayContaining([row("2")]));
});

it("asks once more for what a list cannot know that was on its way meanwhile", async () => {
  const { client, asked, deliver } = server();
  const refresher = new Refresher(client, new QueryClient());
  refresher.saw("1", null);
  const known = refresher.state;
  deliver();
  refresher.schedule();
  await vi.advanceTimersByTimeAsync(400);
  expect(refresher.state).toBe("2");
  // The list was read at state 1, but it comes only now.
  refresher.saw("1", known);
  await vi.advanceTimersByTimeAsync(10);
  expect(asked).toEqual(["since 1", "since 1"]);
});

it("reads everything anew where changes cannot be told, or the page is not to be trusted", async () => {
  const { client, asked } = server();
  const queries = new QueryClient();
  queries.setQueryData(KEY, page(["9"], "-1"));
  const shown = watched(queries);
  const refresher = new Refresher(client, queries);
  refresher.saw("-1", null);
  refresher.schedule();
  await vi.advanceTimersByTimeAsync(400);
  expect(asked).toEqual(["since -1", "list"]);
  expect(shown()).toEqual(["1"]);
  refresher.distrust();
  refresher.schedule();
  await vi.advanceTimersByTimeAsync(400);
  expect(asked).toEqual(["since -1", "list", "list"]);
  expect(refresher.state).toBe("1");
});

it("looks at nothing while a change of one's own is under way, and after it at all", async () => {
  const { client, asked } = server();
  const refresher = new Refresher(client, new QueryClient());
  refresher.saw("1", null);
  let finish = () => {};
  const work = refresher.during(() => new Promise<void>((resolve) => (finish = resolve)));
  refresher.schedule();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).toEqual([]);
  finish();
  await work;
  await vi.advanceTimersByTimeAsync(400);
  expect(asked).toEqual(["since 1"]);
});
