"""Command lines (RFC 1939 §3, RFC 2449 §4). Pure."""

from dataclasses import dataclass, field
from typing import Final

__all__ = ["Command", "LineReader", "SyntaxFault", "parse_command"]

#: RFC 2449 §4 asks for 255; SASL responses are longer.
LINE_MAX_BYTES: Final = 12 * 1024


class SyntaxFault(Exception):
    """The line is no command."""


@dataclass(frozen=True, slots=True)
class Command:
    """A keyword in upper case and its argument; PASS keeps its spaces."""

    keyword: str
    argument: str = field(default="", repr=False)

    @property
    def words(self) -> list[str]:
        """The argument's words."""
        return self.argument.split()

    def numbers(self, least: int, most: int) -> list[int]:
        """The argument as numbers.

        Raises:
            SyntaxFault: it is something else, or too many or too few of them.
        """
        words = self.words
        if not least <= len(words) <= most or any(
            not word.isascii() or not word.isdigit() or len(word) > 10 for word in words
        ):
            raise SyntaxFault("numbers are missing, or are none")
        return [int(word) for word in words]


def parse_command(line: bytes) -> Command:
    """Read a line without its end.

    Raises:
        SyntaxFault: it is no command.
    """
    keyword, _, argument = line.partition(b" ")
    if not keyword.isalnum() or not keyword.isascii():
        raise SyntaxFault("no command")
    try:
        text = argument.decode("utf-8")
    except UnicodeDecodeError:
        text = argument.decode("utf-8", "surrogateescape")
    return Command(keyword.decode("ascii").upper(), text)


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
        end = self._buffer.find(b"\n")
        if end < 0:
            if len(self._buffer) > LINE_MAX_BYTES:
                raise SyntaxFault("the line is too long")
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line.removesuffix(b"\r")
