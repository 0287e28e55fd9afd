"""A received message's header: where it ends, what it lacks, what nobody else may see. Pure."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from mailquay.message.addresses import flatten, parse_address_list
from mailquay.message.dates import format_date
from mailquay.message.header import Header

__all__ = ["authors", "has_author", "missing_fields", "split_header", "without_fields"]

#: The beginning of a field (RFC 5322 §2.2), or the line that mbox files put before a message.
_BEGINS_HEADER: Final = re.compile(rb"[!-9;-~]+[ \t]*:|>?From |\r\n")
_BLANK_LINE: Final = b"\r\n\r\n"
_SENDER_FIELDS: Final = (b"sender", b"resent-from", b"resent-sender")


def split_header(pieces: Sequence[bytes]) -> tuple[bytes, list[bytes]]:
    """The header with its blank line, and the pieces of the body.

    What begins with no field has no header: it is all body, and a blank line is put before it, or
    its first lines would be taken for a header.
    """
    if not pieces:
        return b"", []
    if not _BEGINS_HEADER.match(pieces[0]):
        return b"", [b"\r\n", *pieces]
    if pieces[0].startswith(b"\r\n"):
        return b"", list(pieces)
    header = bytearray()
    for number, piece in enumerate(pieces):
        searched = max(0, len(header) - len(_BLANK_LINE) + 1)
        header += piece
        end = header.find(_BLANK_LINE, searched)
        if end >= 0:
            end += len(_BLANK_LINE)
            return bytes(header[:end]), [bytes(header[end:]), *pieces[number + 1 :]]
    return bytes(header), []


def without_fields(header: bytes, names: frozenset[bytes]) -> bytes:
    """The header without fields of those names (lower case)."""
    gone = [f for f in Header(header, 0, len(header)) if f.name.lower() in names]
    if not gone:
        return header
    kept, position = [], 0
    for field in gone:
        kept.append(header[position : field.start])
        position = field.end
    return b"".join([*kept, header[position:]])


def missing_fields(header: bytes, *, author: str, message_id: str, now: datetime) -> bytes:
    """The fields that a submission must have and this one lacks (RFC 6409 §8, RFC 5322 §3.6).

    Args:
        header: as it was submitted.
        author: the address of whoever has signed in.
        message_id: what becomes its Message-ID, without brackets.
        now: the time of its submission.
    """
    found = Header(header, 0, len(header))
    lines = []
    if found.get_raw(b"date") is None:
        lines.append(f"Date: {format_date(now)}\r\n")
    if found.get_raw(b"from") is None:
        lines.append(f"From: <{author}>\r\n")
    if found.get_raw(b"message-id") is None:
        lines.append(f"Message-ID: <{message_id}>\r\n")
    return "".join(lines).encode()


def has_author(header: bytes) -> bool:
    """Whether there is a From field at all."""
    return Header(header, 0, len(header)).get_raw(b"from") is not None


def authors(header: bytes) -> tuple[list[str], list[str]]:
    """The addresses of From, and those of whoever has sent it in their stead, or once more.

    RFC 5322 §3.6.2, §3.6.6: Sender, Resent-From, Resent-Sender.
    """
    found = Header(header, 0, len(header))
    return _addresses(found, (b"from",)), _addresses(found, _SENDER_FIELDS)


def _addresses(header: Header, names: tuple[bytes, ...]) -> list[str]:
    return [
        address.addr_spec
        for name in names
        for value in header.all_raw(name)
        for address in flatten(parse_address_list(value))
    ]
