"""Reads the grammar's small things from a command: atoms, strings, lists, flags, dates. Pure.

``x()`` requires; ``try_x()`` takes it where it is.
"""

import re
from datetime import UTC, date, datetime
from typing import Final

from mailquay.message.dates import parse_internal_date
from mailquay_imap.protocol.errors import ProtocolError
from mailquay_imap.protocol.mutf7 import decode_mutf7
from mailquay_imap.protocol.sequence import SequenceSet, parse_sequence_set

__all__ = ["Reader"]

_ATOM: Final = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\\]]+")
_ASTRING: Final = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\]+")
_LIST_MAILBOX: Final = re.compile(rb"[^\x00-\x20\x7f-\xff(){\"\\]+")
_QUOTED: Final = re.compile(rb'"([^"\\\r\n\x00]*(?:\\["\\][^"\\\r\n\x00]*)*)"')
_ESCAPE: Final = re.compile(rb'\\(["\\])')
_NUMBER: Final = re.compile(rb"\d{1,20}")
_SET: Final = re.compile(rb"[\d*:,]+|\$")
_FLAG: Final = re.compile(rb"\\?[^\x00-\x20\x7f-\xff(){%*\"\\\]]+")
_DATE: Final = re.compile(
    rb'("?)(\d{1,2})-(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-(\d{4})\1', re.IGNORECASE
)
_MONTHS: Final = {
    m: n
    for n, m in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)
}  # fmt: skip
#: Nesting of lists in one command.
DEPTH_MAX: Final = 50
#: Longer than any name that can be made, in either encoding.
_NAME_MAX_BYTES: Final = 16 * 1024


