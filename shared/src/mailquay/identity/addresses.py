"""Mail addresses in the one form that is compared and stored. Pure.

Domains are A-labels in lower case (RFC 5890); local parts are case-insensitive here, as everywhere
that people type them.
"""

import unicodedata
from typing import Final

import idna

__all__ = ["AddressError", "normalise_address", "normalise_domain"]

#: RFC 5321 §4.5.3.1.
LOCAL_MAX_BYTES: Final = 64
ADDRESS_MAX_BYTES: Final = 254


class AddressError(ValueError):
    """That is no mail address, or no domain."""


def normalise_domain(domain: str) -> str:
    """A domain in A-labels, lower case, without its final dot.

    Raises:
        AddressError: it is none.
    """
    domain = domain.removesuffix(".")
    if domain.startswith("[") and domain.endswith("]"):
        return domain.lower()
    if domain.isascii():
        labels = domain.lower().split(".")
        is_name = all(
            0 < len(label) <= 63
            and label.replace("-", "").replace("_", "").isalnum()
            and label[0] != "-"
            and label[-1] != "-"
            for label in labels
        )
        if not is_name or len(domain) > 253:
            raise AddressError(f"{domain!r} is no domain")
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode()
    except (idna.IDNAError, UnicodeError) as error:
        raise AddressError(f"{domain!r} is no domain") from error


def normalise_address(address: str) -> str:
    """``Local@Domain`` in its one form.

    Raises:
        AddressError: it is no address.
    """
    local, at, domain = address.strip().rpartition("@")
    if not at or not local:
        raise AddressError(f"{address!r} is no mail address")
    if len(local) > 1 and local[0] == local[-1] == '"':
        local = _unquote(local[1:-1])
    local = unicodedata.normalize("NFC", local).lower()
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in local):
        raise AddressError(f"{address!r} holds control characters")
    normal = f"{local}@{normalise_domain(domain)}"
    if len(local.encode()) > LOCAL_MAX_BYTES or len(normal.encode()) > ADDRESS_MAX_BYTES:
        raise AddressError(f"{address!r} is too long")
    return normal


def _unquote(text: str) -> str:
    pieces = []
    escaped = False
    for character in text:
        if character == "\\" and not escaped:
            escaped = True
        else:
            pieces.append(character)
            escaped = False
    return "".join(pieces)
