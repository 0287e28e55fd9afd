"""The flags that a client wants to set, as bits and keywords (RFC 9051 §2.3.2)."""

from collections.abc import Sequence
from typing import Final

from mailquay_imap.protocol.format import parse_flags
from mailquay_imap.replies import Bad, No

__all__ = ["require_flags"]

#: Keywords of one command; and characters of one, as JMAP has it (RFC 8621 §4.1.1).
KEYWORDS_MAX: Final = 100
KEYWORD_MAX_CHARACTERS: Final = 255


def require_flags(names: Sequence[str]) -> tuple[int, tuple[str, ...]]:
    """Bits and keywords.

    Raises:
        Bad: one begins with a backslash and is none of the system's.
        No: there are too many, or one is too long.
    """
    flags, keywords, unknown = parse_flags(names)
    if unknown is not None:
        raise Bad(f"the flag {unknown[:40]} is not known")
    if len(keywords) > KEYWORDS_MAX:
        raise No(f"at most {KEYWORDS_MAX} keywords at once", code="LIMIT")
    if any(len(keyword) > KEYWORD_MAX_CHARACTERS for keyword in keywords):
        raise No(f"a keyword has at most {KEYWORD_MAX_CHARACTERS} characters", code="LIMIT")
    return flags, keywords