class Reader:
    """A position in a command."""

    __slots__ = ("_literals", "_next_literal", "is_utf8", "position", "text")

    def __init__(self, text: bytes, literals: tuple[bytes, ...], *, is_utf8: bool = False) -> None:
        self.text = text
        self.position = 0
        self.is_utf8 = is_utf8  # mailbox names are UTF-8, as in IMAP4rev2
        self._literals = literals
        self._next_literal = 0

    @property
    def at_end(self) -> bool:
        """Whether everything has been read."""
        return self.position >= len(self.text)

    def end(self) -> None:
        """Require the end of the command."""
        while self.try_byte(b" "):
            pass
        if not self.at_end:
            raise ProtocolError("unexpected text behind the command")

    def peek(self) -> bytes:
        """The next byte; empty at the end."""
        return self.text[self.position : self.position + 1]

    def try_byte(self, byte: bytes) -> bool:
        """Take one byte where it is that."""
        if self.peek() == byte:
            self.position += 1
            return True
        return False

    def byte(self, byte: bytes) -> None:
        """Require one byte."""
        if not self.try_byte(byte):
            raise ProtocolError(f"expected {byte.decode()!r}")

    def space(self) -> None:
        """Require a space; more than one is forgiven."""
        if not self.try_byte(b" "):
            raise ProtocolError("a space is missing")
        while self.try_byte(b" "):
            pass

    def try_space(self) -> bool:
        """Take a space where something follows it."""
        start = self.position
        while self.try_byte(b" "):
            pass
        if self.at_end:
            return False
        return self.position > start

    def _match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        match = pattern.match(self.text, self.position)
        if match is not None:
            self.position = match.end()
        return match

    def atom(self) -> bytes:
        """Require an atom."""
        match = self._match(_ATOM)
        if match is None:
            raise ProtocolError("an atom is missing")
        return match[0]

    def keyword(self) -> str:
        """Require an atom, upper case."""
        return self.atom().decode("ascii").upper()

    def upcoming_keyword(self) -> str:
        """The atom that comes next, upper case; empty where none does."""
        match = _ATOM.match(self.text, self.position)
        return "" if match is None else match[0].decode("ascii").upper()

    def number(self) -> int:
        """Require a number of up to 63 bits."""
        match = self._match(_NUMBER)
        if match is None or int(match[0]) >= 1 << 63:
            raise ProtocolError("a number is missing, or too large")
        return int(match[0])

    def try_string(self) -> bytes | None:
        """Take a quoted string or a literal."""
        if self.peek() == b"\0":
            literal = self._literal()
            if b"\0" in literal:
                raise ProtocolError("a literal with NUL is announced by ~{")
            return literal
        match = self._match(_QUOTED)
        if match is None:
            return None
        if not match[1].isascii():
            _require_utf8(match[1])
        return _ESCAPE.sub(rb"\1", match[1]) if b"\\" in match[1] else match[1]

    def _literal(self) -> bytes:
        self.position += 1
        literal = self._literals[self._next_literal]
        self._next_literal += 1
        return literal

    def message(self) -> bytes:
        """Require a literal or a literal8: a message, with NUL in it or not (RFC 3516 §4.4).

        NUL belongs into a literal8 alone; whoever sends it otherwise would lose a message by BAD.
        """
        self.try_byte(b"~")
        if self.peek() != b"\0":
            raise ProtocolError("APPEND takes its message as a literal")
        return self._literal()

    def string(self) -> bytes:
        """Require a string."""
        value = self.try_string()
        if value is None:
            raise ProtocolError("a string is missing")
        return value

    def astring(self) -> bytes:
        """Require an atom or a string."""
        value = self.try_string()
        if value is not None:
            return value
        match = self._match(_ASTRING)
        if match is None:
            raise ProtocolError("a string or an atom is missing")
        return match[0]

    def astring_or_star(self) -> bytes:
        """Require an astring, or ``*`` as a language range may be it (RFC 4647 §2.1)."""
        return b"*" if self.try_byte(b"*") else self.astring()

    def text_astring(self) -> str:
        """An astring as text, for names and passwords."""
        return self.astring().decode("utf-8", "surrogateescape")

    def nstring(self) -> bytes | None:
        """Require a string or NIL."""
        value = self.try_string()
        if value is not None:
            return value
        if self.keyword() != "NIL":
            raise ProtocolError("a string or NIL is missing")
        return None

    def mailbox(self) -> str:
        """Require a mailbox name; INBOX in any case is INBOX."""
        return self._name(self.astring())

    def list_mailbox(self) -> str:
        """Require a name that may hold wildcards."""
        value = self.try_string()
        if value is None:
            match = self._match(_LIST_MAILBOX)
            if match is None:
                raise ProtocolError("a mailbox pattern is missing")
            value = match[0]
        return self._name(value)

    def _name(self, value: bytes) -> str:
        if len(value) > _NAME_MAX_BYTES:
            raise ProtocolError("the mailbox name is too long")
        if self.is_utf8:
            try:
                name = value.decode("utf-8")
            except UnicodeDecodeError as error:
                raise ProtocolError("the mailbox name is not UTF-8") from error
        else:
            name = decode_mutf7(value)
        if "\0" in name:
            raise ProtocolError("a mailbox name holds no NUL")
        # In ASCII alone: a dotless i is I in capitals too, and no letter of this name.
        return "INBOX" if value.upper() == b"INBOX" else name

    def sequence_set(self) -> SequenceSet:
        """Require a sequence set or ``$``."""
        match = self._match(_SET)
        if match is None:
            raise ProtocolError("a sequence set is missing")
        return parse_sequence_set(match[0])

    def flag(self) -> str:
        r"""Require a flag: ``\Seen``, or a keyword, which is an atom (RFC 9051 §2.3.2)."""
        match = self._match(_FLAG)
        if match is None:
            raise ProtocolError("a flag is missing")
        return match[0].decode("ascii")

    def flag_list(self) -> list[str]:
        """Require flags in parentheses."""
        self.byte(b"(")
        flags: list[str] = []
        while not self.try_byte(b")"):
            if flags:
                self.space()
            flags.append(self.flag())
        return flags

    def atom_list(self) -> list[str]:
        r"""Require upper-case atoms in parentheses; ``\Sent`` counts as one."""
        self.byte(b"(")
        atoms: list[str] = []
        while not self.try_byte(b")"):
            if atoms:
                self.space()
            atoms.append(self.flag().upper())
        return atoms

    def date(self) -> date:
        """Require ``1-Feb-2026``, quoted or not."""
        match = self._match(_DATE)
        if match is None:
            raise ProtocolError("a date is missing")
        try:
            return date(int(match[4]), _MONTHS[match[3].lower()], int(match[2]))
        except ValueError as error:
            raise ProtocolError("that date is in no calendar") from error

    def date_time(self) -> datetime:
        """Require a quoted ``date-time`` (RFC 9051 §9)."""
        value = parse_internal_date(self.string())
        try:
            if value is not None:
                return value.astimezone(UTC)
        except OverflowError:
            pass  # in no year that a calendar has
        raise ProtocolError("invalid date-time")


def _require_utf8(text: bytes) -> None:
    """QUOTED-CHAR is ASCII or well-formed UTF-8 (RFC 9051 §9)."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolError("8-bit text in quotes is to be UTF-8") from error
