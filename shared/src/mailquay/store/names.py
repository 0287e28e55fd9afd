"""Mailbox names in their one form (RFC 9051 §5.1). Pure, no I/O here."""

import unicodedata
from typing import Final

from mailquay.store.errors import Refused

__all__ = ["DELIMITER", "canonical_name", "normalise_name", "normalise_personal_name"]

DELIMITER: Final = "/"
#: A whole path, in characters; and how deep it may go.
NAME_MAX_CHARACTERS: Final = 1000
LEVELS_MAX: Final = 50
#: First levels, in lower case, below which others' mailboxes are (RFC 2342 §5).
_OF_OTHERS: Final = frozenset(("other users", "public folders"))
_FORBIDDEN: Final = frozenset(("Cc", "Cs", "Zl", "Zp"))


def canonical_name(name: str) -> str:
    """The form in which a name is looked up: NFC, INBOX in capitals, no delimiter at its end."""
    name = unicodedata.normalize("NFC", name).removesuffix(DELIMITER)
    first, delimiter, rest = name.partition(DELIMITER)
    # In ASCII alone: a dotless i is I in capitals too, and no letter of this name.
    is_inbox = first.isascii() and first.upper() == "INBOX"
    return f"INBOX{delimiter}{rest}" if is_inbox else name


def normalise_name(name: str) -> str:
    """A mailbox's whole path in its one form, for a name that is to be.

    Raises:
        Refused: it is empty, too long, too deep, or holds controls or empty levels.
    """
    name = canonical_name(name)
    require_size(len(name), name.count(DELIMITER) + 1)
    if any(level in ("", ".", "..") for level in name.split(DELIMITER)):
        raise Refused("a mailbox name may have no empty level")
    if any(unicodedata.category(c) in _FORBIDDEN for c in name):
        raise Refused("a mailbox name may hold no control characters")
    return name


def normalise_personal_name(name: str) -> str:
    """`normalise_name`, for a mailbox that an account is to have itself.

    Raises:
        Refused: as there; or it would hide what others share.
    """
    name = normalise_name(name)
    if name.partition(DELIMITER)[0].lower() in _OF_OTHERS:
        raise Refused("that name is kept for mailboxes that others share")
    return name


def require_size(characters: int, levels: int) -> None:
    """Refuse a name that is too long or too deep.

    Raises:
        Refused: it is.
    """
    if not 1 <= characters <= NAME_MAX_CHARACTERS or levels > LEVELS_MAX:
        raise Refused("a mailbox name must have 1 to 1000 characters in at most 50 levels")
