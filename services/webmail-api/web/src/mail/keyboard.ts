import { useEffect, useRef } from "react";

/** By key, or by two keys one after the other: `"g i"`. */
export type KeyCommands = Partial<Record<string, () => void>>;

/** How long the second of two keys is waited for. */
const PAIR = 1_200;

/** Single keys do things anywhere but where one types. */
export function useKeyboard(commands: KeyCommands): void {
  const latest = useRef(commands);
  useEffect(() => {
    latest.current = commands;
  });
  useEffect(() => {
    let first: { key: string; at: number } | null = null;
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target instanceof HTMLElement ? event.target : null;
      if (target?.closest("[popover], [role=dialog]")) return;
      // Under a modal dialog nothing may happen, wherever the focus has got to.
      if (document.querySelector("dialog[open]")) return;
      if (target?.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
      // On a button or link Enter presses it, as everywhere else.
      if (event.key === "Enter" && target?.closest("a, button, summary")) return;
      const pair =
        first && performance.now() - first.at < PAIR ? latest.current[`${first.key} ${event.key}`] : undefined;
      first = { key: event.key, at: performance.now() };
      const run = pair ?? latest.current[event.key];
      if (!run) return;
      event.preventDefault();
      run();
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, []);
}
