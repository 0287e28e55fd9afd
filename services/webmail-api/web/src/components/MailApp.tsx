import { useCallback, useEffect, useRef, useState } from "react";
import type { EmailRow } from "../jmap/types";
import { FLAGGED } from "../mail/actions";
import { announce, announced, newsOf } from "../mail/announce";
import { useCommands } from "../mail/commands";
import { compose } from "../mail/compose/host";
import { useMail } from "../mail/context";
import { plural } from "../mail/format";
import { useKeyboard } from "../mail/keyboard";
import { keys } from "../mail/keys";
import { byRole, nameOf, type Role } from "../mail/mailboxes";
import { usePush } from "../mail/push";
import { useMailboxes, useMessages } from "../mail/queries";
import { navigate, useRoute } from "../mail/route";
import { useSelection } from "../mail/selection";
import { useStore } from "../mail/store";
import { runToast } from "../mail/toasts";
import { ComposerHost } from "./ComposerHost";
import { ConfirmDialog } from "./ConfirmDialog";
import { ConnectionBar } from "./ConnectionBar";
import { HelpDialog } from "./HelpDialog";
import { IconButton } from "./IconButton";
import { MessagePane } from "./MessagePane";
import { MoveDialog } from "./MoveDialog";
import { Reader } from "./Reader";
import { ReaderEmpty } from "./ReaderEmpty";
import { Sidebar } from "./Sidebar";
import { TopBar } from "./TopBar";

export function MailApp() {
  const mail = useMail();
  usePush();
  const route = useRoute();
  const boxes = useMailboxes();
  const mailboxes = boxes.data ?? [];
  const mailboxId = route.mailboxId ?? null;
  const current = mailboxes.find((mailbox) => mailbox.id === mailboxId);
  const list = useMessages({ mailboxId, search: route.search }, route.mailboxId !== undefined);
  const selection = useSelection(list.rows, `${mailboxId} ${route.search}`);
  const commands = useCommands(route, list.rows, selection, mailboxes);
  const [drawer, setDrawer] = useState(false);
  const [help, setHelp] = useState(false);

  // "/" and a folder that has gone both lead to the inbox.
  const lost = boxes.data !== undefined && (route.mailboxId === undefined || (mailboxId !== null && !current));
  useEffect(() => {
    if (!lost) return;
    const inbox = byRole(boxes.data ?? [], "inbox") ?? boxes.data?.[0];
    navigate({ mailboxId: inbox?.id ?? null, emailId: null, search: "" }, { replace: true });
  }, [lost, boxes.data]);

  const title = route.mailboxId === null ? "All mail" : current ? nameOf(current) : "";
  useEffect(() => {
    const unread = byRole(boxes.data ?? [], "inbox")?.unreadEmails ?? 0;
    document.title = `${unread > 0 ? `(${unread}) ` : ""}${title ? `${title} – ` : ""}Mailquay`;
  }, [title, boxes.data]);

  // Whatever comes in is told to those who cannot see it, or are elsewhere.
  useEffect(() => {
    mail.refresher.onArrived = (rows) => announce(newsOf(rows, mail.queries.getQueryData(keys.mailboxes) ?? []));
  }, [mail]);

  // The folders come from the side on a small screen; so does the focus.
  useEffect(() => {
    if (drawer) document.querySelector<HTMLElement>(".sidebar .folder-link[aria-current]")?.focus();
  }, [drawer]);

  const go = (role: Role) => {
    const target = byRole(mailboxes, role);
    if (target) navigate({ mailboxId: target.id, emailId: null, search: "" });
  };

  useKeyboard({
    j: () => commands.step(1),
    ArrowDown: () => commands.step(1),
    k: () => commands.step(-1),
    ArrowUp: () => commands.step(-1),
    o: commands.openCurrent,
    Enter: commands.openCurrent,
    x: commands.select,
    A: selection.all,
    c: () => void compose(mail),
    r: () => commands.answer("reply"),
    a: () => commands.answer("replyAll"),
    f: () => commands.answer("forward"),
    s: () => commands.toggleFlag(),
    "!": () => commands.toggleFlag(),
    u: commands.toggleSeen,
    e: commands.archive,
    v: commands.askMove,
    "#": commands.remove,
    Delete: commands.remove,
    "/": () => document.getElementById("search")?.focus(),
    Escape: () => (drawer ? setDrawer(false) : commands.back()),
    "?": () => setHelp(true),
    z: runToast,
    "g i": () => go("inbox"),
    "g d": () => go("drafts"),
    "g s": () => go("sent"),
    "g e": () => go("archive"),
    "g t": () => go("trash"),
    "g a": () => navigate({ mailboxId: null, emailId: null, search: "" }),
  });

  // Rows are memoised, so what they call must keep its identity.
  const flagRow = useCallback((row: EmailRow) => mail.actions.mark([row], FLAGGED, !row.keywords[FLAGGED]), [mail]);
  const open = useRef(commands.open);
  useEffect(() => {
    open.current = commands.open;
  });
  const openRow = useCallback((row: EmailRow) => open.current(row), []);

  return (
    <div className={`app ${route.emailId ? "reading" : ""} ${drawer ? "drawer-open" : ""}`}>
      <TopBar route={route} title={title} onMenu={() => setDrawer(true)} onHelp={() => setHelp(true)} />
      <ConnectionBar />
      <Announcements />
      <Sidebar
        mailboxes={mailboxes}
        loading={boxes.isPending}
        error={boxes.error}
        currentId={route.mailboxId}
        onDrop={commands.drop}
        onClose={() => setDrawer(false)}
      />
      <main className="panes">
        <MessagePane
          title={title}
          route={route}
          mailboxes={mailboxes}
          list={list}
          selection={selection}
          commands={commands}
          onOpen={openRow}
          onFlag={flagRow}
        />
        <section className="reader-pane" aria-label="Message">
          {route.emailId ? (
            <Reader key={route.emailId} id={route.emailId} route={route} mailboxes={mailboxes} commands={commands} />
          ) : (
            <ReaderEmpty mailbox={current} title={title} selected={selection.rows.length} />
          )}
        </section>
      </main>
      <IconButton className="compose-float" icon="compose" label="New message" onClick={() => void compose(mail)} />
      <ComposerHost />
      {help && <HelpDialog onClose={() => setHelp(false)} />}
      {commands.asking?.for === "move" && (
        <MoveDialog
          mailboxes={mailboxes}
          currentId={mailboxId}
          title={
            commands.asking.rows.length === 1 ? "Move to" : `Move ${plural(commands.asking.rows.length, "message")} to`
          }
          onPick={(target) => commands.asking && commands.move(commands.asking.rows, target)}
          onClose={commands.stopAsking}
        />
      )}
      {commands.asking?.for === "destroy" && (
        <ConfirmDialog
          title="Delete for good?"
          confirm="Delete"
          onConfirm={() => {
            if (commands.asking) commands.destroy(commands.asking.rows);
          }}
          onClose={commands.stopAsking}
        >
          {plural(commands.asking.rows.length, "message")} will be gone. This cannot be undone.
        </ConfirmDialog>
      )}
    </div>
  );
}

function Announcements() {
  return (
    <div className="visually-hidden" role="status">
      {useStore(announced)}
    </div>
  );
}
