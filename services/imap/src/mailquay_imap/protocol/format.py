"""Answers as bytes (RFC 9051 §7). Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

from mailquay.message.envelope import string
from mailquay.store.types import Flag
from mailquay_imap.protocol.mutf7 import encode_mutf7

__all__ = [
    "SYSTEM_FLAGS", "astring", "flags_text", "literal", "mailbox_name", "parse_flags", "quoted",
    "system_flag",
]  # fmt: skip

SYSTEM_FLAGS: Final = {
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
_SYSTEM_TEXT: Final = [
    b" ".join(name for bit, name in _NAMES if flags & bit) for flags in range(32)
]


def system_flag(name: str) -> int:
    """The bit of a system flag; 0 when it is none that a client may set."""
    return int(SYSTEM_FLAGS.get(name.lower(), 0))


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


def literal(data: bytes) -> bytes:
    """A literal; ``~{}`` where it holds NUL (RFC 9051 §4.3.1)."""
    return (b"~{%d}\r\n" if b"\0" in data else b"{%d}\r\n") % len(data) + data


def quoted(text: str) -> bytes:
    """A string of any text: quoted, or a literal where it cannot be."""
    return string(text.encode("utf-8", "replace"))


def astring(data: bytes) -> bytes:
    """A string that is never an atom: no client is surprised by it."""
    return string(data)


def mailbox_name(name: str, *, is_utf8: bool) -> bytes:
    """A mailbox name: UTF-8 in quotes for IMAP4rev2, modified UTF-7 else."""
    if is_utf8:
        data = name.encode("utf-8", "replace").replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        return b'"' + data + b'"'
    encoded = encode_mutf7(name)
    if encoded.isalnum():
        return encoded
    return string(encoded)
