"""Command lines: paths and parameters (RFC 5321 §4.1.1, §4.1.2; RFC 6531 §3.3). Pure."""

import re
from dataclasses import dataclass, field
from typing import Final

__all__ = ["ParameterFault", "PathArgument", "PathFault", "SyntaxFault", "parse_path"]

#: RFC 5321 §4.5.3.1.3 asks for 256; what names its own sender in itself may be longer.
PATH_MAX_CHARACTERS: Final = 512
PARAMETERS_MAX: Final = 20
#: What an error repeats of what the client sent.
_QUOTE_MAX: Final = 40

#: ``[A-d-l ":"] Mailbox``: the source route is read and ignored (RFC 5321 §4.1.1.3). A quoted
#: local part may hold anything; of others it is judged later whether they are addresses.
_PATH: Final = re.compile(
    r'[ \t]*<(?:@[^<>\s":]*:)?((?:"(?:[^"\\]|\\.)*"|[^<>"\s@]+)?(?:@[^<>\s"@]*)?)>(?:[ \t]+(\S.*))?'
)
#: Without brackets: outside the standard, and what old programs send.
_BARE: Final = re.compile(r'[ \t]*([^<>\s"@]+@[^<>\s"@]+)(?:[ \t]+(\S.*))?')
#: esmtp-param; a value is any character but space, ``=`` and controls.
_PARAMETER: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^\s=\x00-\x1f\x7f]+))?")


class SyntaxFault(Exception):
    """The argument is none; the message says what was wrong."""


class PathFault(SyntaxFault):
    """The path is none."""


class ParameterFault(SyntaxFault):
    """The path is one; a parameter behind it is not."""


@dataclass(frozen=True, slots=True)
class PathArgument:
    """A path without its brackets (empty: ``<>``) and its parameters by upper-case name."""

    address: str
    parameters: dict[str, str] = field(default_factory=dict)


def parse_path(argument: str, keyword: str) -> PathArgument:
    """Read ``FROM:<path> …`` or ``TO:<path> …``.

    ``argument`` holds no line ends and no other controls.

    Raises:
        PathFault, ParameterFault
    """
    if argument[: len(keyword)].upper() != keyword:
        raise PathFault(f"expected {keyword}<address>")
    rest = argument[len(keyword) :].rstrip(" \t")
    match = _PATH.fullmatch(rest) or _BARE.fullmatch(rest)
    if match is None:
        raise PathFault(f"malformed address, expected {keyword}<address>")
    if len(match[1]) > PATH_MAX_CHARACTERS:
        raise PathFault("the address is too long")
    return PathArgument(match[1], _parameters(match[2] or ""))


def _parameters(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    words = text.split()
    if len(words) > PARAMETERS_MAX:
        raise ParameterFault("too many parameters")
    for word in words:
        match = _PARAMETER.fullmatch(word)
        if match is None:
            raise ParameterFault(f"malformed parameter {word[:_QUOTE_MAX]!r}")
        name = match[1].upper()
        if name in found:
            raise ParameterFault(f"the parameter {name[:_QUOTE_MAX]} is given twice")
        found[name] = match[2] or ""
    return found
