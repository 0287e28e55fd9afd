"""The tree of parts in a compact form, kept with each message so that it is scanned only once.

No I/O here.
"""

from typing import Final

import msgspec

from mailquay.message.addresses import Address, Group
from mailquay.message.envelope import AddressList, Envelope
from mailquay.message.parts import Part

__all__ = ["StructureError", "decode_structure", "encode_structure"]

_VERSION: Final = 1


class StructureError(Exception):
    """These bytes were not made by `encode_structure`."""


def encode_structure(root: Part) -> bytes:
    """Write the tree as MessagePack; about 60 bytes a part."""
    return msgspec.msgpack.encode([_VERSION, _pack(root)])


def decode_structure(data: bytes) -> Part:
    """Read what `encode_structure` wrote.

    Raises:
        StructureError: it is something else.
    """
    try:
        version, tree = msgspec.msgpack.decode(data)
        if version != _VERSION:
            raise StructureError(f"version {version!r} is not known")
        return _unpack(tree)
    except (msgspec.DecodeError, ValueError, TypeError, AttributeError) as error:
        raise StructureError(str(error)) from error


def _safe(text: str | None) -> str | bytes | None:
    """Text, or bytes where it holds what was no UTF-8."""
    if text is None:
        return None
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")
    return text


def _restore(text: str | bytes | None) -> str | None:
    return text.decode("utf-8", "surrogateescape") if isinstance(text, bytes) else text


def _pack_pairs(pairs: tuple[tuple[str, str], ...]) -> list[object]:
    return [_safe(text) for pair in pairs for text in pair]


def _unpack_pairs(flat: list[object]) -> tuple[tuple[str, str], ...]:
    texts = [_restore(text) or "" for text in flat]  # type: ignore[arg-type]  # as packed above
    return tuple(zip(texts[::2], texts[1::2], strict=True))


def _pack(part: Part) -> list[object]:
    return [
        part.header_start,
        part.body_start,
        part.body_end,
        part.body_lines,
        _safe(part.type),
        _safe(part.subtype),
        _safe(part.encoding),
        _pack_pairs(part.params),
        _safe(part.disposition),
        _pack_pairs(part.disposition_params),
        [_safe(part.content_id), _safe(part.description), _safe(part.location), _safe(part.md5)],
        list(part.language),
        [_pack(child) for child in part.children],
        None if part.envelope is None else _pack_envelope(part.envelope),
    ]


def _unpack(packed: list[object]) -> Part:
    (
        header_start, body_start, body_end, lines, type_, subtype, encoding, params, disposition,
        disposition_params, rest, language, children, envelope,
    ) = packed  # fmt: skip
    content_id, description, location, md5 = (_restore(text) for text in rest)  # type: ignore[attr-defined]
    return Part(
        header_start=header_start,  # type: ignore[arg-type]  # all as packed above
        body_start=body_start,  # type: ignore[arg-type]
        body_end=body_end,  # type: ignore[arg-type]
        body_lines=lines,  # type: ignore[arg-type]
        type=_restore(type_) or "",  # type: ignore[arg-type]
        subtype=_restore(subtype) or "",  # type: ignore[arg-type]
        encoding=_restore(encoding) or "",  # type: ignore[arg-type]
        params=_unpack_pairs(params),  # type: ignore[arg-type]
        disposition=_restore(disposition),  # type: ignore[arg-type]
        disposition_params=_unpack_pairs(disposition_params),  # type: ignore[arg-type]
        content_id=content_id,
        description=description,
        location=location,
        md5=md5,
        language=tuple(language),  # type: ignore[arg-type]
        children=tuple(_unpack(child) for child in children),  # type: ignore[attr-defined]
        envelope=None if envelope is None else _unpack_envelope(envelope),  # type: ignore[arg-type]
    )


def _pack_envelope(envelope: Envelope) -> list[object]:
    lists = (
        envelope.from_, envelope.sender, envelope.reply_to, envelope.to, envelope.cc, envelope.bcc
    )  # fmt: skip
    return [
        envelope.date,
        envelope.subject,
        envelope.in_reply_to,
        envelope.message_id,
        *([_pack_address(address) for address in addresses] for addresses in lists),
    ]


def _unpack_envelope(packed: list[object]) -> Envelope:
    date, subject, in_reply_to, message_id, *lists = packed
    from_, sender, reply_to, to, cc, bcc = (_unpack_addresses(item) for item in lists)
    return Envelope(
        date=date,  # type: ignore[arg-type]  # all as packed above
        subject=subject,  # type: ignore[arg-type]
        from_=from_,
        sender=sender,
        reply_to=reply_to,
        to=to,
        cc=cc,
        bcc=bcc,
        in_reply_to=in_reply_to,  # type: ignore[arg-type]
        message_id=message_id,  # type: ignore[arg-type]
    )


def _pack_address(address: Address | Group) -> list[object]:
    if isinstance(address, Group):
        return [_safe(address.raw_name), [_pack_address(member) for member in address.members]]
    return [_safe(address.raw_name), _safe(address.local), _safe(address.domain)]


def _unpack_addresses(packed: object) -> AddressList:
    addresses: list[Address | Group] = []
    for item in packed:  # type: ignore[attr-defined]
        if len(item) == 2:
            members = tuple(_unpack_addresses(item[1]))
            addresses.append(Group(_restore(item[0]) or "", members))  # type: ignore[arg-type]
        else:
            name, local, domain = (_restore(text) or "" for text in item)
            addresses.append(Address(name, local, domain))
    return tuple(addresses)
