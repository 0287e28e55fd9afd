import type { EmailDetail, Identity, Mailbox } from "../../jmap/types";
import type { Mail } from "../context";
import { keys } from "../keys";
import type { Beginning } from "../mailto";
import { fetchEmail, identitiesQuery } from "../queries";
import { Store } from "../store";
import { toast, toastError } from "../toasts";
import { answerStart, type DraftStart, draftStart, emptyStart, type ReplyMode } from "./content";
import { hold, recallDraft } from "./outbox";
import { DraftSession } from "./session";
import { DraftTransport } from "./transport";

export interface Open {
  key: number;
  session: DraftSession;
  identities: readonly Identity[];
  /** Whose draft it is: no one else who signs in here may see it. */
  address: string;
  view: "docked" | "minimised" | "wide";
  /** Where the focus was before, and goes back to. */
  from: Element | null;
}

/** The one message being written, if any. */
export const composing = new Store<Open | null>(null);

let nextKey = 1;

export async function compose(mail: Mail, beginning: Partial<Beginning> = {}): Promise<void> {
  await openWith(mail, (identities) => Promise.resolve(emptyStart(identities, beginning)));
}

export async function answer(mail: Mail, emailId: string, mode: ReplyMode): Promise<void> {
  await openWith(mail, async (identities) => answerStart(await load(mail, emailId), mode, identities));
}

export async function openDraft(mail: Mail, emailId: string): Promise<void> {
  const open = composing.get();
  if (open?.session.emailId === emailId) return setView("docked");
  if (await recallDraft(emailId)) return;
  await openWith(mail, async (identities) => draftStart(await load(mail, emailId), identities));
}

export function setView(view: Open["view"]): void {
  const open = composing.get();
  if (open) composing.set({ ...open, view });
}

/** Closes the panel; what is not stored yet is stored first. */
export async function closeComposer(): Promise<boolean> {
  const open = composing.get();
  if (!open) return true;
  try {
    const saves = open.session.unsaved;
    await open.session.flush();
    if (saves) toast("Draft saved");
  } catch (error) {
    toastError(error);
    return false;
  }
  open.session.stop();
  if (composing.get()?.key === open.key) composing.set(null);
  return true;
}

export async function discardDraft(): Promise<void> {
  const open = composing.get();
  if (!open) return;
  composing.set(null);
  try {
    await open.session.discard();
    toast("Draft discarded");
  } catch (error) {
    toastError(error);
  }
}

export async function sendDraft(): Promise<void> {
  const open = composing.get();
  if (!open || !(await open.session.prepare())) return;
  if (composing.get()?.key === open.key) composing.set(null);
  hold(open);
}

/** After a new sign-in: the same person goes on, another one starts afresh. */
export async function resumeComposer(mail: Mail): Promise<void> {
  const open = composing.get();
  if (!open) return;
  if (open.address !== mail.me.address) {
    open.session.stop();
    return composing.set(null);
  }
  const identities = await mail.queries.fetchQuery(identitiesQuery(mail.client)).catch(() => open.identities);
  open.session.rebind(transportOf(mail), identities);
}

async function openWith(mail: Mail, start: (identities: readonly Identity[]) => Promise<DraftStart>): Promise<void> {
  const from = document.activeElement;
  try {
    const identities = await mail.queries.fetchQuery(identitiesQuery(mail.client));
    if (identities.length === 0) throw new Error("This account has no address to send from.");
    const made = await start(identities);
    if (!(await closeComposer())) return;
    const session = new DraftSession(made, transportOf(mail), identities, () => mail.refresher.schedule());
    composing.set({ key: nextKey++, session, identities, address: mail.me.address, view: "docked", from });
  } catch (error) {
    toastError(error);
  }
}

function transportOf(mail: Mail): DraftTransport {
  return new DraftTransport(mail.client, () => mail.queries.getQueryData<Mailbox[]>(keys.mailboxes) ?? []);
}

function load(mail: Mail, emailId: string): Promise<EmailDetail> {
  return fetchEmail(mail.queries, mail.client, emailId);
}
