"""Mailbox names in modified UTF-7 (RFC 3501 §5.1.3). Pure."""

import base64
import binascii
import re
from typing import Final

from mailquay_imap.protocol.errors import ProtocolError

__all__ = ["decode_mutf7", "encode_mutf7"]

_SHIFTED: Final = re.compile(rb"&([A-Za-z0-9+,]*)-")
_PRINTABLE: Final = re.compile(r"[\x20-\x7e]+")


def encode_mutf7(name: str) -> bytes:
    """Encode a name; lone surrogates are replaced, as they are no characters."""
    if name.isascii() and name.isprintable() and "&" not in name:
        return name.encode()
    pieces: list[bytes] = []
    position = 0
    for match in _PRINTABLE.finditer(name):
        if match.start() > position:
            pieces.append(_shift(name[position : match.start()]))
        pieces.append(match[0].encode().replace(b"&", b"&-"))
        position = match.end()
    if position < len(name):
        pieces.append(_shift(name[position:]))
    return b"".join(pieces)


def _shift(text: str) -> bytes:
    data = base64.b64encode(text.encode("utf-16-be", "replace"))
    return b"&" + data.rstrip(b"=").replace(b"/", b",") + b"-"


def decode_mutf7(name: bytes) -> str:
    """Decode a name.

    Raises:
        ProtocolError: it is neither modified UTF-7 nor UTF-8.
    """
    if b"&" not in name:
        return _plain(name)
    pieces: list[str] = []
    position = 0
    for match in _SHIFTED.finditer(name):
        pieces.append(_unshifted(name[position : match.start()]))
        pieces.append(_unshift(match[1]) if match[1] else "&")
        position = match.end()
    return "".join([*pieces, _unshifted(name[position:])])


def _unshifted(name: bytes) -> str:
    if b"&" in name:
        raise ProtocolError("the mailbox name is not modified UTF-7")
    return _plain(name)


def _plain(name: bytes) -> str:
    try:
        # Many clients send UTF-8 where the standard has modified UTF-7.
        return name.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolError("the mailbox name is neither modified UTF-7 nor UTF-8") from error


def _unshift(text: bytes) -> str:
    try:
        data = base64.b64decode(text.replace(b",", b"/") + b"=" * (-len(text) % 4), validate=True)
        return data.decode("utf-16-be")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ProtocolError("the mailbox name is not modified UTF-7") from error
