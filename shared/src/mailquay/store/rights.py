"""Rights to a mailbox, as sets and as text (RFC 4314 §2). Pure, no I/O here.

The "create" right of RFC 2086 is taken as ``kx``, its "delete" as ``et`` (§2.1.1, the first group).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, Flag
from typing import Final

from mailquay.store.errors import Refused

__all__ = [
    "ALL_RIGHTS",
    "NO_RIGHTS",
    "ChangeKind",
    "InvalidRights",
    "Rights",
    "RightsChange",
    "effective_rights",
    "format_rights",
    "parse_rights",
    "parse_rights_change",
    "settable_flags",
]


class Rights(Flag):
    """The standard rights (RFC 4314 §2.1), as the bits that the store keeps."""

    LOOKUP = 1
    READ = 2
    SEEN = 4
    WRITE = 8
    INSERT = 16
    POST = 32
    CREATE = 64
    DELETE_MAILBOX = 128
    DELETE_MESSAGES = 256
    EXPUNGE = 512
    ADMINISTER = 1024


NO_RIGHTS: Final = Rights(0)
ALL_RIGHTS: Final = ~NO_RIGHTS

#: Each right's letter, in the RFC's order, which is the one that they are told in.
_LETTERS: Final = dict(zip("lrswipkxtea", Rights, strict=True))
#: Rights of RFC 2086, told where one of their members is there, and standing for all of them.
_VIRTUAL: Final = {
    "c": Rights.CREATE | Rights.DELETE_MAILBOX,
    "d": Rights.DELETE_MESSAGES | Rights.EXPUNGE,
}


class InvalidRights(Refused):
    """The text names what is no right."""


class ChangeKind(Enum):
    """What becomes of the rights that are there (RFC 4314 §3.1)."""

    ADD = "+"
    REMOVE = "-"
    REPLACE = "="


@dataclass(frozen=True, slots=True)
class RightsChange:
    """What SETACL asks for."""

    kind: ChangeKind
    rights: Rights

    def apply(self, rights: Rights) -> Rights:
        """The rights after the change."""
        match self.kind:
            case ChangeKind.ADD:
                return rights | self.rights
            case ChangeKind.REMOVE:
                return rights & ~self.rights
            case ChangeKind.REPLACE:
                return self.rights


def parse_rights(text: str) -> Rights:
    """The rights that a text lists, ``c`` and ``d`` among them; "" is none.

    Raises:
        InvalidRights: a character is no right; capitals are none (RFC 4314 §2).
    """
    rights = NO_RIGHTS
    for letter in text:
        member = _LETTERS.get(letter) or _VIRTUAL.get(letter)
        if member is None:
            raise InvalidRights(f"{letter!r} is no right; rights are any of lrswipkxteacd")
        rights |= member
    return rights


def parse_rights_change(text: str) -> RightsChange:
    """What SETACL's third argument asks for: rights, after ``+``, ``-`` or nothing (§3.1).

    ``=`` says in a word what nothing says.

    Raises:
        InvalidRights: a character is no right.
    """
    if text[:1] in ("+", "-", "="):
        return RightsChange(ChangeKind(text[0]), parse_rights(text[1:]))
    return RightsChange(ChangeKind.REPLACE, parse_rights(text))


def format_rights(rights: Rights, *, with_virtual: bool = True) -> str:
    """The letters of rights in the RFC's order.

    Args:
        rights: which.
        with_virtual: ``c`` and ``d`` too where one of their members is there, as MYRIGHTS and ACL
            must tell them (RFC 4314 §2.1.1).
    """
    letters = [letter for letter, right in _LETTERS.items() if right in rights]
    if with_virtual:
        letters += [letter for letter, members in _VIRTUAL.items() if members & rights]
    return "".join(letters)


def effective_rights(positive: Iterable[Rights], negative: Iterable[Rights]) -> Rights:
    """What all entries that apply to someone grant, without what any of them takes (§2)."""
    rights = NO_RIGHTS
    for granted in positive:
        rights |= granted
    for taken in negative:
        rights &= ~taken
    return rights


def settable_flags(rights: Rights) -> int:
    r"""The bits of `store.types.Flag` that may be set: \Seen by s, \Deleted by t, others by w."""
    seen = 1 if Rights.SEEN in rights else 0
    deleted = 8 if Rights.DELETE_MESSAGES in rights else 0
    others = 2 | 4 | 16 if Rights.WRITE in rights else 0
    return seen | deleted | others
