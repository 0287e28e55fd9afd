import type { Commands } from "../mail/commands";
import { SEEN } from "../mail/actions";
import { plural } from "../mail/format";
import type { Role } from "../mail/mailboxes";
import type { useMessages } from "../mail/queries";
import { navigate, type Route } from "../mail/route";
import type { Selection } from "../mail/selection";
import { IconButton } from "./IconButton";

interface Props {
  title: string;
  route: Route;
  role: Role | null;
  list: ReturnType<typeof useMessages>;
  selection: Selection;
  commands: Commands;
}

export function ListHeader(props: Props) {
  return props.selection.rows.length > 0 ? <SelectionBar {...props} /> : <TitleBar {...props} />;
}

function TitleBar({ title, route, list, selection }: Props) {
  const unreadOnly = route.search === "is:unread";
  const searching = route.search !== "" && !unreadOnly;
  const show = (search: string) =>
    navigate({ ...route, emailId: null, search }, { replace: route.search !== "", fromList: false });
  return (
    <header className="list-head">
      <h1>
        {searching ? "Results" : title}
        {list.isSuccess && <small>{plural(list.total, "message")}</small>}
      </h1>
      {searching ? (
        <div className="chips" role="group" aria-label="Where to search">
          <button type="button" className="chip" aria-pressed="true" disabled>
            {title}
          </button>
          {route.mailboxId !== null && (
            <button
              type="button"
              className="chip"
              onClick={() => navigate({ ...route, mailboxId: null, emailId: null }, { replace: true, fromList: false })}
            >
              All mail
            </button>
          )}
        </div>
      ) : (
        <div className="chips" role="group" aria-label="Show">
          <button type="button" className="chip" aria-pressed={!unreadOnly} onClick={() => show("")}>
            All
          </button>
          <button type="button" className="chip" aria-pressed={unreadOnly} onClick={() => show("is:unread")}>
            Unread
          </button>
        </div>
      )}
      <IconButton
        className="select-all"
        icon="selectAll"
        label="Select all shown"
        hint="Shift+A"
        disabled={list.rows.length === 0}
        onClick={selection.all}
      />
    </header>
  );
}

function SelectionBar({ title, role, list, selection, commands }: Props) {
  const count = selection.rows.length;
  const allSeen = selection.rows.every((row) => row.keywords[SEEN]);
  return (
    <div className="list-head selecting" role="toolbar" aria-label={`${plural(count, "message")} selected`}>
      <h1 className="visually-hidden">{title}</h1>
      <IconButton icon="close" label="Clear selection" hint="Esc" onClick={selection.clear} />
      <strong aria-live="polite">{count}</strong>
      {count < list.rows.length && (
        <button type="button" className="chip" title="Select all shown" onClick={selection.all}>
          All<span className="wide-only"> {list.rows.length}</span>
        </button>
      )}
      <span className="push" />
      {role !== "archive" && <IconButton icon="archive" label="Archive" hint="e" onClick={commands.archive} />}
      <IconButton icon="trash" label="Delete" hint="#" onClick={commands.remove} />
      <IconButton icon="folderMove" label="Move to a folder" hint="v" onClick={commands.askMove} />
      <IconButton icon="junk" label={role === "junk" ? "Not junk" : "Junk"} onClick={commands.toggleJunk} />
      <IconButton
        icon={allSeen ? "unread" : "read"}
        label={allSeen ? "Mark unread" : "Mark read"}
        hint="u"
        onClick={commands.toggleSeen}
      />
      <IconButton icon="star" label="Flag" hint="s" onClick={() => commands.toggleFlag(selection.rows)} />
    </div>
  );
}
