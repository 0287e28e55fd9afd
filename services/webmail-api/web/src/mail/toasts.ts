import { Store } from "./store";

export interface Toast {
  id: number;
  text: string;
  tone: "plain" | "error";
  action?: { label: string; run: () => void };
}

export const toasts = new Store<Toast[]>([]);

let next = 1;

export function toast(text: string, options: Partial<Pick<Toast, "tone" | "action">> = {}): number {
  const id = next++;
  const made: Toast = { id, text, tone: options.tone ?? "plain", action: options.action };
  // Two at a time are enough; the older ones are no longer of interest.
  toasts.set([...toasts.get().slice(-1), made]);
  return id;
}

export function toastError(error: unknown): void {
  const text = error instanceof Error ? error.message : "Something went wrong.";
  toast(text, { tone: "error" });
}

export function dismissToast(id: number): void {
  toasts.set(toasts.get().filter((candidate) => candidate.id !== id));
}
