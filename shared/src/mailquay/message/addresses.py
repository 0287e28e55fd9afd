"""Address lists in header fields (RFC 5322 §3.4, RFC 6854, RFC 6532). No I/O here.

Read leniently, as mail has them: encoded words in quoted strings, missing brackets, stray commas,
routes, unclosed quotes. Display names stay raw in `Address.raw_name` (what ENVELOPE shows) and
decoded in `Address.name`.
"""

import re
from dataclasses import dataclass
from typing import Final

from mailquay.message.words import decode_words, encode_words

__all__ = ["Address", "Group", "flatten", "format_address", "parse_address_list"]

#: Addresses of one field at most; a field with more is cut here.
ADDRESSES_MAX: Final = 10_000

#: An address as most are written, up to the comma behind it. Nothing is given back once it is
#: matched, so that a run of spaces is read once.
_ADDRESS: Final = re.compile(
    r"(?:[ \t]*+\"([^\"\\]*+)\"[ \t]*+|([^\"\\<>@,;:()\[\]]*+))"
    r"<([^\"\\<>@,;:()\[\]\s]++)@([^\"\\<>@,;:()\[\]\s]++)>[ \t]*+(?:,|\Z)"
    r"|[ \t]*+([^\"\\<>@,;:()\[\]\s]++)@([^\"\\<>@,;:()\[\]\s]++)[ \t]*+(?:,|\Z)"
)
_TOKEN: Final = re.compile(
    r"\"((?:[^\"\\]|\\.)*)(?:\"|\Z)"  # 1: quoted string
    r"|(\[(?:[^\]\\]|\\.)*(?:\]|\Z))"  # 2: domain literal
    r"|([<>@,;:.])"  # 3: special
    r"|([^\"\[<>@,;:.()\s]+)"  # 4: atom
    r"|([ \t\r\n]+)"  # 5: space
    r"|(.)",  # 6: anything else, a lone bracket
    re.DOTALL,
)
_QUOTED_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)
_ATOM: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+")
_DOT_ATOM: Final = re.compile(rf"{_ATOM.pattern}(?:\.{_ATOM.pattern})*")


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox; ``raw_name`` is its display name with encoded words as they stand."""

    raw_name: str
    local: str
    domain: str

    @property
    def name(self) -> str:
        """The display name as text; empty when there is none."""
        return decode_words(self.raw_name.encode("utf-8", "surrogateescape"))

    @property
    def addr_spec(self) -> str:
        """``local@domain``, the local part quoted where it must be; ``local`` without a domain."""
        local = self.local
        if local and not _DOT_ATOM.fullmatch(local):
            local = '"' + local.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return f"{local}@{self.domain}" if self.domain else local


@dataclass(frozen=True, slots=True)
class Group:
    """A named group of mailboxes (RFC 5322 §3.4), perhaps an empty one."""

    raw_name: str
    members: tuple[Address, ...]

    @property
    def name(self) -> str:
        """The group's name as text."""
        return decode_words(self.raw_name.encode("utf-8", "surrogateescape"))


def parse_address_list(value: bytes | str) -> tuple[Address | Group, ...]:
    """Read an unfolded address list; what makes no sense is left out, nothing raises."""
    text = value if isinstance(value, str) else value.decode("utf-8", "surrogateescape")
    found: list[Address] = []
    position, end = 0, len(text)
    while position < end:
        match = _ADDRESS.match(text, position)
        if match is None or len(found) >= ADDRESSES_MAX:
            return _Parser(text).parse()
        quoted, words, local, domain, bare_local, bare_domain = match.groups()
        if bare_local is not None:
            found.append(Address("", bare_local, bare_domain))
        else:
            name = " ".join(words.split()) if quoted is None else quoted.strip()
            found.append(Address(name, local, domain))
        position = match.end()
    return tuple(found)


def flatten(addresses: tuple[Address | Group, ...]) -> list[Address]:
    """All mailboxes, those of groups too."""
    flat: list[Address] = []
    for address in addresses:
        flat += address.members if isinstance(address, Group) else [address]
    return flat


def format_address(name: str, addr_spec: str) -> str:
    """Write ``name <addr_spec>`` for a header field, the name quoted or encoded as needed."""
    if not name:
        return addr_spec
    if not name.isascii():
        return f"{encode_words(name)} <{addr_spec}>"
    name = "".join(c for c in name if c.isprintable())
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+", name):
        name = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{name} <{addr_spec}>"


