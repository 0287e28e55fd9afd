"""Multi-line replies: CRLF line ends, dots stuffed, a final dot (RFC 1939 §3). Pure."""

import re
from typing import Final

__all__ = ["multiline", "top"]

_LINE_END: Final = re.compile(rb"\r?\n|\r")


def multiline(data: bytes) -> bytes:
    """A message as the body of a reply."""
    ends = data.count(b"\r\n")
    if data.count(b"\n") != ends or data.count(b"\r") != ends:
        data = _LINE_END.sub(b"\r\n", data)
    if data.startswith(b"."):
        data = b"." + data
    data = data.replace(b"\r\n.", b"\r\n..")
    if data and not data.endswith(b"\r\n"):
        data += b"\r\n"
    return data + b".\r\n"


def top(message: bytes, header_length: int, lines: int) -> bytes:
    """The header, its blank line, and so many lines of the body (RFC 1939 §7: TOP)."""
    end = header_length
    for _ in range(lines):
        found = message.find(b"\n", end)
        if found < 0:
            end = len(message)
            break
        end = found + 1
    header = message[:header_length]
    if not header.endswith((b"\r\n\r\n", b"\n\n")) and header != b"\r\n":
        return header.rstrip(b"\r\n") + b"\r\n\r\n" + message[header_length:end]
    return message[:end]
