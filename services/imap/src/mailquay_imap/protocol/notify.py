"""What a client is to be told of without asking (RFC 5465 §8). Pure."""

from dataclasses import dataclass
from typing import Final

from mailquay_imap.protocol.errors import ProtocolError
from mailquay_imap.protocol.fetch import FetchItem, parse_fetch_items
from mailquay_imap.protocol.reader import Reader
from mailquay_imap.protocol.sources import Source, parse_names

__all__ = ["MESSAGE_EVENTS", "EventGroup", "parse_event_groups"]

MESSAGE_EVENTS: Final = frozenset(
    ("MESSAGENEW", "MESSAGEEXPUNGE", "FLAGCHANGE", "ANNOTATIONCHANGE")
)
_SELECTED: Final = frozenset(("SELECTED", "SELECTED-DELAYED"))
_KINDS: Final = frozenset(("INBOXES", "PERSONAL", "SUBSCRIBED"))
_NAMED: Final = frozenset(("MAILBOXES", "SUBTREE"))
#: Groups and names of one command.
GROUPS_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class EventGroup:
    """Mailboxes, and the events in them, upper case; ``items`` are fetched of new messages."""

    source: Source
    events: frozenset[str]
    items: tuple[FetchItem, ...] = ()


def parse_event_groups(reader: Reader) -> tuple[EventGroup, ...]:
    """``event-group *(SP event-group)``.

    Raises:
        ProtocolError: it is none, or its events do not go together.
    """
    groups: list[EventGroup] = []
    count = 0
    while not groups or reader.try_space():
        groups.append(_group(reader))
        count += 1 + len(groups[-1].source.names)
        if count > GROUPS_MAX:
            raise ProtocolError("too many mailboxes")
    if sum(group.source.kind in _SELECTED for group in groups) > 1:
        raise ProtocolError("the selected mailbox is specified once")  # RFC 5465 §6.1
    return tuple(groups)


def _group(reader: Reader) -> EventGroup:
    """``"(" filter-mailboxes SP events ")"``."""
    reader.byte(b"(")
    kind = reader.keyword()
    names: tuple[str, ...] = ()
    if kind in _NAMED:
        reader.space()
        names = parse_names(reader)
    elif kind not in _KINDS | _SELECTED:
        raise ProtocolError(f"the mailboxes {kind[:40]} are not known")
    reader.space()
    events, items = _events(reader)
    reader.byte(b")")
    is_selected = kind in _SELECTED
    if is_selected and events - MESSAGE_EVENTS:
        raise ProtocolError("only messages' events are of the selected mailbox")
    if items and not is_selected:
        raise ProtocolError("data items are of the selected mailbox alone")
    if events & MESSAGE_EVENTS and not events >= {"MESSAGENEW", "MESSAGEEXPUNGE"}:
        # RFC 5465 §5
        raise ProtocolError("MessageNew and MessageExpunge go together, and with the others")
    return EventGroup(Source(kind, names), events, items)


def _events(reader: Reader) -> tuple[frozenset[str], tuple[FetchItem, ...]]:
    """``( "(" event *(SP event) ")" ) / "NONE"``; the example of RFC 5465 §3.1 has one bare."""
    if not reader.try_byte(b"("):
        name = reader.keyword()
        return (frozenset() if name == "NONE" else frozenset((name,))), ()
    events: set[str] = set()
    items: tuple[FetchItem, ...] = ()
    while not events or not reader.try_byte(b")"):
        if events:
            reader.space()
        name = reader.keyword()
        if name == "MESSAGENEW" and reader.text[reader.position : reader.position + 2] == b" (":
            reader.space()
            items = parse_fetch_items(reader)
        events.add(name)
    return frozenset(events), items
