"""What a search, a sort or a fetch is to return (RFC 4731, 5182, 5267, 9394). Pure."""

import re
from dataclasses import dataclass
from typing import Final

from mailquay_imap.protocol.errors import ProtocolError
from mailquay_imap.protocol.fetch import FetchItem, parse_fetch_items
from mailquay_imap.protocol.reader import Reader

__all__ = ["Partial", "Returns", "parse_partial", "parse_returns"]

_NAMES: Final = frozenset(("ALL", "CONTEXT", "COUNT", "MAX", "MIN", "PARTIAL", "SAVE", "UPDATE"))
_PARTIAL: Final = re.compile(rb"(-?)([1-9]\d{0,9}):\1([1-9]\d{0,9})(?=[ )])")


@dataclass(frozen=True, slots=True)
class Partial:
    """A page of results, from 1 (RFC 9394 §3.1); ``is_last`` counts from the last one.

    ``first`` and ``last`` are as they were asked for: either may be the larger (§4).
    """

    first: int
    last: int
    is_last: bool

    def of(self, found: list[int]) -> list[int]:
        """The results on this page, in their order."""
        low, high = sorted((self.first, self.last))
        if not self.is_last:
            return found[low - 1 : high]
        count = len(found)
        return found[max(0, count - high) : max(0, count - low + 1)]

    def __str__(self) -> str:
        """As the response repeats it."""
        sign = "-" if self.is_last else ""
        return f"{sign}{self.first}:{sign}{self.last}"


@dataclass(frozen=True, slots=True)
class Returns:
    """Result options; without any, ALL."""

    names: frozenset[str] = frozenset(("ALL",))
    partial: Partial | None = None
    items: tuple[FetchItem, ...] = ()  # of messages that UPDATE adds (RFC 5465 §7)

    @property
    def is_silent(self) -> bool:
        """Whether the result is only to be saved."""
        return "SAVE" in self.names and self.names <= {"SAVE", "CONTEXT"}


def parse_partial(reader: Reader) -> Partial:
    """``nz-number ":" nz-number``, or both with a minus (RFC 9394 §4)."""
    match = _PARTIAL.match(reader.text, reader.position)
    if match is None:
        raise ProtocolError("that is no range of results")
    reader.position = match.end()
    first, last = int(match[2]), int(match[3])
    if max(first, last) >= 1 << 32:
        raise ProtocolError("that is no range of results")
    return Partial(first, last, bool(match[1]))


def parse_returns(reader: Reader) -> Returns | None:
    """``"RETURN" SP "(" [option *(SP option)] ")" SP``; None where there is none.

    Raises:
        ProtocolError: an option is not known.
    """
    if reader.upcoming_keyword() != "RETURN":
        return None
    reader.keyword()
    reader.space()
    reader.byte(b"(")
    names: set[str] = set()
    partial: Partial | None = None
    items: tuple[FetchItem, ...] = ()
    while not reader.try_byte(b")"):
        if names:
            reader.space()
        name = reader.keyword()
        if name not in _NAMES:
            raise ProtocolError("a result option is not known")
        if name == "PARTIAL":
            if partial is not None:
                raise ProtocolError("PARTIAL is one range")
            reader.space()
            partial = parse_partial(reader)
        if name == "UPDATE" and reader.text[reader.position :].lstrip(b" ").startswith(b"("):
            while reader.try_byte(b" "):
                pass
            items = parse_fetch_items(reader)
        names.add(name)
    if partial is not None and "ALL" in names:
        raise ProtocolError("it is either ALL or PARTIAL")  # RFC 9394 §3.1
    reader.space()
    return Returns(frozenset(names), partial, items) if names else Returns()
