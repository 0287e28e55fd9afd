import { displayName } from "../addresses";
import { dismissToast, toast } from "../toasts";
import { closeComposer, composing, type Open } from "./host";

/** How long a message waits before it goes, so that one can have it back. */
const HOLD = 5_000;

interface Held {
  open: Open;
  timer: ReturnType<typeof setTimeout>;
  toastId: number;
}

const held = new Map<number, Held>();

/** The message is stored as a draft by now, so whatever happens it is not lost. */
export function hold(open: Open): void {
  const toastId = toast(`Sending to ${recipientsOf(open)}…`, {
    lasts: HOLD,
    action: { label: "Undo", run: () => void recall(open.key) },
  });
  const timer = setTimeout(() => void depart(open.key), HOLD);
  held.set(open.key, { open, timer, toastId });
}

/** Sends what waits at once: before signing out, and when the page goes away. False if some could not go. */
export async function departAll(leaving = false): Promise<boolean> {
  const gone = await Promise.all([...held.keys()].map((key) => depart(key, leaving)));
  return gone.every(Boolean);
}

/** True when that draft was on its way out, and is open again now. */
export async function recallDraft(emailId: string): Promise<boolean> {
  const found = [...held.values()].find(({ open }) => open.session.emailId === emailId);
  return found !== undefined && recall(found.open.key);
}

async function recall(key: number): Promise<boolean> {
  const waiting = take(key);
  if (!waiting) return false;
  waiting.open.session.recall();
  await reopen(waiting.open);
  return true;
}

async function depart(key: number, leaving = false): Promise<boolean> {
  const waiting = take(key);
  if (!waiting) return true;
  const gone = await waiting.open.session.submit(leaving);
  if (gone) toast("Message sent");
  else await reopen(waiting.open);
  return gone;
}

function take(key: number): Held | undefined {
  const waiting = held.get(key);
  if (!waiting) return undefined;
  held.delete(key);
  clearTimeout(waiting.timer);
  dismissToast(waiting.toastId);
  return waiting;
}

/** The other message that may be open by now is stored first; a refused one says why in itself. */
async function reopen(open: Open): Promise<void> {
  if (await closeComposer()) composing.set({ ...open, view: "docked" });
  else toast("The message was not sent. It is in your Drafts.", { tone: "error" });
}

function recipientsOf({ session }: Open): string {
  const { to, cc, bcc } = session.state.get().content;
  const all = [...to, ...cc, ...bcc];
  const first = all[0] ? displayName(all[0]) : "";
  return all.length > 1 ? `${first} and ${all.length - 1} more` : first;
}
