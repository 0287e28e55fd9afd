"""A received message's header: where it ends. Pure."""

import re
from collections.abc import Sequence
from typing import Final

__all__ = ["split_header"]

#: The beginning of a field (RFC 5322 §2.2), or the line that mbox files put before a message.
_BEGINS_HEADER: Final = re.compile(rb"[!-9;-~]+[ \t]*:|>?From |\r\n")
_BLANK_LINE: Final = b"\r\n\r\n"


def split_header(pieces: Sequence[bytes]) -> tuple[bytes, list[bytes]]:
    """The header with its blank line, and the pieces of the body.

    What begins with no field has no header: it is all body, and a blank line is put before it, or
    its first lines would be taken for a header.
    """
    if not pieces:
        return b"", []
    if not _BEGINS_HEADER.match(pieces[0]):
        return b"", [b"\r\n", *pieces]
    if pieces[0].startswith(b"\r\n"):
        return b"", list(pieces)
    header = bytearray()
    for number, piece in enumerate(pieces):
        searched = max(0, len(header) - len(_BLANK_LINE) + 1)
        header += piece
        end = header.find(_BLANK_LINE, searched)
        if end >= 0:
            end += len(_BLANK_LINE)
            return bytes(header[:end]), [bytes(header[end:]), *pieces[number + 1 :]]
    return bytes(header), []
