"""Keywords: the flags of IMAP as JMAP names them (RFC 8621 §4.1.1). No I/O here."""

import re
from collections.abc import Iterable
from typing import Final

from mailquay.store.email_conditions import HasKeyword
from mailquay.store.types import Flag

__all__ = ["KEYWORDS_MAX", "SYSTEM", "has_keyword", "show_keywords", "split_keywords", "valid"]

#: Keywords of one email; as many as IMAP lets a client set.
KEYWORDS_MAX: Final = 100

#: The four that IMAP has as system flags.
SYSTEM: Final[dict[str, int]] = {
    "$seen": int(Flag.SEEN),
    "$answered": int(Flag.ANSWERED),
    "$flagged": int(Flag.FLAGGED),
    "$draft": int(Flag.DRAFT),
}
_KEYWORD: Final = re.compile(r"[!#$&'+,\-./0-9:;<=>?@A-Z\[^_`a-z|}~]{1,255}")


def valid(keyword: object) -> bool:
    r"""Whether it is 1 to 255 characters of %x21-7e without ``( ) { ] % * " \``."""
    return isinstance(keyword, str) and _KEYWORD.fullmatch(keyword) is not None


def show_keywords(flags: int, keywords: Iterable[str]) -> dict[str, bool]:
    """``keywords`` of an Email, all in lower case."""
    shown = {name: True for name, bit in SYSTEM.items() if flags & bit}
    return shown | {word.lower(): True for word in keywords}


def split_keywords(keywords: Iterable[str]) -> tuple[int, tuple[str, ...]]:
    """Flag bits, and the keywords that are none, in lower case and each once."""
    flags = 0
    words: dict[str, None] = {}
    for keyword in keywords:
        word = keyword.lower()
        if word in SYSTEM:
            flags |= SYSTEM[word]
        else:
            words[word] = None
    return flags, tuple(words)


def has_keyword(keyword: str) -> HasKeyword:
    """The condition that an email has it."""
    return HasKeyword(SYSTEM.get(keyword.lower(), 0), keyword)
