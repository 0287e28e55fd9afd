import { useEffect, useRef } from "react";
import { messageOf } from "../jmap/errors";
import type { Mailbox } from "../jmap/types";
import { SEEN } from "../mail/actions";
import type { Commands } from "../mail/commands";
import { useMail } from "../mail/context";
import { useEmail } from "../mail/queries";
import { closeMessage, type Route } from "../mail/route";
import { Attachments } from "./Attachments";
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

  // Once per opening: marking it unread afterwards must hold.
  useEffect(() => {
    if (!email || marked.current) return;
    marked.current = true;
    if (!email.keywords[SEEN]) actions.mark([email], SEEN, true);
  }, [email, actions]);

  if (query.isError && !email) {
    return (
      <div className="reader">
        <div className="reader-bar">
          <IconButton className="back-button" icon="back" label="Back" onClick={() => closeMessage(route)} />
        </div>
        <div className="list-failed" role="alert">
          <p>{messageOf(query.error)}</p>
          <button type="button" className="button" onClick={() => void query.refetch()}>
            Try again
          </button>
        </div>
      </div>
    );
  }

  return (
    <article className="reader" aria-busy={!email} aria-label={email?.subject ?? "Message"}>
      <ReaderToolbar email={email} route={route} mailboxes={mailboxes} commands={commands} />
      {email ? (
        <>
          <ReaderHeader email={email} onFlag={() => commands.toggleFlag([email])} />
          <Attachments email={email} />
          <MessageBody email={email} />
          <ReplyBar email={email} mailboxes={mailboxes} commands={commands} />
        </>
      ) : (
        <ReaderSkeleton />
      )}
    </article>
  );
}

function ReaderSkeleton() {
  return (
    <div className="reader-skeleton" aria-hidden="true">
      <span className="skeleton tall" style={{ width: "52%" }} />
      <div className="row-skeleton">
        <span className="skeleton round" />
        <span>
          <span className="skeleton" style={{ width: "30%" }} />
          <span className="skeleton thin" style={{ width: "44%" }} />
        </span>
      </div>
      {[94, 88, 97, 60, 0, 92, 74].map((width, i) => (
        <span key={i} className="skeleton" style={{ width: `${width}%` }} />
      ))}
    </div>
  );
}
