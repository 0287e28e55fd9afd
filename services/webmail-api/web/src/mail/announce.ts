import type { EmailRow, Mailbox } from "../jmap/types";
import { displayName } from "./addresses";
import { cleanSubject, plural } from "./format";
import { byRole } from "./mailboxes";
import { Store } from "./store";

/** What a screen reader says about mail that has just come in. */
export const announced = new Store("");

/** Those of the messages that came in that a person wants to hear about. */
export function newsOf(rows: readonly EmailRow[], mailboxes: readonly Mailbox[]): EmailRow[] {
  const inbox = byRole(mailboxes, "inbox");
  return rows.filter((row) => inbox && row.mailboxIds[inbox.id] && !row.keywords.$seen && !row.keywords.$draft);
}

export function announce(news: readonly EmailRow[]): void {
  const first = news[0];
  if (!first) return;
  announced.set(news.length === 1 ? `New message from ${describe(first)}` : `${plural(news.length, "new message")}`);
  if (document.visibilityState !== "visible") notify(news);
}

export function notificationsOn(): boolean {
  return "Notification" in window && Notification.permission === "granted" && stored() === "on";
}

/** Asks the person, through the browser, where it has not been asked yet. */
export async function setNotifications(on: boolean): Promise<boolean> {
  if (!("Notification" in window)) return false;
  if (on && (await Notification.requestPermission()) !== "granted") return false;
  try {
    localStorage.setItem(KEY, on ? "on" : "off");
  } catch {
    // Storage may be forbidden; then there are no notifications.
  }
  return notificationsOn();
}

const KEY = "mailquay.notifications";

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function notify(news: readonly EmailRow[]): void {
  if (!notificationsOn()) return;
  const first = news[0]!;
  const title =
    news.length === 1 ? displayName(first.from?.[0] ?? { name: null, email: "" }) : plural(news.length, "new message");
  // One for all of them: a newer one takes its place.
  const note = new Notification(title, { body: cleanSubject(first.subject), tag: "mailquay-new" });
  note.onclick = () => window.focus();
}

function describe(row: EmailRow): string {
  const who = row.from?.[0];
  return `${who ? displayName(who) : "someone unknown"}: ${cleanSubject(row.subject)}`;
}
