"""Bodies that hold NUL, made into text: IMAP can send them no other way (RFC 9051 §7.5.2).

No I/O here.
"""

import base64
from typing import Final

from mailquay.message.header import Header
from mailquay.message.message import scan
from mailquay.message.parts import Part

__all__ = ["encode_nul"]

_IDENTITY: Final = frozenset({"7bit", "8bit", "binary"})
_FIELD: Final = b"Content-Transfer-Encoding: base64\r\n"


def encode_nul(raw: bytes) -> bytes:
    """The message with base64 for the bodies that hold NUL and are not encoded.

    Nothing else is changed, and no content: what undoes the transfer encoding finds the same bytes.
    NUL in a header, or around the parts of a multipart, stays.
    """
    if b"\0" not in raw:
        return raw
    root = scan(raw).root
    pieces: list[bytes] = []
    position = 0
    for _, part in root.walk():
        if _is_encodable(part) and raw.find(b"\0", part.body_start, part.body_end) >= 0:
            body = base64.encodebytes(raw[part.body_start : part.body_end])
            header = _header(raw, part, is_root=part is root)
            pieces += [raw[position : part.header_start], header, body.replace(b"\n", b"\r\n")]
            position = part.body_end
    return b"".join([*pieces, raw[position:]])


def _is_encodable(part: Part) -> bool:
    """Whether base64 is allowed: not around other parts (RFC 2045 §6.4)."""
    return part.type not in ("multipart", "message") and part.encoding in _IDENTITY


def _header(raw: bytes, part: Part, *, is_root: bool) -> bytes:
    """The part's header with the new encoding in place of the old one."""
    header = Header(raw, part.header_start, part.body_start)
    pieces: list[bytes] = []
    position = part.header_start
    has_version = False
    for field in header:
        name = field.name.lower()
        has_version = has_version or name == b"mime-version"
        if name == b"content-transfer-encoding":
            pieces.append(raw[position : field.start])
            position = field.end
    pieces.append(raw[position : part.body_start])
    text = b"".join(pieces)
    blank = b"\r\n" if text.endswith(b"\r\n") else b"\n"
    version = b"MIME-Version: 1.0\r\n" if is_root and not has_version else b""
    return text.removesuffix(blank) + version + _FIELD + blank
