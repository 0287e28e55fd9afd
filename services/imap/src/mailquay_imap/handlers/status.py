"""STATUS (RFC 9051 §6.3.11, RFC 8438, RFC 7889, RFC 8474 §4.3): counters, never counted."""

from mailquay.store.ids import mailbox_object_id
from mailquay.store.types import Mailbox
from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.format import mailbox_name
from mailquay_imap.replies import No, Ok
from mailquay_imap.session import Session


async def handle_status(session: Session, command: c.Status) -> Ok:
    """STATUS."""
    mailbox = await session.server.store.mailboxes.find(session.owner.id, command.mailbox)
    if mailbox is None:
        raise No("there is no such mailbox", code="NONEXISTENT")
    if not mailbox.is_selectable:
        raise No("the name holds no messages", code="CANNOT")
    session.write(status_line(session, mailbox, command.items))
    if "HIGHESTMODSEQ" in command.items:
        session.enabled.add("CONDSTORE")
        if session.selected is not None:
            session.selected.condstore = True
    return Ok()


def status_line(session: Session, mailbox: Mailbox, items: tuple[str, ...]) -> bytes:
    """The untagged STATUS of a mailbox."""
    values = {
        "MESSAGES": mailbox.messages,
        "UIDNEXT": mailbox.uidnext,
        "UIDVALIDITY": mailbox.uidvalidity,
        "UNSEEN": mailbox.unseen,
        "DELETED": mailbox.deleted,
        "SIZE": mailbox.bytes,
        "DELETED-STORAGE": 0,
        # Uids are dense where it matters: what came since the last read-write SELECT.
        "RECENT": min(mailbox.messages, max(0, mailbox.uidnext - mailbox.first_recent_uid)),
        "HIGHESTMODSEQ": mailbox.highestmodseq,
        "APPENDLIMIT": session.server.settings.imap.max_append_bytes,
    }
    pieces = [
        f"MAILBOXID ({mailbox_object_id(mailbox.id)})"
        if item == "MAILBOXID"
        else f"{item} {values[item]}"
        for item in dict.fromkeys(items)
    ]
    name = mailbox_name(mailbox.name, is_utf8=session.is_rev2)
    return b"* STATUS %b (%b)\r\n" % (name, " ".join(pieces).encode())
