"""Answers as bytes (RFC 9051 §7). Pure."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from mailquay.message.envelope import string
from mailquay.store.types import Flag
from mailquay_imap.protocol.mutf7 import encode_mutf7

__all__ = [
    "FLAG_NAMES", "binary_string", "body_string", "flags_text", "mailbox_name", "parse_flags",
    "response_text", "system_flag",
]  # fmt: skip

_FLAGS: Final = {
    "\\answered": Flag.ANSWERED,
    "\\flagged": Flag.FLAGGED,
    "\\deleted": Flag.DELETED,
    "\\seen": Flag.SEEN,
    "\\draft": Flag.DRAFT,
}
_NAMES: Final = (
    (int(Flag.ANSWERED), b"\\Answered"),
    (int(Flag.FLAGGED), b"\\Flagged"),
    (int(Flag.DELETED), b"\\Deleted"),
    (int(Flag.SEEN), b"\\Seen"),
    (int(Flag.DRAFT), b"\\Draft"),
)
#: All system flags but ``\Recent``, as FLAGS lists them.
FLAG_NAMES: Final = b" ".join(name for _, name in _NAMES)
_SYSTEM_TEXT: Final = [
    b" ".join(name for bit, name in _NAMES if flags & bit) for flags in range(32)
]
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def system_flag(name: str) -> int:
    """The bit of a system flag; 0 when it is none that a client may set."""
    return int(_FLAGS.get(name.lower(), 0))


def parse_flags(names: Iterable[str]) -> tuple[int, tuple[str, ...], str | None]:
    r"""Bits, keywords, and the first flag that cannot be set; ``\Recent`` is passed over."""
    bits = 0
    keywords: dict[str, str] = {}
    for name in names:
        if not name.startswith("\\"):
            keywords.setdefault(name.lower(), name)
        elif bit := system_flag(name):
            bits |= bit
        elif name.lower() != "\\recent":
            return bits, tuple(keywords.values()), name
    return bits, tuple(keywords.values()), None


def flags_text(flags: int, keywords: Sequence[str], *, recent: bool = False) -> bytes:
    """Flags in parentheses, as FETCH shows them."""
    text = _SYSTEM_TEXT[flags & 31]
    if recent:
        text = text + b" \\Recent" if text else b"\\Recent"
    if keywords:
        words = " ".join(keywords).encode()
        text = text + b" " + words if text else words
    return b"(" + text + b")"


def body_string(data: bytes | None) -> bytes:
    """A BODY section: a literal; NIL when there is no such part (``nstring``, RFC 9051 §9).

    NUL has no place in a literal (CHAR8). It is shown as 0x80, as other servers do, so that
    sizes and offsets stay true; BINARY gives the bytes as they are.
    """
    if data is None:
        return b"NIL"
    if not data:
        return b'""'
    return b"{%d}\r\n" % len(data) + (data.replace(b"\0", b"\x80") if b"\0" in data else data)


def binary_string(data: bytes | None) -> bytes:
    """A BINARY section: a literal, or a literal8 where it holds NUL (RFC 9051 §7.5.2)."""
    if data is None:
        return b"NIL"
    if not data:
        return b'""'
    return (b"~{%d}\r\n" if b"\0" in data else b"{%d}\r\n") % len(data) + data


def mailbox_name(name: str, *, is_utf8: bool) -> bytes:
    """A mailbox name: UTF-8 in quotes for IMAP4rev2, modified UTF-7 else."""
    if name == "INBOX":
        return b"INBOX"
    if not is_utf8:
        return string(encode_mutf7(name))
    data = name.encode("utf-8", "replace").replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return b'"' + data + b'"'


def response_text(text: str, *, is_utf8: bool) -> bytes:
    """The text of a status response: one line, in ASCII before IMAP4rev2 (RFC 9051 §9, text)."""
    line = _CONTROLS.sub(" ", text)
    return line.encode("utf-8") if is_utf8 else line.encode("ascii", "replace")
