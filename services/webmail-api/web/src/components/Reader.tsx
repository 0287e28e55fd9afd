import { useEffect, useRef, useState } from "react";
import { HttpError, messageOf } from "../jmap/errors";
import type { Mailbox } from "../jmap/types";
import { SEEN } from "../mail/actions";
import type { Commands } from "../mail/commands";
import { useMail } from "../mail/context";
import { cleanSubject } from "../mail/format";
import { isNarrow } from "../mail/layout";
import { useEmail } from "../mail/queries";
import { closeMessage, type Route } from "../mail/route";
import { Attachments } from "./Attachments";
import { Conversation } from "./Conversation";
import { IconButton } from "./IconButton";
import { MessageBody } from "./MessageBody";
import { ReaderHeader } from "./ReaderHeader";
import { ReaderToolbar } from "./ReaderToolbar";
import { ReplyBar } from "./ReplyBar";

interface Props {
  id: string;
  route: Route;
  mailboxes: readonly Mailbox[];
  commands: Commands;
}

/** One message. It is mounted anew for each, so its state is the message's. */
export function Reader({ id, route, mailboxes, commands }: Props) {
  const { actions } = useMail();
  const query = useEmail(id);
  const email = query.data;
  const marked = useRef(false);
  const [plain, setPlain] = useState(false);

  // Once per opening: marking it unread afterwards must hold.
  useEffect(() => {
    if (!email || marked.current) return;
    marked.current = true;
    if (!email.keywords[SEEN]) actions.mark([email], SEEN, true);
  }, [email, actions]);

  // On a phone the list is out of sight now, and the focus with it.
  const scroller = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (isNarrow()) scroller.current?.focus({ preventScroll: true });
  }, []);

  if (query.isError && !email) {
    return (
      <div className="reader">
        <div className="reader-bar">
          <IconButton className="back-button" icon="back" label="Back" onClick={() => closeMessage(route)} />
        </div>
        <div className="list-failed" role="alert">
          <p>{messageOf(query.error)}</p>
          {query.error instanceof HttpError ? (
            <button type="button" className="button" onClick={() => void query.refetch()}>
              Try again
            </button>
          ) : (
            <button type="button" className="button" onClick={() => closeMessage(route)}>
              Back to the list
            </button>
          )}
        </div>
      </div>
    );
  }

  return (
    <article className="reader" aria-busy={!email} aria-label={email ? cleanSubject(email.subject) : "Message"}>
      <ReaderToolbar
        email={email}
        route={route}
        mailboxes={mailboxes}
        commands={commands}
        plain={plain}
        onPlain={() => setPlain(!plain)}
      />
      <div ref={scroller} className="reader-scroll" tabIndex={0} role="document">
        {email ? (
          <>
            <ReaderHeader email={email} onFlag={() => commands.toggleFlag([email])} />
            <Attachments email={email} />
            <MessageBody email={email} plain={plain} />
            <Conversation email={email} route={route} mailboxes={mailboxes} />
            <ReplyBar email={email} mailboxes={mailboxes} commands={commands} />
          </>
        ) : (
          <ReaderSkeleton />
        )}
      </div>
    </article>
  );
}

function ReaderSkeleton() {
  return (
    <div className="reader-skeleton" aria-hidden="true">
      <span className="skeleton tall w52" />
      <div className="row-skeleton">
        <span className="skeleton round" />
        <span>
          <span className="skeleton w30" />
          <span className="skeleton thin w44" />
        </span>
      </div>
      <span className="skeleton w92" />
      <span className="skeleton w85" />
      <span className="skeleton w92" />
      <span className="skeleton w60" />
    </div>
  );
}
