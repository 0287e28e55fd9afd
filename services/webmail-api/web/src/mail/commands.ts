import { useState } from "react";
import type { EmailRow, Mailbox } from "../jmap/types";
import { FLAGGED, isIn, SEEN } from "./actions";
import { answer, openDraft } from "./compose/host";
import type { ReplyMode } from "./compose/content";
import { useMail } from "./context";
import { isNarrow } from "./layout";
import { keys } from "./keys";
import { closeMessage, navigate, type Route } from "./route";
import type { Selection } from "./selection";

export type Asking = { for: "move"; rows: EmailRow[] } | { for: "destroy"; rows: EmailRow[] };

/**
 * What buttons and keys do, on the right messages: the selected ones, else
 * the open one, else the one the cursor is on.
 */
export function useCommands(
  route: Route,
  rows: readonly EmailRow[],
  selection: Selection,
  mailboxes: readonly Mailbox[],
) {
  const mail = useMail();
  const { actions, queries } = mail;
  const [cursor, setCursor] = useState<string | null>(null);
  const [asking, setAsking] = useState<Asking | null>(null);
  const currentId = route.emailId ?? cursor;

  const current = (): EmailRow | undefined =>
    rows.find((row) => row.id === currentId) ??
    (route.emailId ? queries.getQueryData<EmailRow>(keys.email(route.emailId)) : undefined);

  const targets = (): EmailRow[] => {
    if (selection.rows.length > 0) return selection.rows;
    const row = current();
    return row ? [row] : [];
  };

  const open = (row: EmailRow, replace = false) => {
    setCursor(row.id);
    if (row.keywords.$draft && isIn(row, mailboxes, "drafts")) return void openDraft(mail, row.id);
    const stay = replace || (route.emailId !== null && !isNarrow());
    navigate({ ...route, emailId: row.id }, stay ? { replace: true } : { fromList: true });
  };

  /** The cursor goes on to what follows those that leave the list. */
  const leave = (gone: readonly EmailRow[]) => {
    selection.clear();
    const ids = new Set(gone.map((row) => row.id));
    if (!currentId || !ids.has(currentId)) return;
    const at = rows.findIndex((row) => row.id === currentId);
    const next =
      rows.slice(at + 1).find((row) => !ids.has(row.id)) ??
      rows.slice(0, Math.max(at, 0)).findLast((row) => !ids.has(row.id));
    setCursor(next?.id ?? null);
    if (next) focusRow(next.id);
    if (!route.emailId) return;
    if (next && at !== -1 && !isNarrow() && !next.keywords.$draft)
      navigate({ ...route, emailId: next.id }, { replace: true });
    else closeMessage(route);
  };

  const takeAway = (move: (rows: EmailRow[]) => void) => {
    const list = targets();
    if (list.length === 0) return;
    // Reading "what follows" before the rows are gone from the list.
    leave(list);
    move(list);
  };

  const step = (by: 1 | -1) => {
    const at = rows.findIndex((row) => row.id === currentId);
    const row = rows[at === -1 ? 0 : at + by];
    if (!row) return;
    if (route.emailId && !row.keywords.$draft) open(row, true);
    else setCursor(row.id);
    // The focus goes along: Enter then opens it, and a screen reader reads it.
    focusRow(row.id);
  };

  return {
    cursor: currentId,
    asking,
    stopAsking: () => setAsking(null),
    open,
    step,
    openCurrent: () => {
      const row = current();
      if (row) open(row);
    },
    back: () => {
      if (selection.ids.size > 0) selection.clear();
      else if (route.emailId) closeMessage(route);
      else if (route.search) navigate({ ...route, search: "" });
    },
    select: () => {
      if (currentId) selection.toggle(currentId, false);
    },
    answer: (mode: ReplyMode) => {
      const row = current();
      if (row) void answer(mail, row.id, mode);
    },
    toggleFlag: (rows: EmailRow[] = targets()) => {
      actions.mark(
        rows,
        FLAGGED,
        rows.some((row) => !row.keywords[FLAGGED]),
      );
    },
    toggleSeen: () => {
      const list = targets();
      const markUnread = list.every((row) => row.keywords[SEEN]);
      actions.mark(list, SEEN, !markUnread);
      if (markUnread && route.emailId && isNarrow()) closeMessage(route);
      selection.clear();
    },
    archive: () => takeAway((list) => actions.moveToRole(list, "archive")),
    toggleJunk: () => {
      const inJunk = targets().every((row) => isIn(row, mailboxes, "junk"));
      takeAway((list) => actions.moveToRole(list, inJunk ? "inbox" : "junk"));
    },
    remove: () => {
      const list = targets();
      if (actions.wouldDestroy(list)) setAsking({ for: "destroy", rows: list });
      else takeAway((gone) => actions.moveToRole(gone, "trash"));
    },
    destroy: (list: EmailRow[]) => {
      leave(list);
      actions.destroy(list);
    },
    askMove: () => {
      const list = targets();
      if (list.length > 0) setAsking({ for: "move", rows: list });
    },
    move: (list: EmailRow[], target: Mailbox) => {
      setAsking(null);
      leave(list);
      actions.moveTo(list, target);
    },
    /** Dropped on a folder: all selected ones when it is one of them. */
    drop: (id: string, target: Mailbox) => {
      const row = rows.find((candidate) => candidate.id === id);
      if (!row) return;
      const list = selection.ids.has(id) ? selection.rows : [row];
      leave(list);
      actions.moveTo(list, target);
    },
  };
}

function focusRow(id: string): void {
  document.querySelector<HTMLElement>(`#row-${CSS.escape(id)} .row-link`)?.focus({ preventScroll: true });
}

export type Commands = ReturnType<typeof useCommands>;
