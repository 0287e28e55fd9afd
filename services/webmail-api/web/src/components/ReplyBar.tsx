import type { EmailDetail, Mailbox } from "../jmap/types";
import { isIn } from "../mail/actions";
import type { Commands } from "../mail/commands";
import { openDraft } from "../mail/compose/host";
import { useMail } from "../mail/context";
import { Icon } from "./Icon";

interface Props {
  email: EmailDetail;
  mailboxes: readonly Mailbox[];
  commands: Commands;
}

/** Where a message ends one answers it; on a phone that is always at hand. */
export function ReplyBar({ email, mailboxes, commands }: Props) {
  const mail = useMail();
  if (email.keywords.$draft && isIn(email, mailboxes, "drafts")) {
    return (
      <div className="reply-bar draft">
        <button type="button" className="button primary" onClick={() => void openDraft(mail, email.id)}>
          <Icon name="drafts" size={18} /> Go on writing
        </button>
      </div>
    );
  }
  return (
    <div className="reply-bar">
      <button type="button" className="button" onClick={() => commands.answer("reply")}>
        <Icon name="reply" size={18} /> Reply
      </button>
      <button type="button" className="button" onClick={() => commands.answer("replyAll")}>
        <Icon name="replyAll" size={18} /> Reply all
      </button>
      <button type="button" className="button" onClick={() => commands.answer("forward")}>
        <Icon name="forward" size={18} /> Forward
      </button>
    </div>
  );
}
