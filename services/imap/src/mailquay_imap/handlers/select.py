"""SELECT and EXAMINE (RFC 9051 §6.3.2, §6.3.3; RFC 3501; RFC 7162 §3.1.8; RFC 8474 §4.1)."""

from mailquay.store import NotFound
from mailquay.store.ids import mailbox_object_id
from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.format import mailbox_name
from mailquay_imap.replies import No, Ok
from mailquay_imap.selected import Selected
from mailquay_imap.session import Session
from mailquay_imap.views import MailboxGone

_SYSTEM = r"\Answered \Flagged \Deleted \Seen \Draft"
_NO_RECENT = 1 << 32


async def handle_select(session: Session, command: c.Select) -> Ok:
    """SELECT, EXAMINE."""
    if session.selected is not None:
        # Whatever comes of it, the old mailbox is left (RFC 9051 §6.3.2).
        session.unselect()
        session.write(b"* OK [CLOSED] Previous mailbox is closed\r\n")
    store, account = session.server.store, session.owner
    mailbox = await store.mailboxes.find(account.id, command.mailbox)
    if mailbox is None:
        raise No("there is no such mailbox", code="NONEXISTENT")
    if not mailbox.is_selectable:
        raise No("the name holds no messages", code="CANNOT")
    try:
        view = await session.server.views.open(account.id, mailbox.id)
    except MailboxGone:
        raise No("there is no such mailbox", code="NONEXISTENT") from None
    try:
        recent_from = _NO_RECENT
        if not session.is_rev2:
            if command.read_only:
                recent_from = mailbox.first_recent_uid
            elif mailbox.first_recent_uid < view.snapshot.uidnext:
                recent_from = await store.mailboxes.take_recent(account.id, mailbox.id)
        selected = Selected(
            store, view, command.mailbox, read_only=command.read_only, recent_from=recent_from
        )
    except NotFound:
        session.server.views.close(view)
        raise
    except BaseException:
        session.server.views.close(view)
        raise
    selected.condstore = command.condstore or "CONDSTORE" in session.enabled
    if command.condstore:
        session.enabled.add("CONDSTORE")
    session.select(selected)
    _describe(session, selected)
    if command.read_only:
        return Ok("EXAMINE completed", code="READ-ONLY")
    return Ok("SELECT completed", code="READ-WRITE")


def _describe(session: Session, selected: Selected) -> None:
    snapshot = selected.known
    words = " ".join([_SYSTEM, *sorted(snapshot.keywords, key=str.lower)])
    permanent = "" if selected.read_only else words + r" \*"
    lines = [
        f"* FLAGS ({words})",
        f"* OK [PERMANENTFLAGS ({permanent})] These are kept",
        f"* {len(snapshot.uids)} EXISTS",
    ]
    if not session.is_rev2:
        lines.append(f"* {selected.recent_count()} RECENT")
        unseen = next((n for n, place in enumerate(snapshot.places, 1) if not place.flags & 1), 0)
        if unseen:
            lines.append(f"* OK [UNSEEN {unseen}] First unseen")
    lines += [
        f"* OK [UIDVALIDITY {selected.view.uidvalidity}] Uids are valid",
        f"* OK [UIDNEXT {snapshot.uidnext}] Next uid",
        f"* OK [HIGHESTMODSEQ {snapshot.modseq}] Changes are counted",
        f"* OK [MAILBOXID ({mailbox_object_id(selected.view.mailbox_id)})] Object id",
    ]
    session.write("\r\n".join(lines).encode() + b"\r\n")
    if session.is_rev2:
        name = mailbox_name(selected.name, is_utf8=True)
        session.write(b'* LIST () "/" ' + name + b"\r\n")
