import { messageOf } from "../jmap/errors";
import { Store } from "./store";

export interface Toast {
  id: number;
  text: string;
  tone: "plain" | "error";
  /** How long it stays, in milliseconds. */
  lasts: number;
  action?: { label: string; run: () => void };
}

export const toasts = new Store<Toast[]>([]);

let next = 1;

export function toast(text: string, options: Partial<Pick<Toast, "tone" | "action" | "lasts">> = {}): number {
  const id = next++;
  const tone = options.tone ?? "plain";
  // Whoever has to read an error, or may want to undo, gets the time for it.
  const lasts = options.lasts ?? (options.action || tone === "error" ? 8_000 : 4_000);
  const made: Toast = { id, text, tone, lasts, action: options.action };
  // Two at a time are enough; the older ones are no longer of interest.
  toasts.set([...toasts.get().slice(-1), made]);
  return id;
}

export function toastError(error: unknown): void {
  toast(messageOf(error), { tone: "error" });
}

/** Does what the newest toast offers, as its button would. */
export function runToast(): void {
  const offered = toasts.get().findLast((candidate) => candidate.action);
  if (!offered) return;
  dismissToast(offered.id);
  offered.action?.run();
}

export function dismissToast(id: number): void {
  toasts.set(toasts.get().filter((candidate) => candidate.id !== id));
}
