"""Sequence sets of numbers or uids (RFC 9051 §9: sequence-set). Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from mailquay_imap.protocol.errors import ProtocolError

__all__ = ["SequenceSet", "compress", "compress_ranges", "parse_sequence_set"]

_SET: Final = re.compile(
    rb"(?:\d{1,10}|\*)(?::(?:\d{1,10}|\*))?(?:,(?:\d{1,10}|\*)(?::(?:\d{1,10}|\*))?)*"
)
_MAX: Final = (1 << 32) - 1
#: Stands for ``*`` until the mailbox is known.
_STAR: Final = -1


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """Ranges as they were given; ``is_saved`` is ``$``, the saved result (RFC 5182)."""

    ranges: tuple[tuple[int, int], ...]
    is_saved: bool = False

    @property
    def is_one(self) -> bool:
        """Whether it is a single number, or ``*``."""
        return len(self.ranges) == 1 and self.ranges[0][0] == self.ranges[0][1]

    @property
    def has_star(self) -> bool:
        """Whether ``*`` is in it."""
        return any(_STAR in range_ for range_ in self.ranges)

    @property
    def is_ascending(self) -> bool:
        """Whether its numbers, of which none is ``*``, are said from the least to the largest."""
        said = [number for first, last in self.ranges for number in {first: None, last: None}]
        return all(low < high for low, high in pairwise(said))

    def resolve(self, largest: int) -> list[tuple[int, int]]:
        """Ascending, non-overlapping closed ranges, with ``*`` as the largest number in use."""
        resolved = []
        for first, last in self.ranges:
            low = largest if first == _STAR else first
            high = largest if last == _STAR else last
            resolved.append((low, high) if low <= high else (high, low))
        resolved.sort()
        merged: list[tuple[int, int]] = []
        for low, high in resolved:
            if merged and low <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(merged[-1][1], high))
            else:
                merged.append((low, high))
        return merged


def parse_sequence_set(text: bytes) -> SequenceSet:
    """Read ``1,3:5,7:*`` or ``$``.

    Raises:
        ProtocolError: it is none.
    """
    if text == b"$":
        return SequenceSet((), is_saved=True)
    if not _SET.fullmatch(text):
        raise ProtocolError("invalid sequence set")
    ranges = []
    for item in text.split(b","):
        first, _, last = item.partition(b":")
        ranges.append((_number(first), _number(last or first)))
    return SequenceSet(tuple(ranges))


def _number(text: bytes) -> int:
    if text == b"*":
        return _STAR
    value = int(text)
    if not 1 <= value <= _MAX:
        raise ProtocolError("a number in a sequence set is from 1 to 4294967295")
    return value


def compress(numbers: Iterable[int]) -> bytes:
    """Numbers as a sequence set, each run as ``a:b``, in the order given."""
    pieces: list[bytes] = []
    first = last = None
    for number in numbers:
        if last is not None and number == last + 1:
            last = number
            continue
        if first is not None and last is not None:
            pieces.append(_run(first, last))
        first = last = number
    if first is not None and last is not None:
        pieces.append(_run(first, last))
    return b",".join(pieces)


def compress_ranges(ranges: Iterable[tuple[int, int]]) -> bytes:
    """Closed ranges as a sequence set."""
    return b",".join(_run(first, last) for first, last in ranges)


def _run(first: int, last: int) -> bytes:
    return b"%d" % first if first == last else b"%d:%d" % (first, last)


def in_ranges(ranges: Sequence[tuple[int, int]], number: int) -> bool:
    """Whether a number lies in resolved ranges."""
    return any(low <= number <= high for low, high in ranges)
