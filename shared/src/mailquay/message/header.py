"""A header's fields, where they stand and what they hold (RFC 5322 §2.2). No I/O here."""

import re
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from typing import Final, NamedTuple

from mailquay.message.words import decode_words

__all__ = ["Header", "HeaderField", "find_header_end", "header_text", "iter_fields", "unfold"]

#: A field: its name, optional space (obs-optional, RFC 5322 §4.5), a colon, a value with its
#: continuation lines. What does not look like one is passed over.
_FIELD: Final = re.compile(rb"^([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)(?:\n|\Z)", re.MULTILINE)
_BLANK_LINE: Final = re.compile(rb"\n\r?\n")
_FOLD: Final = re.compile(rb"\r?\n(?=[ \t])")
#: A header as nearly all are: nothing in it is obsolete, or no field at all.
_ORDINARY: Final = re.compile(
    rb"(?:[!-9;-~]++: (?![ \t\r\n])[^\r\n]*+\r\n(?:[ \t][^\r\n]*+\r\n)*+)*+(?:\r\n)?"
)
_CONTROLS: Final = bytes((*range(9), 11, 12, *range(14, 32), 127))


def unfold(value: bytes) -> bytes:
    """Undo folding (RFC 5322 §2.2.3) and drop the space around the value; stray CR and LF go."""
    if b"\n" in value:
        value = _FOLD.sub(b"", value).replace(b"\n", b" ")
    return value.replace(b"\r", b"").strip(b" \t")


def find_header_end(raw: bytes, start: int, end: int) -> int:
    """Offset just behind the blank line that ends the header, or ``end`` when there is none."""
    if raw.startswith(b"\r\n", start):
        return min(start + 2, end)
    if raw.startswith(b"\n", start):
        return min(start + 1, end)
    match = _BLANK_LINE.search(raw, start, end)
    return match.end() if match else end


class HeaderField(NamedTuple):
    """One field; ``start`` to ``end`` are its bytes with the line's end.

    A message has a dozen or two: making a tuple takes a third of the time.
    """

    name: bytes
    value: bytes
    start: int
    end: int


def iter_fields(raw: bytes, start: int, end: int) -> Iterator[HeaderField]:
    """Every field of a header in its order, however many: for whoever must not miss one."""
    for m in _FIELD.finditer(raw, start, end):
        yield HeaderField(m[1], m[2], m.start(), m.end())


def header_text(raw: bytes, start: int, end: int) -> str:
    """All fields as text, for searching: ``Name: value``, a line each, words decoded."""
    header = raw[start:end]
    if (
        b"=?" not in header
        and header.isascii()
        and _ORDINARY.fullmatch(header)
        and len(header.translate(None, _CONTROLS)) == len(header)
    ):
        # Unfolded as it stands; field by field it would take five times as long.
        return header.replace(b"\r\n ", b" ").replace(b"\r\n\t", b"\t").decode().strip()
    return "\n".join(
        f"{field.name.decode('ascii', 'replace')}: {decode_words(unfold(field.value))}"
        for field in iter_fields(raw, start, end)
    )


class Header:
    """The fields of one header, in their order; of very many the first ones."""

    __slots__ = ("__dict__", "_end", "_max_fields", "_raw", "_start")

    def __init__(self, raw: bytes, start: int, end: int, *, max_fields: int = 5_000) -> None:
        self._raw = raw
        self._start = start
        self._end = end
        self._max_fields = max_fields

    @cached_property
    def fields(self) -> tuple[HeaderField, ...]:
        """All fields, values as they stand (folded, not decoded)."""
        return tuple(islice(iter_fields(self._raw, self._start, self._end), self._max_fields))

    @cached_property
    def _by_name(self) -> dict[bytes, list[HeaderField]]:
        index: dict[bytes, list[HeaderField]] = {}
        for field in self.fields:
            index.setdefault(field.name.lower(), []).append(field)
        return index

    def __iter__(self) -> Iterator[HeaderField]:
        return iter(self.fields)

    def get_raw(self, name: bytes) -> bytes | None:
        """The first field of that name (lower case), unfolded; None when there is none."""
        fields = self._by_name.get(name)
        return unfold(fields[0].value) if fields else None

    def all_raw(self, name: bytes) -> list[bytes]:
        """Every field of that name (lower case), unfolded."""
        return [unfold(field.value) for field in self._by_name.get(name, ())]

    def decoded(self, name: bytes) -> str | None:
        """The first field of that name as text: encoded words undone (RFC 2047), or UTF-8."""
        value = self.get_raw(name)
        return None if value is None else decode_words(value)

    def all_values(self, name: bytes) -> list[bytes]:
        """Every field of that name (lower case) as it stands: folded, with the space around it."""
        return [field.value.removesuffix(b"\r") for field in self._by_name.get(name, ())]

    def all_decoded(self, name: bytes) -> str:
        """Every field of that name as one text, for searching."""
        return ", ".join(decode_words(value) for value in self.all_raw(name))
