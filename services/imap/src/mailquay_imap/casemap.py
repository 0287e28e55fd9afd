"""The comparator ``i;unicode-casemap`` (RFC 5051), by which texts are compared. Pure."""

import unicodedata

__all__ = ["casemap"]


def casemap(text: str) -> str:
    """A text as it is compared: without regard to case, decomposed, so that "e" is in "é".

    RFC 5051 §2 maps one character to one. This is Unicode's full mapping, by which what the RFC
    holds equal is equal, and "ß" is "SS" as well.
    """
    if text.isascii():
        return text.upper()
    return unicodedata.normalize("NFKD", text).upper()