class _Parser:
    """One pass over the tokens: words pile up until a special character says what they were."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: list[Address | Group] = []
        self._group: str | None = None
        self._members: list[Address] = []
        self._clear()

    def _clear(self) -> None:
        self._words: list[str] = []  # the display name, or the local part so far
        self._local: str | None = None
        self._domain: list[str] = []
        self._is_over = False  # two words with no dot between them: the second is nobody's
        self._in_angle = False
        self._angle_done = False
        self._name: str = ""
        self._comment = ""

    def parse(self) -> tuple[Address | Group, ...]:
        position, end = 0, len(self._text)
        while position < end and len(self._found) + len(self._members) < ADDRESSES_MAX:
            if self._text[position] == "(":
                position = self._skip_comment(position)
                continue
            match = _TOKEN.match(self._text, position)
            assert match is not None, "the token pattern matches any character"
            position = match.end()
            if match[1] is not None:
                self._word(_QUOTED_PAIR.sub(r"\1", match[1]))
            elif match[2] is not None:
                self._word(match[2])
            elif match[3] is not None:
                self._special(match[3])
            elif match[4] is not None:
                self._word(match[4])
            elif match[5] is not None and self._words:
                self._words.append(" ")
        self._finish()
        if self._group is not None:
            self._end_group()
        return tuple(self._found)

    def _skip_comment(self, start: int) -> int:
        depth, position, end = 0, start, len(self._text)
        while position < end:
            character = self._text[position]
            if character == "\\":
                position += 1
            elif character == "(":
                depth += 1
            elif character == ")":
                depth -= 1
                if depth == 0:
                    self._comment = self._text[start + 1 : position]
                    return position + 1
            position += 1
        return end

    def _word(self, word: str) -> None:
        if self._angle_done:
            return
        if self._local is not None:
            self._is_over = self._is_over or self._domain[-1:] not in ([], ["."], ["@"])
            self._extend_domain(word)
        else:
            self._words.append(word)

    def _extend_domain(self, text: str) -> None:
        if not self._is_over:
            self._domain.append(text)

    def _special(self, special: str) -> None:
        match special:
            case ".":
                self._dot()
            case "@":
                self._at()
            case "<":
                self._name = "".join(self._words).strip()
                self._words, self._local, self._domain = [], None, []
                self._in_angle, self._angle_done, self._is_over = True, False, False
            case ">":
                self._angle_done = self._in_angle
            case ",":
                if self._in_angle and not self._angle_done and self._local == "":
                    self._local, self._domain, self._is_over = None, [], False  # <@a,@b:c@d>
                else:
                    self._finish()
            case ":":
                self._colon()
            case _:
                self._finish()
                if self._group is not None:
                    self._end_group()

    def _dot(self) -> None:
        if self._local is not None:
            self._extend_domain(".")
        else:
            self._words.append(".")

    def _at(self) -> None:
        if self._angle_done:
            return
        if self._local is not None:
            self._extend_domain("@")  # a domain that cannot be, rather than another one
            return
        words = _without_space_at_dots(self._words)
        if not self._in_angle and " " in words:
            # "Jane Doe jane@example.org": the last word is the local part, which may be quoted.
            cut = len(words) - words[::-1].index(" ")
            self._name, words = "".join(words[:cut]).strip(), words[cut:]
        self._local = "".join(words).strip()
        self._words = []

    def _colon(self) -> None:
        if self._in_angle:
            self._local, self._domain, self._words = None, [], []  # the end of a route
            self._is_over = False
        elif self._group is None and self._local is None:
            self._group = "".join(self._words).strip()
            self._clear()

    def _finish(self) -> None:
        if self._local is not None:
            name = self._name or self._comment
            address = Address(name, self._local, "".join(self._domain))
        elif self._in_angle and (local := "".join(self._words).strip()):
            address = Address(self._name, local, "")
        elif not self._in_angle and (local := "".join(self._words).strip()):
            address = Address("", local, "")
        else:
            self._clear()
            return
        (self._found if self._group is None else self._members).append(address)
        self._clear()

    def _end_group(self) -> None:
        self._found.append(Group(self._group or "", tuple(self._members)))
        self._group, self._members = None, []


def _without_space_at_dots(words: list[str]) -> list[str]:
    """Words before an "@": space around dots (RFC 5322 §4.4) is no part of them, nor any behind."""
    kept = [w for n, w in enumerate(words) if w != " " or "." not in words[max(n - 1, 0) : n + 2]]
    while kept and kept[-1] == " ":
        kept.pop()
    return kept
