"""Multi-line replies: CRLF line ends, dots stuffed, a final dot (RFC 1939 §3). Pure."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

__all__ = ["listing", "multiline", "top"]

_LINE_END: Final = re.compile(rb"\r?\n|\r")
_BLANK_LINE: Final = re.compile(rb"(?:\A|\n)\r?\n")
#: About as much as is sent at once; a large message is copied piece by piece.
_PIECE_BYTES: Final = 128 * 1024


def multiline(message: bytes) -> Iterator[bytes]:
    """A message as the body of a reply, in pieces.

    Whatever a client may take for the end of a line becomes one: what was stored with odd line ends
    must not end the reply before its end.
    """
    position = 0
    piece = b"\r\n"
    while position < len(message):
        end = message.find(b"\n", position + _PIECE_BYTES) + 1 or len(message)
        piece = _stuff(message[position:end])
        yield piece
        position = end
    yield b".\r\n" if piece.endswith(b"\r\n") else b"\r\n.\r\n"


def _stuff(lines: bytes) -> bytes:
    """Whole lines, the last one perhaps without its end."""
    ends = lines.count(b"\r\n")
    if lines.count(b"\n") != ends or lines.count(b"\r") != ends:
        lines = _LINE_END.sub(b"\r\n", lines)
    if lines.startswith(b"."):
        lines = b"." + lines
    return lines.replace(b"\r\n.", b"\r\n..")


def listing(lines: Iterable[str]) -> bytes:
    """Lines of our own, none of which begins with a dot, as the body of a reply."""
    return "".join([*(f"{line}\r\n" for line in lines), ".\r\n"]).encode()


def top(message: bytes, header_length: int, lines: int) -> bytes:
    """The header, its blank line, and so many lines of the body (RFC 1939 §7: TOP)."""
    if not _BLANK_LINE.search(message, max(0, header_length - 3), header_length):
        # The header has no end of its own, and the message no body.
        return message[:header_length].rstrip(b"\r\n") + b"\r\n\r\n"
    end = header_length
    for _ in range(lines):
        found = message.find(b"\n", end)
        if found < 0:
            return message
        end = found + 1
    return message[:end]
