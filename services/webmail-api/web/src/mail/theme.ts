import { useSyncExternalStore } from "react";
import { Store, useStore } from "./store";

export type Theme = "system" | "light" | "dark";

const KEY = "mailquay.theme";

export const theme = new Store<Theme>(stored());

/** `data-theme` is absent for "system", where prefers-color-scheme decides. */
export function applyTheme(): void {
  const value = theme.get();
  if (value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = value;
}

export function setTheme(value: Theme): void {
  theme.set(value);
  try {
    if (value === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, value);
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
  applyTheme();
}

/** Is the page dark at the moment, by choice or by the system's? */
export function useDark(): boolean {
  const chosen = useStore(theme);
  const system = useSyncExternalStore(followSystem, systemIsDark);
  return chosen === "system" ? system : chosen === "dark";
}

const systemIsDark = (): boolean => window.matchMedia("(prefers-color-scheme: dark)").matches;

function followSystem(listener: () => void): () => void {
  const query = window.matchMedia("(prefers-color-scheme: dark)");
  query.addEventListener("change", listener);
  return () => query.removeEventListener("change", listener);
}

function stored(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system";
  }
}
