"""Command lines: verbs, paths and parameters (RFC 5321 §4.1.1, §4.1.2; RFC 6531). Pure."""

import re
from dataclasses import dataclass, field
from typing import Final

__all__ = ["PathArgument", "SyntaxFault", "parse_path"]

#: RFC 5321 §4.5.3.1.3, and room for the parameters of extensions.
PATH_MAX_BYTES: Final = 512
PARAMETERS_MAX: Final = 20

#: A quoted local part may hold ">" and spaces; anything else may not.
_PATH: Final = re.compile(
    r'\s*<(?:@[^<>\s:]*:)?((?:"(?:[^"\\\r\n]|\\.)*"|[^<>"\s@])*(?:@[^<>\s"@]+)?)>(?:\s+(\S.*))?\s*'
)
#: Without brackets: outside the standard, and what old programs send.
_BARE: Final = re.compile(r"\s*([^<>\s\"@]+@[^<>\s\"@]+)(?:\s+(\S.*))?\s*")
_PARAMETER: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^\s=\x00-\x1f\x7f]+))?")


class SyntaxFault(Exception):
    """The argument is none; the message says what was wrong."""


@dataclass(frozen=True, slots=True)
class PathArgument:
    """A path without its brackets (empty: ``<>``) and its parameters by upper-case name."""

    address: str
    parameters: dict[str, str] = field(default_factory=dict)


def parse_path(argument: str, keyword: str) -> PathArgument:
    """Read ``FROM:<path> …`` or ``TO:<path> …``; a source route is dropped (RFC 5321 §C).

    Raises:
        SyntaxFault: it is none.
    """
    if argument[: len(keyword)].upper() != keyword:
        raise SyntaxFault(f"expected {keyword}<address>")
    rest = argument[len(keyword) :]
    if len(rest) > PATH_MAX_BYTES + 512:
        raise SyntaxFault("the path is too long")
    match = _PATH.fullmatch(rest) or _BARE.fullmatch(rest)
    if match is None:
        raise SyntaxFault(f"malformed address, expected {keyword}<address>")
    address, text = match[1], match[2]
    if address and "@" not in address and address.lower() != "postmaster":
        raise SyntaxFault("the address has no domain")
    return PathArgument(address, _parameters(text) if text else {})


def _parameters(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    words = text.split()
    if len(words) > PARAMETERS_MAX:
        raise SyntaxFault("too many parameters")
    for word in words:
        match = _PARAMETER.fullmatch(word)
        if match is None:
            raise SyntaxFault(f"malformed parameter {word[:40]!r}")
        name = match[1].upper()
        if name in found:
            raise SyntaxFault(f"the parameter {name} is given twice")
        found[name] = match[2] or ""
    return found
