"""SELECT and EXAMINE (RFC 9051 §6.3.2; RFC 3501; RFC 7162 §3.1.8, §3.2.5; RFC 8474 §4.1)."""

from typing import Final

from mailquay.store import StoreUnavailable
from mailquay.store.emails import MailboxPulse
from mailquay.store.ids import mailbox_object_id
from mailquay.store.names import canonical_name
from mailquay.store.types import Mailbox
from mailquay_imap.handlers.naming import attributes, list_line, require_mailbox
from mailquay_imap.handlers.resync import tell_changes
from mailquay_imap.protocol import commands as c
from mailquay_imap.replies import Bad, No, Ok
from mailquay_imap.selected import Selected
from mailquay_imap.session import Session
from mailquay_imap.views import MailboxGone, MailboxView

#: No uid is so large: nothing is \Recent.
_NO_RECENT: Final = 1 << 32


async def handle_select(session: Session, command: c.Select) -> Ok:
    """SELECT, EXAMINE."""
    if command.resync is not None and "QRESYNC" not in session.enabled:
        raise Bad("QRESYNC is to be enabled first", code="CLIENTBUG")
    if command.resync is not None and command.resync.matches and "UIDONLY" in session.enabled:
        raise Bad("that says message numbers", code="UIDREQUIRED")  # RFC 9586 §3.4
    if session.selected is not None:
        # Whatever comes of it, the old mailbox is left (RFC 9051 §6.3.2).
        await session.unselect()
        session.write(b"* OK [CLOSED] Previous mailbox is closed\r\n")
    mailbox = await require_mailbox(session, command.mailbox)
    try:
        view = await session.server.views.open(
            mailbox.account_id,
            mailbox.id,
            MailboxPulse(
                mailbox.uidvalidity,
                mailbox.uidnext,
                mailbox.highestmodseq,
                mailbox.messages,
                mailbox.unseen,
            ),
        )
    except MailboxGone:
        raise No("there is no such mailbox", code="NONEXISTENT") from None
    try:
        selected = Selected(
            view,
            read_only=command.read_only,
            recent_from=await _recent_from(session, command, mailbox, view),
            keywords_max=session.server.settings.imap.max_keywords,
        )
        named = await _name(session, command.mailbox, mailbox) if session.is_rev2 else b""
    except BaseException:
        session.server.views.close(view)
        raise
    if command.condstore:
        session.enable_condstore()
    session.select(selected)
    _describe(session, selected)
    session.write(named)
    if command.resync is not None and command.resync.uidvalidity == view.uidvalidity:
        try:
            await tell_changes(session, selected, command.resync)
        except StoreUnavailable:
            await session.unselect()
            raise
    if command.read_only:
        return Ok("EXAMINE completed", code="READ-ONLY")
    return Ok("SELECT completed", code="READ-WRITE")


async def _recent_from(
    session: Session, command: c.Select, mailbox: Mailbox, view: MailboxView
) -> int:
    r"""The first uid that is \Recent (RFC 3501 §2.3.2); IMAP4rev2 knows no such flag."""
    if session.is_rev2:
        return _NO_RECENT
    if command.read_only or mailbox.first_recent_uid >= view.snapshot.uidnext:
        return mailbox.first_recent_uid
    mailboxes = session.server.store.mailboxes
    return await mailboxes.take_recent(mailbox.account_id, mailbox.id)


def _describe(session: Session, selected: Selected) -> None:
    snapshot = selected.known
    for line in selected.flags_lines():
        session.write(line)
    lines = [f"* {len(snapshot.uids)} EXISTS"]
    if not session.is_rev2:
        lines.append(f"* {selected.recent_count()} RECENT")
        if not selected.uid_only and (unseen := selected.view.first_unseen):
            lines.append(f"* OK [UNSEEN {unseen}] First unseen")
    lines += [
        f"* OK [UIDVALIDITY {selected.view.uidvalidity}] Uids are valid",
        f"* OK [UIDNEXT {snapshot.uidnext}] Next uid",
        f"* OK [HIGHESTMODSEQ {snapshot.modseq}] Changes are counted",
        f"* OK [MAILBOXID ({mailbox_object_id(selected.view.mailbox_id)})] Object id",
    ]
    session.write("\r\n".join(lines).encode() + b"\r\n")


async def _name(session: Session, supplied: str, mailbox: Mailbox) -> bytes:
    """LIST, which IMAP4rev2 adds; its attributes are to be accurate (RFC 9051 §6.3.2)."""
    mailboxes = session.server.store.mailboxes
    flags = attributes(
        mailbox,
        has_children=await mailboxes.has_inferiors(mailbox.account_id, mailbox.name),
        is_subscribed=mailbox.is_subscribed,
    )
    old_name = "" if supplied == canonical_name(supplied) else supplied
    return list_line(session, mailbox.name, flags, old_name=old_name)
