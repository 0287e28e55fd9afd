import { useEffect, useRef } from "react";
import { messageOf } from "../jmap/errors";
import type { EmailRow, Mailbox } from "../jmap/types";
import type { Commands } from "../mail/commands";
import { dayGroup } from "../mail/dates";
import { nameOf, roleOf } from "../mail/mailboxes";
import type { useMessages } from "../mail/queries";
import { navigate, type Route } from "../mail/route";
import type { Selection } from "../mail/selection";
import { ListEmpty } from "./ListEmpty";
import { ListHeader } from "./ListHeader";
import { ListSkeleton } from "./ListSkeleton";
import { MessageRow } from "./MessageRow";

interface Props {
  title: string;
  route: Route;
  mailboxes: readonly Mailbox[];
  list: ReturnType<typeof useMessages>;
  selection: Selection;
  commands: Commands;
  onOpen: (row: EmailRow) => void;
  onFlag: (row: EmailRow) => void;
}

export function MessagePane({ title, route, mailboxes, list, selection, commands, onOpen, onFlag }: Props) {
  const current = mailboxes.find((mailbox) => mailbox.id === route.mailboxId);
  const role = current ? roleOf(current) : null;
  const outgoing = role === "sent" || role === "drafts";
  const names = new Map(mailboxes.map((mailbox) => [mailbox.id, nameOf(mailbox)]));
  const scroller = useRef<HTMLDivElement>(null);

  // Another list starts at its top. (Braces: newer browsers return a promise
  // from scrolling, which React would take for a clean-up.)
  useEffect(() => {
    scroller.current?.scrollTo(0, 0);
  }, [route.mailboxId, route.search]);
  // The cursor stays in sight when the keys move it.
  useEffect(() => {
    if (!commands.cursor) return;
    document.getElementById(`row-${commands.cursor}`)?.scrollIntoView({ block: "nearest" });
  }, [commands.cursor]);

  let group = "";
  return (
    <section className="list-pane" aria-label={title || "Messages"}>
      <ListHeader title={title} route={route} role={role} list={list} selection={selection} commands={commands} />
      <div className="list-scroll" ref={scroller} aria-busy={list.isPending}>
        {list.isPending && <ListSkeleton />}
        {list.isError && list.rows.length === 0 && (
          <div className="list-failed" role="alert">
            <p>{messageOf(list.error)}</p>
            <button type="button" className="button" onClick={() => void list.refetch()}>
              Try again
            </button>
          </div>
        )}
        {list.isSuccess && list.rows.length === 0 && (
          <ListEmpty
            role={role}
            search={route.search}
            everywhere={route.mailboxId === null}
            onEverywhere={() => navigate({ ...route, mailboxId: null, emailId: null })}
          />
        )}
        <ul className="rows" aria-label="Messages">
          {list.rows.map((row) => {
            const heading = dayGroup(row.receivedAt);
            const first = heading !== group;
            group = heading;
            return (
              <MessageRow
                key={row.id}
                row={row}
                heading={first ? heading : null}
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
            );
          })}
        </ul>
        {list.hasNextPage && (
          <More key={list.rows.length} failed={list.isFetchNextPageError} onSeen={() => void list.fetchNextPage()} />
        )}
      </div>
    </section>
  );
}

/** Stands at the end of what is loaded, and loads more when it comes near. */
function More({ failed, onSeen }: { failed: boolean; onSeen: () => void }) {
  const ref = useRef<HTMLDivElement>(null);
  const seen = useRef(onSeen);
  useEffect(() => {
    const node = ref.current;
    if (!node || failed) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) seen.current();
      },
      { root: node.parentElement, rootMargin: "600px" },
    );
    observer.observe(node);
    return () => observer.disconnect();
  }, [failed]);
  return (
    <div ref={ref} className="more">
      {failed ? (
        <button type="button" className="button" onClick={onSeen}>
          Load more
        </button>
      ) : (
        <ListSkeleton rows={2} />
      )}
    </div>
  );
}

function folderNames(row: EmailRow, names: ReadonlyMap<string, string>): string {
  return Object.keys(row.mailboxIds)
    .flatMap((id) => names.get(id) ?? [])
    .join(", ");
}
