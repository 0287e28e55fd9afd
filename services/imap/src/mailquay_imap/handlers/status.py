"""STATUS (RFC 9051 §6.3.11, RFC 8438, RFC 7889, RFC 8474 §4.3, RFC 9208 §4.1.4)."""

from collections.abc import Sequence

from mailquay.store.ids import mailbox_object_id
from mailquay.store.types import AccountId, Mailbox
from mailquay_imap.handlers.naming import require_mailbox
from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.format import mailbox_name
from mailquay_imap.replies import Ok
from mailquay_imap.session import Session


async def handle_status(session: Session, command: c.Status) -> Ok:
    """STATUS."""
    mailbox = await require_mailbox(session, command.mailbox)
    (line,) = await status_lines(session, [mailbox], command.items)
    session.write(line)
    return Ok()


async def status_lines(
    session: Session, mailboxes: Sequence[Mailbox], items: Sequence[str]
) -> list[bytes]:
    """The untagged STATUS of each mailbox, from its counters as far as there are any.

    HIGHESTMODSEQ turns CONDSTORE on (RFC 7162 §3.1).
    """
    statuses = session.server.store.statuses
    recent: dict[int, int] = {}
    deleted_bytes: dict[int, int] = {}
    for account_id, owned in _by_owner(mailboxes).items():
        if "RECENT" in items:
            recent |= await statuses.recent(account_id, owned)
        if "DELETED-STORAGE" in items:
            deleted_bytes |= await statuses.deleted_bytes(account_id, owned)
    if "HIGHESTMODSEQ" in items:
        session.enable_condstore()
    lines = []
    for mailbox in mailboxes:
        values = {
            "MESSAGES": mailbox.messages,
            "UIDNEXT": mailbox.uidnext,
            "UIDVALIDITY": mailbox.uidvalidity,
            "UNSEEN": mailbox.unseen,
            "DELETED": mailbox.deleted,
            "SIZE": mailbox.bytes,
            # In units of 1024 bytes, as quotas are (RFC 9208 §5.1).
            "DELETED-STORAGE": -(-deleted_bytes.get(mailbox.id, 0) // 1024),
            "RECENT": recent.get(mailbox.id, 0),
            "HIGHESTMODSEQ": mailbox.highestmodseq,
            "APPENDLIMIT": session.server.settings.imap.max_append_bytes,
            "MAILBOXID": f"({mailbox_object_id(mailbox.id)})",
        }
        pairs = " ".join(f"{item} {values[item]}" for item in dict.fromkeys(items))
        name = mailbox_name(mailbox.name, is_utf8=session.is_utf8)
        lines.append(b"* STATUS %b (%b)\r\n" % (name, pairs.encode()))
    return lines


def _by_owner(mailboxes: Sequence[Mailbox]) -> dict[AccountId, list[Mailbox]]:
    owners: dict[AccountId, list[Mailbox]] = {}
    for mailbox in mailboxes:
        owners.setdefault(mailbox.account_id, []).append(mailbox)
    return owners
