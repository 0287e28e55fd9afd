"""Which mailboxes a search is to look into (RFC 7377 §2.2, RFC 5465 §6). Pure."""

from dataclasses import dataclass
from typing import Final

from mailquay_imap.protocol.errors import ProtocolError
from mailquay_imap.protocol.reader import Reader

__all__ = ["Source", "parse_names", "parse_sources"]

_KINDS: Final = frozenset(("INBOXES", "PERSONAL", "SELECTED", "SUBSCRIBED"))
_NAMED: Final = frozenset(("MAILBOXES", "SUBTREE", "SUBTREE-ONE"))
#: Names and kinds of one search.
SOURCES_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class Source:
    """A kind, upper case, and the names of those kinds that have some."""

    kind: str
    names: tuple[str, ...] = ()


def parse_sources(reader: Reader) -> tuple[Source, ...] | None:
    """``["IN" SP "(" filter-mailboxes *(SP filter-mailboxes) ")" SP]``; None where there is none.

    Raises:
        ProtocolError: a source is not known; nor is any scope option.
    """
    if reader.upcoming_keyword() != "IN":
        return None
    reader.keyword()
    reader.space()
    reader.byte(b"(")
    sources: list[Source] = []
    count = 0
    while not sources or not reader.try_byte(b")"):
        if sources:
            reader.space()
        kind = reader.keyword()
        if kind in _NAMED:
            reader.space()
            sources.append(Source(kind, parse_names(reader)))
        elif kind in _KINDS:
            sources.append(Source(kind))
        else:
            raise ProtocolError(f"the source {kind[:40]} is not known")
        count += 1 + len(sources[-1].names)
        if count > SOURCES_MAX:
            raise ProtocolError("too many sources")
    reader.space()
    return tuple(sources)


def parse_names(reader: Reader) -> tuple[str, ...]:
    """``mailbox / "(" mailbox *(SP mailbox) ")"``."""
    if not reader.try_byte(b"("):
        return (reader.mailbox(),)
    names = [reader.mailbox()]
    while not reader.try_byte(b")"):
        reader.space()
        names.append(reader.mailbox())
    return tuple(names)
