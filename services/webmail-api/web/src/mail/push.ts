import { useEffect } from "react";
import { useMail } from "./context";

const POLL = 60_000;

/**
 * Keeps the page current by the server's event stream. While the stream is
 * down it asks every minute instead, which is also how a session that has
 * ended is noticed: EventSource does not tell why it failed.
 */
export function usePush(): void {
  const { client, refresher } = useMail();
  useEffect(() => {
    let source: EventSource | null = null;
    let openedBefore = false;

    const refresh = () => refresher.schedule(400);
    const onState = (event: MessageEvent<string>) => {
      if (concerns(event.data, client.accountId)) refresh();
    };
    const connect = () => {
      source?.close();
      source = new EventSource(client.eventSourceUrl());
      source.addEventListener("state", onState);
      source.onopen = () => {
        // What happened while the stream was down has not been told.
        if (openedBefore) refresh();
        openedBefore = true;
      };
    };
    const tick = () => {
      if (source?.readyState === EventSource.OPEN) return;
      refresh();
      if (!source || source.readyState === EventSource.CLOSED) connect();
    };
    const onVisible = () => {
      if (document.visibilityState === "visible") tick();
    };

    connect();
    const timer = setInterval(tick, POLL);
    window.addEventListener("online", tick);
    document.addEventListener("visibilitychange", onVisible);
    return () => {
      clearInterval(timer);
      window.removeEventListener("online", tick);
      document.removeEventListener("visibilitychange", onVisible);
      source?.close();
      refresher.stop();
    };
  }, [client, refresher]);
}

function concerns(data: string, accountId: string): boolean {
  try {
    const change = JSON.parse(data) as { changed?: Record<string, unknown> };
    return change.changed?.[accountId] !== undefined;
  } catch {
    return false;
  }
}
