import { useCallback, useMemo, useState } from "react";
import type { EmailRow } from "../jmap/types";

export interface Selection {
  ids: ReadonlySet<string>;
  rows: EmailRow[];
  /** With `range`, everything from the last one toggled to this one. */
  toggle: (id: string, range: boolean) => void;
  all: () => void;
  clear: () => void;
}

const NONE: ReadonlySet<string> = new Set();

/** What is selected of the rows of one list; another list starts with none. */
export function useSelection(rows: readonly EmailRow[], listKey: string): Selection {
  const [state, setState] = useState({ listKey, ids: NONE, anchor: null as string | null });
  const ids = state.listKey === listKey ? state.ids : NONE;
  const anchor = state.listKey === listKey ? state.anchor : null;

  const toggle = useCallback(
    (id: string, range: boolean) => {
      const span = range && anchor ? between(rows, anchor, id) : [];
      if (span.length > 0) return setState({ listKey, ids: new Set([...ids, ...span]), anchor: id });
      const next = new Set(ids);
      if (!next.delete(id)) next.add(id);
      setState({ listKey, ids: next, anchor: id });
    },
    [rows, ids, anchor, listKey],
  );
  const all = useCallback(
    () => setState({ listKey, ids: new Set(rows.map((row) => row.id)), anchor: null }),
    [rows, listKey],
  );
  const clear = useCallback(() => setState({ listKey, ids: NONE, anchor: null }), [listKey]);
  // Rows that have gone meanwhile are no longer selected.
  const selected = useMemo(() => rows.filter((row) => ids.has(row.id)), [rows, ids]);
  return { ids, rows: selected, toggle, all, clear };
}

export function between(rows: readonly EmailRow[], from: string, to: string): string[] {
  const a = rows.findIndex((row) => row.id === from);
  const b = rows.findIndex((row) => row.id === to);
  if (a === -1 || b === -1) return [];
  return rows.slice(Math.min(a, b), Math.max(a, b) + 1).map((row) => row.id);
}
