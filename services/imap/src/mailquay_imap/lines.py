"""FETCH responses of what needs no body: a template a command, values a message. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from mailquay.message.bodystructure import render_body
from mailquay.message.dates import format_internal_date
from mailquay.message.envelope import string
from mailquay.message.structure import decode_structure
from mailquay.store.emails import Place
from mailquay.store.ids import email_object_id, thread_object_id
from mailquay_imap.protocol.format import flags_text

__all__ = ["COLUMNS", "FORMATS", "PLACE_COLUMNS", "fetch_lines", "item_values"]

#: Columns of emails that items are made of.
COLUMNS: Final = {
    "ENVELOPE": "envelope",
    "BODYSTRUCTURE": "bodystructure",
    "BODY": "structure",
    "THREADID": "thread_id",
    "INTERNALDATE": "received_at",
    "PREVIEW": "preview",
}
#: Columns of places that items are made of.
PLACE_COLUMNS: Final = {"SAVEDATE": "saved_at"}
#: How items are written (RFC 9051 §7.5.2, RFC 7162 §3.1.4, RFC 8474 §5, RFC 8514, RFC 8970).
FORMATS: Final = {
    "FLAGS": b"FLAGS %b",
    "UID": b"UID %d",
    "RFC822.SIZE": b"RFC822.SIZE %d",
    "MODSEQ": b"MODSEQ (%d)",
    "ENVELOPE": b"ENVELOPE %b",
    "BODYSTRUCTURE": b"BODYSTRUCTURE %b",
    "BODY": b"BODY %b",
    "INTERNALDATE": b"INTERNALDATE %b",
    "EMAILID": b"EMAILID (%b)",
    "THREADID": b"THREADID (%b)",
    "SAVEDATE": b"SAVEDATE %b",
    "PREVIEW": b"PREVIEW %b",
}


def item_values(
    name: str, places: Sequence[Place], facts: Mapping[str, Sequence[Any]], recent_from: int
) -> Sequence[Any]:
    r"""What an item's format is filled with, a message each.

    Args:
        name: the item.
        places: the messages.
        facts: columns of them, where the item is in `COLUMNS`.
        recent_from: uids from here on are \Recent.
    """
    match name:
        case "FLAGS":
            return _flags(places, recent_from)
        case "UID":
            return [place.uid for place in places]
        case "RFC822.SIZE":
            return [place.size for place in places]
        case "MODSEQ":
            return [place.modseq for place in places]
        case "EMAILID":
            return [email_object_id(place.email_id).encode() for place in places]
        case "THREADID":
            return [thread_object_id(number).encode() for number in facts["thread_id"]]
        case "INTERNALDATE":
            return [format_internal_date(when) for when in facts["received_at"]]
        case "SAVEDATE":
            return [format_internal_date(when) for when in facts["saved_at"]]
        case "PREVIEW":
            return [string(text.encode()) for text in facts["preview"]]
        case "BODY":
            return [render_body(decode_structure(packed)) for packed in facts["structure"]]
    return facts[COLUMNS[name]]


def fetch_lines(
    names: Sequence[str],
    numbers: Sequence[int],
    places: Sequence[Place],
    facts: Mapping[str, Sequence[Any]],
    recent_from: int,
    *,
    verb: bytes = b"FETCH",
) -> bytes:
    """The untagged responses of messages, in their order.

    Args:
        names: their items.
        numbers: sequence numbers, or uids for UIDFETCH.
        places: the messages.
        facts: columns of them.
        recent_from: as in `item_values`.
        verb: FETCH, or UIDFETCH (RFC 9586 §3.3).
    """
    template = b"* %d " + verb + b" (" + b" ".join(FORMATS[name] for name in names) + b")\r\n"
    values = [item_values(name, places, facts, recent_from) for name in names]
    return b"".join([template % row for row in zip(numbers, *values, strict=True)])


def _flags(places: Sequence[Place], recent_from: int) -> list[bytes]:
    """Many messages have the same few flags: each set is written once."""
    texts: dict[tuple[int, tuple[str, ...], bool], bytes] = {}
    found = []
    for place in places:
        key = (place.flags, place.keywords, place.uid >= recent_from)
        text = texts.get(key)
        if text is None:
            text = texts[key] = flags_text(place.flags, place.keywords, recent=key[2])
        found.append(text)
    return found
