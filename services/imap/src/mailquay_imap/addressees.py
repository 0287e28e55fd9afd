"""The first address of a field, out of a stored ENVELOPE (RFC 9051 §7.5.2). Pure."""

import re
from typing import Final, NamedTuple

from mailquay.message.words import decode_words

__all__ = ["NOBODY", "Addressee", "first_addressee"]

_STRING: Final = re.compile(rb'NIL|"((?:[^"\\]|\\.)*+)"|\{(\d+)\}\r\n')
_ESCAPE: Final = re.compile(rb"\\(.)")
#: Where a field's list stands in an ENVELOPE, behind date and subject.
_LISTS: Final = {"from": 0, "to": 3, "cc": 4}


class Addressee(NamedTuple):
    """An address, or a group with its name for a mailbox; decoded, empty where there is none."""

    name: str
    mailbox: str
    host: str

    @property
    def display(self) -> str:
        """What a person sees: the name, else the address (RFC 5957 §3)."""
        if self.name or not self.host:
            return self.name or self.mailbox
        return f"{self.mailbox}@{self.host}"


NOBODY: Final = Addressee("", "", "")


def first_addressee(envelope: bytes, field: str) -> Addressee:
    """The first address of ``from``, ``to`` or ``cc``.

    Args:
        envelope: as `message.envelope.render_envelope` writes it.
        field: which.
    """
    position = 1
    for _ in range(2):
        _, position = _string(envelope, position)
        position += 1
    for _ in range(_LISTS[field]):
        position = _behind_list(envelope, position) + 1
    if envelope[position : position + 2] != b"((":
        return NOBODY
    position += 2
    name, position = _string(envelope, position)
    _, position = _string(envelope, position + 1)
    mailbox, position = _string(envelope, position + 1)
    host, _ = _string(envelope, position + 1)
    return Addressee(decode_words(name), decode_words(mailbox), host.decode("utf-8", "replace"))


def _string(data: bytes, position: int) -> tuple[bytes, int]:
    """A string and the offset behind it; NIL is empty."""
    match = _STRING.match(data, position)
    assert match is not None, "we have written it ourselves"
    if match[2] is not None:
        end = match.end() + int(match[2])
        return data[match.end() : end], end
    value = match[1] or b""
    return (_ESCAPE.sub(rb"\1", value) if b"\\" in value else value), match.end()


def _behind_list(data: bytes, position: int) -> int:
    """The offset behind a list of addresses, or NIL."""
    if data[position : position + 1] != b"(":
        return position + len(b"NIL")
    position += 1
    while data[position : position + 1] == b"(":
        for _ in range(4):
            _, position = _string(data, position + 1)
        position += 1
    return position + 1
