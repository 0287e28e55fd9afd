import { type RefObject, useEffect, useMemo, useRef } from "react";
import type { EmailRow, Mailbox } from "../jmap/types";
import type { Commands } from "../mail/commands";
import { dayHeadings } from "../mail/dates";
import { isNarrow } from "../mail/layout";
import { nameOf } from "../mail/mailboxes";
import type { Route } from "../mail/route";
import type { Selection } from "../mail/selection";
import { HEADING_HEIGHT, layOut, showBlock, useVisible } from "../mail/visible";
import { MessageRow } from "./MessageRow";

interface Props {
  rows: readonly EmailRow[];
  total: number;
  scroller: RefObject<HTMLDivElement | null>;
  route: Route;
  mailboxes: readonly Mailbox[];
  outgoing: boolean;
  selection: Selection;
  commands: Commands;
  onOpen: (row: EmailRow) => void;
  onFlag: (row: EmailRow) => void;
}

/** The rows that can be seen, between two gaps as high as all the others. */
export function MessageRows(props: Props) {
  const { rows, total, scroller, route, mailboxes, outgoing, selection, commands, onOpen, onFlag } = props;
  const headings = useMemo(() => dayHeadings(rows), [rows]);
  const tops = useMemo(() => layOut(headings), [headings]);
  const { start, end } = useVisible(scroller, tops);
  const names = useMemo(() => new Map(mailboxes.map((mailbox) => [mailbox.id, nameOf(mailbox)])), [mailboxes]);

  // The cursor stays in sight when the keys move it, not when rows come or go.
  const latest = useRef({ rows, tops });
  useEffect(() => {
    latest.current = { rows, tops };
  });
  useEffect(() => {
    const at = commands.cursor ? latest.current.rows.findIndex((row) => row.id === commands.cursor) : -1;
    if (at !== -1 && scroller.current) showBlock(scroller.current, latest.current.tops, at);
  }, [commands.cursor, scroller]);

  // On a phone the list comes back into sight where one has left it, the focus too.
  const read = useRef(route.emailId);
  useEffect(() => {
    const left = read.current;
    read.current = route.emailId;
    if (left === null || route.emailId !== null || !isNarrow()) return;
    document.querySelector<HTMLElement>(`#row-${CSS.escape(left)} .row-link`)?.focus({ preventScroll: true });
  }, [route.emailId]);

  // The heading of the first row's day sticks to the top, though it stands further up.
  const above = headings[start] === null ? headings.slice(0, start).findLast((heading) => heading !== null) : undefined;
  const before = tops[start]! - (above === undefined ? 0 : HEADING_HEIGHT);
  const after = tops.at(-1)! - tops[end]!;
  return (
    <ul className="rows" aria-label="Messages">
      {before > 0 && <li aria-hidden="true" style={{ height: before }} />}
      {above !== undefined && (
        <li className="day">
          <h2>{above}</h2>
        </li>
      )}
      {rows.slice(start, end).map((row, i) => (
        <MessageRow
          key={row.id}
          row={row}
          place={`${start + i + 1} ${total}`}
          heading={headings[start + i] ?? null}
          route={route}
          outgoing={outgoing}
          folder={route.mailboxId === null ? folderNames(row, names) : null}
          open={row.id === route.emailId}
          cursor={row.id === commands.cursor}
          selected={selection.ids.has(row.id)}
          selecting={selection.ids.size > 0}
          onOpen={onOpen}
          onToggle={selection.toggle}
          onFlag={onFlag}
        />
      ))}
      {after > 0 && <li aria-hidden="true" style={{ height: after }} />}
    </ul>
  );
}

function folderNames(row: EmailRow, names: ReadonlyMap<string, string>): string {
  return Object.keys(row.mailboxIds)
    .flatMap((id) => names.get(id) ?? [])
    .join(", ");
}
