"""Command lines (RFC 1939 §3, RFC 2449 §4). Pure."""

from dataclasses import dataclass, field
from typing import Final

__all__ = ["Command", "LineReader", "SyntaxFault", "parse_command"]

#: RFC 2449 §4 asks for 255 bytes, RFC 5034 §4 for what a SASL response needs.
LINE_MAX_BYTES: Final = 12 * 1024
#: No maildrop has more messages than this many digits tell, and no message more lines.
_DIGITS_MAX: Final = 10


class SyntaxFault(Exception):
    """The line is no command."""


@dataclass(frozen=True, slots=True)
class Command:
    """A keyword in upper case and its argument; PASS keeps its spaces."""

    keyword: str
    argument: str = field(default="", repr=False)

    def numbers(self, least: int, most: int) -> list[int]:
        """The argument as numbers.

        Raises:
            SyntaxFault: it is something else, or too many or too few of them.
        """
        words = self.argument.split()
        if not least <= len(words) <= most or any(
            not word.isascii() or not word.isdigit() or len(word) > _DIGITS_MAX for word in words
        ):
            raise SyntaxFault("numbers are missing, or are none")
        return [int(word) for word in words]

    def require_no_argument(self) -> None:
        """Refuse an argument where none is due.

        Raises:
            SyntaxFault: there is one.
        """
        if self.argument.strip():
            raise SyntaxFault("no argument is allowed here")


def parse_command(line: bytes) -> Command:
    """Read a line without its end; bytes that are no UTF-8 stay what they were, for passwords.

    Raises:
        SyntaxFault: it is no command.
    """
    keyword, _, argument = line.partition(b" ")
    if not keyword.isalnum():
        raise SyntaxFault("no command")
    return Command(keyword.decode("ascii").upper(), argument.decode("utf-8", "surrogateescape"))


class LineReader:
    """Cuts bytes into lines; commands may be pipelined (RFC 2449 §6.6)."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def receive_data(self, data: bytes) -> None:
        """Take bytes."""
        self._buffer += data

    def discard(self) -> None:
        """Forget what came in the clear."""
        self._buffer.clear()

    def next_line(self) -> bytes | None:
        """The next line without its end; None when more is needed.

        Raises:
            SyntaxFault: it is too long; there is no telling what follows.
        """
        end = self._buffer.find(b"\n", 0, LINE_MAX_BYTES)
        if end < 0:
            if len(self._buffer) >= LINE_MAX_BYTES:
                raise SyntaxFault("the line is too long")
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line.removesuffix(b"\r")
