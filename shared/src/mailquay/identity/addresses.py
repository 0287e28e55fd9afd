"""Mail addresses in the one form that is compared and stored. Pure.

Domains are A-labels in lower case (RFC 5890); local parts are case-insensitive here, as everywhere
that people type them, and only here: elsewhere their case may matter (RFC 5321 §2.4). A local part
is quoted where it must be and nowhere else, so that an address can be put into a path or a field
as it is.
"""

import ipaddress
import re
import unicodedata
from typing import Final

import idna

__all__ = [
    "AddressError",
    "envelope_address",
    "normalise_address",
    "normalise_domain",
    "split_address",
]

#: RFC 5321 §4.5.3.1.3, without the brackets. Its 64 bytes for a local part are not asked for:
#: SRS and VERP make longer ones, and they are real.
ADDRESS_MAX_BYTES: Final = 254
_DOMAIN_MAX: Final = 253
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
#: Dot-string (RFC 5321 §4.1.2, RFC 6531 §3.3), but dots may stand anywhere: some operators gave
#: such addresses to millions.
_DOT_STRING: Final = re.compile(r'[^\s"(),:;<>@\[\\\]\x00-\x1f\x7f]+')
#: Quoted-string's content: anything but what would end it.
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)+)"')
_QUOTED_PAIR: Final = re.compile(r"\\(.)")
_SPECIAL: Final = re.compile(r'(["\\])')
#: Controls, lone surrogates, and what ends a line.
_FORBIDDEN_CATEGORIES: Final = frozenset(("Cc", "Cs", "Zl", "Zp"))


class AddressError(ValueError):
    """That is no mail address, or no domain."""


def normalise_domain(domain: str) -> str:
    """A domain in A-labels, lower case, without its final dot; or an address literal.

    Raises:
        AddressError: it is none.
    """
    if domain.startswith("[") and domain.endswith("]"):
        return _normalise_literal(domain[1:-1])
    name = domain.removesuffix(".")
    if not name.isascii() and len(name) <= _DOMAIN_MAX:
        try:
            name = idna.encode(name, uts46=True).decode()
        except (idna.IDNAError, UnicodeError) as error:
            raise AddressError(f"{domain!r} is no domain") from error
    name = name.lower()
    if len(name) > _DOMAIN_MAX or not all(map(_LABEL.fullmatch, name.split("."))):
        raise AddressError(f"{domain[:_DOMAIN_MAX]!r} is no domain")
    return name


def _normalise_literal(text: str) -> str:
    """``[192.0.2.1]`` or ``[IPv6:2001:db8::1]`` (RFC 5321 §4.1.3)."""
    tag, colon, rest = text.partition(":")
    try:
        if colon and tag.lower() == "ipv6" and "%" not in rest:
            return f"[IPv6:{ipaddress.IPv6Address(rest)}]"
        return f"[{ipaddress.IPv4Address(text)}]"
    except ValueError as error:
        raise AddressError(f"[{text[:_DOMAIN_MAX]}] is no address literal") from error


def split_address(address: str) -> tuple[str, str]:
    """Local part without its quotes, in NFC and its own case; and the normalised domain.

    Raises:
        AddressError: it is no address.
    """
    local, at, domain = address.strip().rpartition("@")
    if match := _QUOTED.fullmatch(local):
        local = _QUOTED_PAIR.sub(r"\1", match[1])
    elif not at or not _DOT_STRING.fullmatch(local):
        raise AddressError(f"{address[:ADDRESS_MAX_BYTES]!r} is no mail address")
    if any(unicodedata.category(c) in _FORBIDDEN_CATEGORIES for c in local):
        raise AddressError(f"{address[:ADDRESS_MAX_BYTES]!r} holds control characters")
    return unicodedata.normalize("NFC", local), normalise_domain(domain)


def normalise_address(address: str) -> str:
    """``Local@Domain`` in the one form that is compared.

    Raises:
        AddressError: it is no address.
    """
    local, domain = split_address(address)
    return _join(unicodedata.normalize("NFC", local.lower()), domain)


def envelope_address(address: str) -> str:
    """An address as it travels: the local part's case is for its own server to judge.

    Raises:
        AddressError: it is no address.
    """
    return _join(*split_address(address))


def _join(local: str, domain: str) -> str:
    if not _DOT_STRING.fullmatch(local):
        local = '"' + _SPECIAL.sub(r"\\\1", local) + '"'
    address = f"{local}@{domain}"
    if len(address.encode()) > ADDRESS_MAX_BYTES:
        raise AddressError(f"{address[:ADDRESS_MAX_BYTES]!r}… is too long")
    return address
