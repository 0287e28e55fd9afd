import { useLayoutEffect, useRef } from "react";
import { messageOf } from "../jmap/errors";
import type { EmailRow, Mailbox } from "../jmap/types";
import type { Commands } from "../mail/commands";
import { roleOf } from "../mail/mailboxes";
import type { useMessages } from "../mail/queries";
import { navigate, type Route } from "../mail/route";
import type { Selection } from "../mail/selection";
import { ListEmpty } from "./ListEmpty";
import { ListHeader } from "./ListHeader";
import { ListSkeleton } from "./ListSkeleton";
import { LoadMore } from "./LoadMore";
import { MessageRows } from "./MessageRows";

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
  const scroller = useRef<HTMLDivElement>(null);

  // Another list starts at its top. (Braces: newer browsers return a promise
  // from scrolling, which React would take for a clean-up.)
  useLayoutEffect(() => {
    scroller.current?.scrollTo(0, 0);
  }, [route.mailboxId, route.search]);

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
        <MessageRows
          key={`${route.mailboxId} ${route.search}`}
          rows={list.rows}
          total={list.total}
          scroller={scroller}
          route={route}
          mailboxes={mailboxes}
          outgoing={role === "sent" || role === "drafts"}
          selection={selection}
          commands={commands}
          onOpen={onOpen}
          onFlag={onFlag}
        />
        {list.hasNextPage && (
          <LoadMore
            key={list.rows.length}
            failed={list.isFetchNextPageError}
            onSeen={() => void list.fetchNextPage()}
          />
        )}
      </div>
    </section>
  );
}
