import type { Mailbox } from "../jmap/types";
import { plural } from "../mail/format";
import { Harbour } from "./Harbour";

interface Props {
  mailbox: Mailbox | undefined;
  title: string;
  selected: number;
}

export function ReaderEmpty({ mailbox, title, selected }: Props) {
  const unread = mailbox?.unreadEmails ?? 0;
  return (
    <div className="empty reader-empty">
      <Harbour />
      {selected > 0 ? (
        <>
          <h2>{plural(selected, "message")} selected</h2>
          <p>Archive, move or delete them with the buttons above the list.</p>
        </>
      ) : (
        <>
          <h2>{title || "Your mail"}</h2>
          <p>
            {mailbox
              ? unread > 0
                ? `${plural(unread, "unread message", "unread messages")} of ${mailbox.totalEmails.toLocaleString()}`
                : plural(mailbox.totalEmails, "message")
              : "Choose a message to read it here."}
          </p>
          <p className="hints">
            <kbd>j</kbd> <kbd>k</kbd> to move, <kbd>Enter</kbd> to open, <kbd>c</kbd> to write, <kbd>?</kbd> for all
            keys
          </p>
        </>
      )}
    </div>
  );
}
