import type { EmailDetail, Mailbox } from "../jmap/types";
import { isIn, SEEN } from "../mail/actions";
import { displayName } from "../mail/addresses";
import { fullDate, listDate } from "../mail/dates";
import { plural } from "../mail/format";
import type { Route } from "../mail/route";
import { useThread } from "../mail/thread";
import { Avatar } from "./Avatar";
import { Link } from "./Link";

interface Props {
  email: EmailDetail;
  route: Route;
  mailboxes: readonly Mailbox[];
}

/** What else was written in the same conversation, wherever it lies. */
export function Conversation({ email, route, mailboxes }: Props) {
  const thread = useThread(email.threadId);
  const others = thread.filter((row) => row.id !== email.id && !isIn(row, mailboxes, "trash") && !row.keywords.$draft);
  if (others.length === 0) return null;
  return (
    <section className="conversation" aria-label="Conversation">
      <h2>{plural(others.length, "other message")} in this conversation</h2>
      <ul>
        {others.map((row) => {
          const from = row.from?.[0];
          return (
            <li key={row.id}>
              <Link
                to={{ ...route, emailId: row.id }}
                replace
                className={row.keywords[SEEN] ? undefined : "unread"}
                title={fullDate(row.receivedAt)}
              >
                <Avatar address={from} size="small" />
                <span className="conversation-who">{from ? displayName(from) : "(unknown sender)"}</span>
                <span className="conversation-preview">{row.preview}</span>
                <time dateTime={row.receivedAt}>{listDate(row.receivedAt)}</time>
              </Link>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
