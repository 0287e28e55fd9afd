import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { currentSession, signOut } from "../jmap/auth";
import { JmapClient } from "../jmap/client";
import { HttpError, messageOf, UnauthorizedError } from "../jmap/errors";
import { Http, type SignedIn } from "../jmap/http";
import { MailActions } from "../mail/actions";
import { closeComposer, resumeComposer } from "../mail/compose/host";
import { departAll } from "../mail/compose/outbox";
import { type Mail, MailContext } from "../mail/context";
import { FolderActions } from "../mail/folders";
import { Refresher } from "../mail/refresher";
import { Store } from "../mail/store";
import { toastError, toasts } from "../mail/toasts";
import { Brand } from "./Brand";
import { MailApp } from "./MailApp";
import { SignIn } from "./SignIn";
import { Toasts } from "./Toasts";

type Gate =
  { at: "start" } | { at: "failed"; message: string } | { at: "out"; notice: string | null } | { at: "in"; mail: Mail };

/** Decides between sign-in and mail; everything of a person hangs below it. */
export function App() {
  const [gate, setGate] = useState<Gate>({ at: "start" });
  const current = useRef<Mail | null>(null);

  const enter = useCallback(async (me: SignedIn) => {
    try {
      const mail = await connect(me, (notice) => {
        // Answers that come late must not throw out a newer sign-in.
        if (current.current !== null && current.current !== mail) return;
        current.current = null;
        mail.queries.clear();
        toasts.set([]);
        setGate({ at: "out", notice });
      });
      current.current = mail;
      await resumeComposer(mail);
      setGate({ at: "in", mail });
    } catch (error) {
      if (error instanceof UnauthorizedError) setGate({ at: "out", notice: error.message });
      else setGate({ at: "failed", message: messageOf(error) });
    }
  }, []);

  const begin = useCallback(async () => {
    try {
      const session = await currentSession();
      if (session) await enter(session);
      else setGate({ at: "out", notice: null });
    } catch (error) {
      setGate({ at: "failed", message: messageOf(error) });
    }
  }, [enter]);

  useEffect(() => void begin(), [begin]);

  return (
    <>
      {gate.at === "start" && <div className="app-start" aria-busy="true" aria-label="Loading" />}
      {gate.at === "failed" && (
        <main className="sign-in">
          <div className="failed-box">
            <Brand />
            <p role="alert">{gate.message}</p>
            <button type="button" className="button primary" onClick={() => void begin()}>
              Try again
            </button>
          </div>
        </main>
      )}
      {gate.at === "out" && <SignIn notice={gate.notice} onSignedIn={(session) => void enter(session)} />}
      {gate.at === "in" && (
        <QueryClientProvider client={gate.mail.queries}>
          <MailContext value={gate.mail}>
            <MailApp />
          </MailContext>
        </QueryClientProvider>
      )}
      <Toasts />
    </>
  );
}

async function connect(me: SignedIn, leave: (notice: string | null) => void): Promise<Mail> {
  const http = new Http();
  http.csrfToken = me.csrfToken;
  http.address = me.address;
  const client = await JmapClient.connect(http);
  const connected = new Store(true);
  http.onReach = connected.set;
  http.onUnauthorized = () => leave("Your session has ended. Please sign in again.");
  const queries = new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 30_000,
        gcTime: 10 * 60_000,
        refetchOnWindowFocus: false,
        // Only what may pass by itself is tried again.
        retry: (count, error) => error instanceof HttpError && (error.status === 0 || error.status >= 500) && count < 2,
      },
    },
  });
  const refresher = new Refresher(client, queries);
  return {
    client,
    me,
    queries,
    refresher,
    actions: new MailActions(client, queries, refresher),
    folders: new FolderActions(client, refresher),
    connected,
    signOut: async () => {
      // Signing out must lose neither a message on its way nor a draft that could not be stored.
      if (!(await departAll()) || !(await closeComposer())) return;
      try {
        await signOut(http);
        leave(null);
      } catch (error) {
        // Still signed in, as on a shared computer one must know.
        toastError(error);
      }
    },
  };
}
