"""LIST, LSUB, NAMESPACE (RFC 9051 §6.3.9, §6.3.10; RFC 5258; RFC 5819; RFC 6154)."""

import re
from dataclasses import dataclass, field
from typing import Final

from mailquay.store.types import Mailbox
from mailquay_imap.handlers.status import status_line
from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.format import mailbox_name
from mailquay_imap.replies import Ok
from mailquay_imap.session import Session

_USES: Final = {
    "archive": "\\Archive",
    "drafts": "\\Drafts",
    "junk": "\\Junk",
    "sent": "\\Sent",
    "trash": "\\Trash",
}


def _pattern(reference: str, pattern: str) -> re.Pattern[str]:
    """``*`` is anything, ``%`` anything within a level; INBOX matches in any case."""
    text = reference + pattern
    if text[:5].upper() == "INBOX" and (len(text) == 5 or text[5] in "/*%"):
        text = "INBOX" + text[5:]
    pieces = re.split(r"([*%]+)", text)
    expression = "".join(
        (".*" if "*" in piece else "[^/]*") if number % 2 else re.escape(piece)
        for number, piece in enumerate(pieces)
    )
    return re.compile(expression, re.DOTALL)


@dataclass(slots=True)
class _Name:
    """A name that may be listed: a mailbox, a level above one, or only a subscription."""

    name: str
    mailbox: Mailbox | None = None
    is_subscribed: bool = False
    has_children: bool = False
    subscribed_below: bool = False
    attributes: list[str] = field(default_factory=list)


async def _names(session: Session) -> dict[str, _Name]:
    """All names of the account, with the levels above that are none themselves."""
    store, account = session.server.store.mailboxes, session.owner
    names: dict[str, _Name] = {}
    for mailbox in await store.list_mailboxes(account.id):
        names[mailbox.name] = _Name(mailbox.name, mailbox, mailbox.is_subscribed)
    for name in await store.subscriptions(account.id):
        names.setdefault(name, _Name(name)).is_subscribed = True
    for name in list(names):
        entry = names[name]
        levels = name.split("/")
        for depth in range(1, len(levels)):
            above = names.setdefault("/".join(levels[:depth]), _Name("/".join(levels[:depth])))
            above.has_children = above.has_children or entry.mailbox is not None
            above.subscribed_below = above.subscribed_below or entry.is_subscribed
    return names


def _attributes(entry: _Name, command: c.List, *, matched: bool) -> list[str]:
    found: list[str] = []
    mailbox = entry.mailbox
    if mailbox is None:
        found.append("\\NonExistent")
    elif not mailbox.is_selectable:
        found.append("\\Noselect")
    if entry.is_subscribed and (command.only_subscribed or command.returns.subscribed):
        found.append("\\Subscribed")
    found.append("\\HasChildren" if entry.has_children else "\\HasNoChildren")
    if mailbox is not None and mailbox.role in _USES:
        found.append(_USES[mailbox.role])
    if not matched:
        found = [a for a in found if a != "\\Subscribed"]
    return found


async def handle_list(session: Session, command: c.List) -> Ok:
    """LIST."""
    if not command.is_extended and command.patterns == ("",):
        session.write(b'* LIST (\\Noselect) "/" ""\r\n')
        return Ok()
    names = await _names(session)
    patterns = [_pattern(command.reference, pattern) for pattern in command.patterns]
    for name in sorted(names, key=lambda n: (n != "INBOX", n.lower())):
        entry = names[name]
        if any(pattern.fullmatch(name) for pattern in patterns):
            await _list_one(session, command, entry)
    return Ok()


async def _list_one(session: Session, command: c.List, entry: _Name) -> None:
    is_wanted = entry.mailbox is not None
    extra = b""
    if command.only_subscribed:
        is_wanted = entry.is_subscribed
        if command.recursive and entry.subscribed_below:
            is_wanted, extra = True, b' ("CHILDINFO" ("SUBSCRIBED"))'
    if command.only_special_use:
        has_use = entry.mailbox is not None and entry.mailbox.role in _USES
        is_wanted = is_wanted and has_use
    if not is_wanted:
        return
    matched = entry.is_subscribed or not command.only_subscribed
    attributes = " ".join(_attributes(entry, command, matched=matched)).encode()
    encoded = mailbox_name(entry.name, is_utf8=session.is_rev2)
    session.write(b'* LIST (%b) "/" %b%b\r\n' % (attributes, encoded, extra))
    mailbox = entry.mailbox
    if command.returns.status and mailbox is not None and mailbox.is_selectable:
        line = status_line(session, mailbox, command.returns.status)
        await session.write_large(line)


async def handle_lsub(session: Session, command: c.Lsub) -> Ok:
    """LSUB (RFC 3501 §6.3.9)."""
    names = await _names(session)
    pattern = _pattern(command.reference, command.pattern)
    is_by_level = "%" in command.pattern
    for name in sorted(names):
        entry = names[name]
        if not pattern.fullmatch(name):
            continue
        encoded = mailbox_name(name, is_utf8=session.is_rev2)
        if entry.is_subscribed:
            flags = b"" if entry.mailbox and entry.mailbox.is_selectable else b"\\Noselect"
            session.write(b'* LSUB (%b) "/" %b\r\n' % (flags, encoded))
        elif is_by_level and entry.subscribed_below:
            session.write(b'* LSUB (\\Noselect) "/" %b\r\n' % encoded)
    return Ok()


async def handle_namespace(session: Session, _command: c.Namespace) -> Ok:
    """NAMESPACE (RFC 9051 §6.3.10)."""
    session.write(b'* NAMESPACE (("" "/")) NIL NIL\r\n')
    return Ok()
