import type { QueryClient } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import type { JmapClient } from "../jmap/client";
import type { SignedIn } from "../jmap/http";
import type { MailActions } from "./actions";
import type { FolderActions } from "./folders";
import type { Refresher } from "./refresher";
import type { Store } from "./store";

/** All that belongs to one signed-in person; it is made anew at each sign-in. */
export interface Mail {
  client: JmapClient;
  me: SignedIn;
  queries: QueryClient;
  refresher: Refresher;
  actions: MailActions;
  folders: FolderActions;
  /** False while the server cannot be reached. */
  connected: Store<boolean>;
  signOut: () => Promise<void>;
}

export const MailContext = createContext<Mail | null>(null);

export function useMail(): Mail {
  const mail = useContext(MailContext);
  if (!mail) throw new Error("useMail outside of a signed-in page");
  return mail;
}
