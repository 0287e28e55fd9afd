"""The comparator ``i;unicode-casemap`` (RFC 5051), by which texts are compared. Pure."""

import unicodedata

__all__ = ["casemap"]


def casemap(text: str) -> str:
    """A text as it is compared: title case, then decomposed (RFC 5051 §2)."""
    if text.isascii():
        return text.upper()
    return unicodedata.normalize("NFKD", "".join(map(_title, text)))


def _title(character: str) -> str:
    """The simple mapping: one character is one, as UnicodeData has it."""
    title = character.title()
    return title if len(title) == 1 else character
