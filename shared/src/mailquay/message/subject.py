"""The base subject, by which threads and sorting know a subject (RFC 5256 §2.1). No I/O here."""

import re
from typing import Final

__all__ = ["base_subject", "is_reply_or_forward"]

_SPACE: Final = re.compile(r"[ \t\r\n]+")
_BLOB: Final = re.compile(r"\[[^\[\]]*\] ?")
_REFWD: Final = re.compile(r"(?:re|fwd?) ?(?:\[[^\[\]]*\] ?)?:", re.IGNORECASE)
_FWD_WRAP: Final = re.compile(r"\[fwd:(.*)\]\Z", re.IGNORECASE | re.DOTALL)
#: A subject has few prefixes; one that has thousands is an attack.
_PREFIXES_MAX: Final = 100


def base_subject(subject: str) -> str:
    """Take "Re:", "Fwd:", "[list]" and "(fwd)" off a decoded subject, as RFC 5256 §2.1 orders."""
    return _reduce(subject)[0]


def is_reply_or_forward(subject: str) -> bool:
    """Whether a decoded subject says so: anything but "[list]" was taken off (RFC 5256 §3)."""
    return _reduce(subject)[1]


def _reduce(subject: str) -> tuple[str, bool]:
    """The base, and whether what was taken off means a reply or a forward."""
    text = _SPACE.sub(" ", subject[:2000]).strip()
    is_reply = False
    for _ in range(_PREFIXES_MAX):
        stripped = _strip_trailer(text)
        is_reply |= stripped != text
        text, changed, has_mark = _strip_leaders(stripped)
        is_reply |= has_mark
        if match := _FWD_WRAP.match(text):  # (6)
            text = match[1].strip()
            changed = is_reply = True
        if not changed:
            break
    return text, is_reply


def _strip_trailer(text: str) -> str:
    """(2): trailing ``(fwd)`` and space."""
    while text.lower().endswith("(fwd)"):
        text = text[:-5].rstrip()
    return text.rstrip()


def _strip_leaders(text: str) -> tuple[str, bool, bool]:
    """(3) to (5): leading reply and forward marks with blobs before them, then lone blobs.

    Returns:
        What is left, whether anything was taken off, and whether there was such a mark.
    """
    changed = has_mark = False
    for _ in range(_PREFIXES_MAX):
        text = text.lstrip()
        position = 0
        while match := _BLOB.match(text, position):
            position = match.end()
        if match := _REFWD.match(text, position):
            text = text[match.end() :]
            changed = has_mark = True
            continue
        match = _BLOB.match(text)
        if match and text[match.end() :].strip():
            text, changed = text[match.end() :], True
            continue
        break
    return text.strip(), changed, has_mark
