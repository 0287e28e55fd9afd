"""LIST, LSUB, NAMESPACE (RFC 9051 §6.3.9, §6.3.10; RFC 5258; RFC 5819; RFC 6154)."""

from dataclasses import dataclass

from mailquay.store.names import DELIMITER
from mailquay.store.types import Mailbox
from mailquay_imap.handlers.naming import USES, attributes, list_line
from mailquay_imap.handlers.status import status_lines
from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.format import mailbox_name
from mailquay_imap.protocol.patterns import Pattern, canonical_pattern
from mailquay_imap.replies import Ok
from mailquay_imap.session import Session


@dataclass(slots=True)
class _Name:
    """A name that may be listed: a mailbox, a level above one, or only a subscription."""

    name: str
    mailbox: Mailbox | None = None
    is_subscribed: bool = False
    has_children: bool = False
    #: A name below it is subscribed; that is told with LSUB's `%`.
    subscribed_below: bool = False
    #: A name below it meets the selection criteria; and one that is not listed itself.
    selected_below: bool = False
    unlisted_below: bool = False

    @property
    def has_use(self) -> bool:
        """Whether it has a special use."""
        return self.mailbox is not None and self.mailbox.role in USES

    def is_selected(self, command: c.List) -> bool:
        """Whether it meets the selection criteria."""
        if command.only_special_use and not self.has_use:
            return False
        return self.is_subscribed if command.only_subscribed else self.mailbox is not None


def _above(name: str) -> list[str]:
    levels = name.split(DELIMITER)
    return [DELIMITER.join(levels[:depth]) for depth in range(1, len(levels))]


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
        for level in _above(name):
            above = names.setdefault(level, _Name(level))
            above.has_children = above.has_children or entry.mailbox is not None
            above.subscribed_below = above.subscribed_below or entry.is_subscribed
    return names


def _order(name: str) -> tuple[bool, str, str]:
    return (name != "INBOX", name.lower(), name)


async def handle_list(session: Session, command: c.List) -> Ok:
    """LIST."""
    if not command.is_extended and command.patterns == ("",):
        # The hierarchy delimiter, and the root: there is but one.
        session.write(b'* LIST (\\Noselect) "/" ""\r\n')
        return Ok()
    names = await _names(session)
    # In the extended syntax an empty pattern is passed over (RFC 9051 §6.3.9).
    patterns = [
        Pattern(canonical_pattern(command.reference, pattern))
        for pattern in command.patterns
        if pattern
    ]
    listed = {name for name in names if any(pattern.matches(name) for pattern in patterns)}
    if command.recursive:
        for name, entry in names.items():
            if entry.is_selected(command):
                for level in _above(name):
                    names[level].selected_below = True
                    names[level].unlisted_below |= name not in listed
    entries = [names[name] for name in sorted(listed, key=_order)]
    wanted = [e for e in entries if e.is_selected(command) or e.unlisted_below]
    statuses = await _statuses(session, command, wanted)
    for entry in wanted:
        await session.write_large(_line(session, command, entry))
        if entry.name in statuses:
            await session.write_large(statuses[entry.name])
    return Ok()


async def _statuses(session: Session, command: c.List, entries: list[_Name]) -> dict[str, bytes]:
    """STATUS of those that meet the criteria and can be selected (RFC 5819 §2)."""
    if not command.returns.status:
        return {}
    mailboxes = [
        entry.mailbox
        for entry in entries
        if entry.mailbox is not None and entry.mailbox.is_selectable and entry.is_selected(command)
    ]
    lines = await status_lines(session, mailboxes, command.returns.status)
    return {mailbox.name: line for mailbox, line in zip(mailboxes, lines, strict=True)}


def _line(session: Session, command: c.List, entry: _Name) -> bytes:
    tells_subscription = command.only_subscribed or command.returns.subscribed
    flags = attributes(
        entry.mailbox,
        has_children=entry.has_children,
        is_subscribed=entry.is_subscribed and tells_subscription,
    )
    extended = b""
    if command.recursive and entry.selected_below:
        criteria = []
        if command.only_subscribed:
            criteria.append(b'"SUBSCRIBED"')
        if command.only_special_use:
            criteria.append(b'"SPECIAL-USE"')
        extended = b' ("CHILDINFO" (' + b" ".join(criteria) + b"))"
    return list_line(session, entry.name, flags, extended=extended)


async def handle_lsub(session: Session, command: c.Lsub) -> Ok:
    r"""LSUB (RFC 3501 §6.3.9).

    A pattern that ends in ``%`` finds a level above a subscribed name too, as ``\Noselect``.
    """
    names = await _names(session)
    pattern = Pattern(canonical_pattern(command.reference, command.pattern))
    for name in sorted(names, key=_order):
        entry = names[name]
        is_level = pattern.ends_in_level and entry.subscribed_below
        if not (entry.is_subscribed or is_level) or not pattern.matches(name):
            continue
        is_selectable = entry.mailbox is not None and entry.mailbox.is_selectable
        flags = b"" if entry.is_subscribed and is_selectable else b"\\Noselect"
        encoded = mailbox_name(name, is_utf8=session.is_utf8)
        await session.write_large(b'* LSUB (%b) "/" %b\r\n' % (flags, encoded))
    return Ok()


async def handle_namespace(session: Session, _command: c.Namespace) -> Ok:
    """NAMESPACE (RFC 9051 §6.3.10)."""
    session.write(b'* NAMESPACE (("" "/")) NIL NIL\r\n')
    return Ok()
