"""Mailbox names as clients give them, and the LIST responses that tell of them (RFC 9051 §5.1).

A name is looked up in its canonical form. Where a client gave another one, it is told so by
OLDNAME (§6.3.9.7), once it has enabled IMAP4rev2 and so is known to understand that.
"""

from typing import Final

from mailquay.store.names import DELIMITER, canonical_name
from mailquay.store.types import Mailbox
from mailquay_imap.protocol.format import mailbox_name
from mailquay_imap.replies import No
from mailquay_imap.session import Session

__all__ = [
    "ROLES",
    "USES",
    "attributes",
    "find_mailbox",
    "list_line",
    "require_mailbox",
    "tell_name",
]

#: Special uses (RFC 6154 §2) by the store's role.
USES: Final = {
    "archive": "\\Archive",
    "drafts": "\\Drafts",
    "junk": "\\Junk",
    "sent": "\\Sent",
    "trash": "\\Trash",
}
ROLES: Final = {use.upper(): role for role, use in USES.items()}


async def find_mailbox(session: Session, name: str) -> Mailbox | None:
    """The mailbox of a name that a client gave; None when there is none that holds messages."""
    mailboxes = session.server.store.mailboxes
    mailbox = await mailboxes.find(session.owner.id, canonical_name(name))
    return mailbox if mailbox is not None and mailbox.is_selectable else None


async def require_mailbox(session: Session, name: str, *, code: str = "NONEXISTENT") -> Mailbox:
    """The mailbox of a name that a client gave.

    Raises:
        No: there is none that holds messages.
    """
    mailbox = await find_mailbox(session, name)
    if mailbox is None:
        raise No("there is no such mailbox", code=code)
    return mailbox


def attributes(
    mailbox: Mailbox | None, *, has_children: bool, is_subscribed: bool = False
) -> list[str]:
    r"""The attributes of LIST (RFC 9051 §7.3.1); ``mailbox`` None is a name without one."""
    found: list[str] = []
    if mailbox is None:
        found.append("\\NonExistent")
    elif not mailbox.is_selectable:
        found.append("\\Noselect")
    if is_subscribed:
        found.append("\\Subscribed")
    found.append("\\HasChildren" if has_children else "\\HasNoChildren")
    if mailbox is not None and mailbox.role in USES:
        found.append(USES[mailbox.role])
    return found


def list_line(
    session: Session, name: str, flags: list[str], *, extended: bytes = b"", old_name: str = ""
) -> bytes:
    """An untagged LIST."""
    if old_name:
        extended = b' ("OLDNAME" (' + mailbox_name(old_name, is_utf8=session.is_utf8) + b"))"
    encoded = mailbox_name(name, is_utf8=session.is_utf8)
    return b'* LIST (%b) "/" %b%b\r\n' % (" ".join(flags).encode(), encoded, extended)


def tell_name(session: Session, supplied: str, name: str, flags: list[str]) -> None:
    """Tell that a mailbox goes by another name than the client gave, if that is so."""
    supplied = supplied.removesuffix(DELIMITER)
    if session.is_rev2 and supplied != canonical_name(supplied):
        session.write(list_line(session, name, flags, old_name=supplied))
