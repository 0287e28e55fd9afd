"""A submission's header: who wrote it, what it lacks, what nobody else may see. No I/O here."""

from datetime import datetime
from typing import Final

from mailquay.message.addresses import flatten, parse_address_list
from mailquay.message.dates import format_date
from mailquay.message.header import iter_fields, unfold

__all__ = ["HIDDEN_FIELDS", "authors", "has_author", "missing_fields", "without_fields"]

#: What a submission's other recipients must not see (RFC 5322 §3.6.3).
HIDDEN_FIELDS: Final = frozenset((b"bcc", b"resent-bcc"))
_SENDER_FIELDS: Final = (b"sender", b"resent-from", b"resent-sender")


def without_fields(header: bytes, names: frozenset[bytes]) -> bytes:
    """The header without fields of those names (lower case)."""
    gone = [f for f in iter_fields(header, 0, len(header)) if f.name.lower() in names]
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
    found = {field.name.lower() for field in iter_fields(header, 0, len(header))}
    lines = []
    if b"date" not in found:
        lines.append(f"Date: {format_date(now)}\r\n")
    if b"from" not in found:
        lines.append(f"From: <{author}>\r\n")
    if b"message-id" not in found:
        lines.append(f"Message-ID: <{message_id}>\r\n")
    return "".join(lines).encode()


def has_author(header: bytes) -> bool:
    """Whether there is a From field at all."""
    return any(field.name.lower() == b"from" for field in iter_fields(header, 0, len(header)))


def authors(header: bytes) -> tuple[list[str], list[str]]:
    """The addresses of From, and those of whoever has sent it in their stead, or once more.

    RFC 5322 §3.6.2, §3.6.6: Sender, Resent-From, Resent-Sender.
    """
    return _addresses(header, (b"from",)), _addresses(header, _SENDER_FIELDS)


def _addresses(header: bytes, names: tuple[bytes, ...]) -> list[str]:
    values: dict[bytes, list[bytes]] = {name: [] for name in names}
    for field in iter_fields(header, 0, len(header)):
        if (of_name := values.get(field.name.lower())) is not None:
            of_name.append(unfold(field.value))
    return [
        address.addr_spec
        for of_name in values.values()
        for value in of_name
        for address in flatten(parse_address_list(value))
    ]
