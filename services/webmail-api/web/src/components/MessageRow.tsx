import { memo } from "react";
import type { EmailAddress, EmailRow } from "../jmap/types";
import { FLAGGED, SEEN } from "../mail/actions";
import { displayName } from "../mail/addresses";
import { fullDate, listDate } from "../mail/dates";
import { cleanSubject } from "../mail/format";
import type { Route } from "../mail/route";
import { Avatar } from "./Avatar";
import { DRAG_TYPE } from "./dragType";
import { Icon } from "./Icon";
import { Link } from "./Link";

interface Props {
  row: EmailRow;
  /** Its number in the list, and how many there are. */
  place: string;
  heading: string | null;
  route: Route;
  /** Sent and Drafts show whom it is for. */
  outgoing: boolean;
  folder: string | null;
  open: boolean;
  cursor: boolean;
  selected: boolean;
  selecting: boolean;
  onOpen: (row: EmailRow) => void;
  onToggle: (id: string, range: boolean) => void;
  onFlag: (row: EmailRow) => void;
}

export const MessageRow = memo(function MessageRow(props: Props) {
  const { row, place, heading, route, outgoing, folder, open, cursor, selected, selecting } = props;
  const [number, total] = place.split(" ").map(Number);
  const unread = !row.keywords[SEEN];
  const flagged = Boolean(row.keywords[FLAGGED]);
  const people = (outgoing ? row.to : row.from) ?? [];
  const who = names(people, outgoing);
  const subject = cleanSubject(row.subject);
  const state = `${unread ? "unread" : ""} ${open ? "open" : ""} ${cursor ? "cursor" : ""} ${selected ? "selected" : ""}`;
  return (
    <>
      {heading && (
        <li className="day">
          <h2>{heading}</h2>
        </li>
      )}
      <li
        id={`row-${row.id}`}
        aria-posinset={number}
        aria-setsize={total}
        className={`row ${state} ${selecting ? "selecting" : ""}`}
        draggable
        onDragStart={(event) => {
          event.dataTransfer.setData(DRAG_TYPE, row.id);
          event.dataTransfer.effectAllowed = "move";
        }}
      >
        <label className="row-check" title="Select (x)">
          <input
            type="checkbox"
            checked={selected}
            aria-label={`Select ${subject}`}
            onChange={(event) => props.onToggle(row.id, (event.nativeEvent as MouseEvent).shiftKey)}
          />
          <Avatar address={people[0]} />
          <span className="check-mark">
            <Icon name="check" size={18} />
          </span>
        </label>
        <Link
          className="row-link"
          to={{ ...route, emailId: row.id }}
          aria-current={open ? "true" : undefined}
          draggable={false}
          onGo={() => props.onOpen(row)}
        >
          <span className="row-top">
            {unread && <span className="visually-hidden">Unread. </span>}
            <span className="row-who">{who}</span>
            {row.keywords.$answered && <Icon name="reply" size={15} />}
            {row.keywords.$forwarded && <Icon name="forward" size={15} />}
            {row.hasAttachment && (
              <span className="row-clip" title="Has attachments">
                <Icon name="clip" size={15} />
                <span className="visually-hidden">Has attachments.</span>
              </span>
            )}
            <time dateTime={row.receivedAt} title={fullDate(row.receivedAt)}>
              {listDate(row.receivedAt)}
            </time>
          </span>
          <span className="row-subject" dir="auto">
            {subject}
          </span>
          <span className="row-preview" dir="auto">
            {folder && <span className="tag">{folder}</span>}
            {row.preview || "\u00a0"}
          </span>
        </Link>
        <button
          type="button"
          className={`row-flag ${flagged ? "on" : ""}`}
          aria-pressed={flagged}
          aria-label={flagged ? "Remove flag" : "Flag"}
          title={flagged ? "Remove flag (s)" : "Flag (s)"}
          onClick={() => props.onFlag(row)}
        >
          <Icon name="star" size={17} filled={flagged} />
        </button>
      </li>
    </>
  );
}, sameRow);

function sameRow(a: Props, b: Props): boolean {
  return (
    a.row === b.row &&
    a.place === b.place &&
    a.heading === b.heading &&
    a.outgoing === b.outgoing &&
    a.folder === b.folder &&
    a.open === b.open &&
    a.cursor === b.cursor &&
    a.selected === b.selected &&
    a.selecting === b.selecting &&
    a.onToggle === b.onToggle &&
    a.onFlag === b.onFlag &&
    a.onOpen === b.onOpen
  );
}

function names(people: readonly EmailAddress[], outgoing: boolean): string {
  if (people.length === 0) return outgoing ? "(no recipient)" : "(unknown sender)";
  const shown = people.slice(0, 3).map(displayName).join(", ");
  return outgoing ? `To: ${shown}` : shown;
}
