"""A message's envelope as IMAP knows it (RFC 9051 §2.3.5, §7.5.2). No I/O here."""

import re
from dataclasses import dataclass
from typing import Final

from mailquay.message.addresses import Address, Group, parse_address_list
from mailquay.message.header import Header

__all__ = ["Envelope", "nstring", "read_envelope", "render_envelope", "string"]

_UNSAFE: Final = re.compile(rb"[\x00-\x1f\x7f-\xff]")
#: A longer string is sent as a literal, which no client's line buffer has to hold.
QUOTED_MAX_BYTES: Final = 1000

AddressList = tuple[Address | Group, ...]


@dataclass(frozen=True, slots=True)
class Envelope:
    """Header fields as they stand, unfolded; absent ones are None or empty."""

    date: bytes | None
    subject: bytes | None
    from_: AddressList
    sender: AddressList
    reply_to: AddressList
    to: AddressList
    cc: AddressList
    bcc: AddressList
    in_reply_to: bytes | None
    message_id: bytes | None


def read_envelope(header: Header) -> Envelope:
    """Take the envelope out of a header; Sender and Reply-To default to From (RFC 9051 §7.5.2)."""
    from_ = _addresses(header, b"from")
    return Envelope(
        date=header.get_raw(b"date"),
        subject=header.get_raw(b"subject"),
        from_=from_,
        sender=_addresses(header, b"sender") or from_,
        reply_to=_addresses(header, b"reply-to") or from_,
        to=_addresses(header, b"to"),
        cc=_addresses(header, b"cc"),
        bcc=_addresses(header, b"bcc"),
        in_reply_to=header.get_raw(b"in-reply-to"),
        message_id=header.get_raw(b"message-id"),
    )


def _addresses(header: Header, name: bytes) -> AddressList:
    values = header.all_raw(name)
    if not values:
        return ()
    # Twice the same field is an error of the sender's; clients expect to see all of them.
    return parse_address_list(values[0] if len(values) == 1 else b", ".join(values))


def render_envelope(envelope: Envelope) -> bytes:
    """Write the parenthesised list of RFC 9051 §7.5.2, ready to stand in a FETCH response."""
    from_ = _render_list(envelope.from_)
    sender = from_ if envelope.sender is envelope.from_ else _render_list(envelope.sender)
    reply_to = from_ if envelope.reply_to is envelope.from_ else _render_list(envelope.reply_to)
    return b"(%s %s %s %s %s %s %s %s %s %s)" % (
        nstring(envelope.date),
        nstring(envelope.subject),
        from_,
        sender,
        reply_to,
        _render_list(envelope.to),
        _render_list(envelope.cc),
        _render_list(envelope.bcc),
        nstring(envelope.in_reply_to),
        nstring(envelope.message_id),
    )


def string(value: bytes) -> bytes:
    """Write an IMAP string: quoted, or a literal when it holds 8-bit, controls, or is long."""
    if len(value) > QUOTED_MAX_BYTES or _UNSAFE.search(value):
        value = value.replace(b"\0", b"")  # a literal may not carry NUL (RFC 9051 §9, CHAR8)
        return b"{%d}\r\n%s" % (len(value), value)
    if b"\\" in value or b'"' in value:
        value = value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return b'"%s"' % value


def nstring(value: bytes | None) -> bytes:
    """Write an IMAP string, or NIL for None."""
    return b"NIL" if value is None else string(value)


def _text(value: str) -> bytes:
    return string(value.encode("utf-8", "surrogateescape"))


def _render_list(addresses: AddressList) -> bytes:
    if not addresses:
        return b"NIL"
    return b"(%s)" % b"".join(
        _render_group(address) if isinstance(address, Group) else _render_address(address)
        for address in addresses
    )


def _render_address(address: Address) -> bytes:
    name = _text(address.raw_name) if address.raw_name else b"NIL"
    # A host of NIL would start a group; an address without a domain gets an empty one.
    return b"(%s NIL %s %s)" % (name, _text(address.local), _text(address.domain))


def _render_group(group: Group) -> bytes:
    """A group's start and end markers around its members (RFC 9051 §7.5.2)."""
    members = b"".join(_render_address(member) for member in group.members)
    return b"(NIL NIL %s NIL)%s(NIL NIL NIL NIL)" % (_text(group.raw_name), members)
