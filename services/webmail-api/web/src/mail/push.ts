import { useEffect } from "react";
import { useMail } from "./context";

/** How often it looks whether all is well. */
const BEAT = 5_000;
/** How often it asks while no events come. */
const POLL = 60_000;
/** The stream is asked to speak this often, and is dead when it is silent three times as long. */
const PING_SECONDS = 30;

/**
 * Keeps the page current by the server's event stream (RFC 8620, section
 * 7.3). While the stream is down it asks every minute instead, which is also
 * how a session that has ended is noticed: EventSource does not tell why it
 * failed. While the server cannot be reached it tries every few seconds.
 *
 * A browser has few connections to one server over HTTP/1.1, and a stream
 * keeps one: of all tabs a single one holds it and tells the others.
 */
export function usePush(): void {
  const { client, refresher, connected } = useMail();
  useEffect(() => {
    let source: EventSource | null = null;
    let openedBefore = false;
    let asked = Date.now();
    /** When the stream was last heard; null until it has shown that it pings. */
    let heard: number | null = null;

    const name = `mailquay.push.${client.accountId}`;
    const others = new BroadcastChannel(name);
    const refresh = (delay = 0) => {
      asked = Date.now();
      refresher.schedule(delay);
    };
    // A burst of deliveries is looked at once.
    others.onmessage = () => refresh(150);
    const onState = (event: MessageEvent<string>) => {
      if (heard !== null) heard = Date.now();
      if (!concerns(event.data, client.accountId)) return;
      refresh(150);
      others.postMessage("changed");
    };
    const connect = () => {
      source?.close();
      heard = null;
      source = new EventSource(client.eventSourceUrl(PING_SECONDS));
      source.addEventListener("state", onState);
      source.addEventListener("ping", () => (heard = Date.now()));
      source.onopen = () => {
        // What happened while the stream was down has not been told.
        if (openedBefore) refresh();
        openedBefore = true;
      };
      // Perhaps only the stream has ended, perhaps the server is gone: asking tells.
      source.onerror = () => refresh(1_000);
    };
    const isSilent = () => heard !== null && Date.now() - heard > PING_SECONDS * 3_000;
    const tick = () => {
      if (isSilent() || source?.readyState === EventSource.CLOSED) connect();
      refresh();
    };
    const beat = () => {
      const streaming = source?.readyState === EventSource.OPEN;
      if (!connected.get() || isSilent() || (!streaming && Date.now() - asked > POLL)) tick();
    };
    const onVisible = () => {
      if (document.visibilityState === "visible") beat();
    };

    const leave = new AbortController();
    whenAlone(name, leave.signal, connect);
    const timer = setInterval(beat, BEAT);
    // Either way: asking tells how things stand.
    window.addEventListener("online", tick);
    window.addEventListener("offline", tick);
    document.addEventListener("visibilitychange", onVisible);
    return () => {
      leave.abort();
      others.close();
      clearInterval(timer);
      window.removeEventListener("online", tick);
      window.removeEventListener("offline", tick);
      document.removeEventListener("visibilitychange", onVisible);
      source?.close();
      refresher.stop();
    };
  }, [client, refresher, connected]);
}

/** Calls back as soon as no other tab is what this one becomes: the one of that name. */
function whenAlone(name: string, signal: AbortSignal, callback: () => void): void {
  // Over plain HTTP to another host there are no locks; each tab then stands for itself.
  if (!navigator.locks) return callback();
  const held = () => {
    callback();
    return new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  };
  navigator.locks.request(name, { signal }, held).catch(() => {
    // The page has gone before its turn came.
  });
}

function concerns(data: string, accountId: string): boolean {
  try {
    const change = JSON.parse(data) as { changed?: Record<string, unknown> };
    return change.changed?.[accountId] !== undefined;
  } catch {
    return false;
  }
}
