"""A message's bytes as DATA carries them (RFC 5321 §4.5.2). No I/O here."""

import re
from typing import Final

__all__ = ["dot_stuff"]

_BARE: Final = re.compile(rb"\r(?!\n)|(?<!\r)\n")


def dot_stuff(message: bytes) -> bytes:
    """Return ``message`` with every line ended by CRLF, dots doubled, and the final dot added.

    A bare CR or LF becomes CRLF: what leaves here can smuggle no second message through a peer
    that takes one of them for a line's end (RFC 5321 §2.3.8).
    """
    if _BARE.search(message):
        message = _BARE.sub(b"\r\n", message)
    if message and not message.endswith(b"\r\n"):
        message += b"\r\n"
    stuffed = message.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    return stuffed + b".\r\n"
