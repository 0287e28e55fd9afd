import type { EmailDetail, Mailbox } from "../jmap/types";
import { isIn, SEEN } from "../mail/actions";
import { htmlOf, plainOf } from "../mail/body";
import type { Commands } from "../mail/commands";
import { useMail } from "../mail/context";
import { closeMessage, type Route } from "../mail/route";
import { Icon } from "./Icon";
import { IconButton } from "./IconButton";
import { Menu } from "./Menu";

interface Props {
  email: EmailDetail | undefined;
  route: Route;
  mailboxes: readonly Mailbox[];
  commands: Commands;
  /** Shown as the plain text that came beside the HTML. */
  plain: boolean;
  onPlain: () => void;
}

export function ReaderToolbar({ email, route, mailboxes, commands, plain, onPlain }: Props) {
  const { client } = useMail();
  const off = !email;
  const inJunk = Boolean(email && isIn(email, mailboxes, "junk"));
  const inArchive = Boolean(email && isIn(email, mailboxes, "archive"));
  const seen = Boolean(email?.keywords[SEEN]);
  const hasBoth = email !== undefined && htmlOf(email) !== null && Boolean(plainOf(email)?.trim());
  return (
    <div className="reader-bar" role="toolbar" aria-label="Message">
      <IconButton className="back-button" icon="back" label="Back" hint="Esc" onClick={() => closeMessage(route)} />
      <IconButton icon="archive" label="Archive" hint="e" disabled={off || inArchive} onClick={commands.archive} />
      <IconButton icon="trash" label="Delete" hint="#" disabled={off} onClick={commands.remove} />
      <IconButton icon="folderMove" label="Move to a folder" hint="v" disabled={off} onClick={commands.askMove} />
      <IconButton
        className="wide-only"
        icon={inJunk ? "inbox" : "junk"}
        label={inJunk ? "Not junk" : "Junk"}
        disabled={off}
        onClick={commands.toggleJunk}
      />
      <IconButton
        icon={seen ? "unread" : "read"}
        label={seen ? "Mark unread" : "Mark read"}
        hint="u"
        disabled={off}
        onClick={commands.toggleSeen}
      />
      <span className="push" />
      <IconButton
        className="wide-only"
        icon="reply"
        label="Reply"
        hint="r"
        text
        disabled={off}
        onClick={() => commands.answer("reply")}
      />
      <IconButton
        className="wide-only"
        icon="replyAll"
        label="Reply all"
        hint="a"
        disabled={off}
        onClick={() => commands.answer("replyAll")}
      />
      <IconButton
        className="wide-only"
        icon="forward"
        label="Forward"
        hint="f"
        disabled={off}
        onClick={() => commands.answer("forward")}
      />
      {email && (
        <Menu
          label="More"
          items={[
            { label: "Reply", icon: "reply", hint: "r", run: () => commands.answer("reply") },
            { label: "Reply all", icon: "replyAll", hint: "a", run: () => commands.answer("replyAll") },
            { label: "Forward", icon: "forward", hint: "f", run: () => commands.answer("forward") },
            "line",
            { label: inJunk ? "Not junk" : "Junk", icon: "junk", run: commands.toggleJunk },
            ...(hasBoth
              ? [
                  {
                    label: plain ? "Show as it was designed" : "Show as plain text",
                    icon: "text" as const,
                    run: onPlain,
                  },
                ]
              : []),
            { label: "Print", icon: "printer", run: () => window.print() },
            {
              label: "Download the original",
              icon: "download",
              run: () =>
                download(client.downloadUrl(email.blobId, `${email.id}.eml`, "message/rfc822"), `${email.id}.eml`),
            },
          ]}
        >
          <Icon name="more" />
        </Menu>
      )}
    </div>
  );
}

/** Through a link, since only that leaves this page in place in any case. */
function download(url: string, name: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}
