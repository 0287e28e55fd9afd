"""Header fields in their parsed forms, and the properties that name them (RFC 8621 §4.1.2, §4.1.3).

``header:{field-name}[:as{Form}][:all]``. No I/O here.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC
from enum import Enum
from typing import Any, Final

from mailquay.message.addresses import Address, Group, flatten, parse_address_list
from mailquay.message.dates import parse_zoned_date
from mailquay.message.header import Header, unfold
from mailquay.message.words import decode_unstructured

__all__ = [
    "CONVENIENCE",
    "Form",
    "HeaderProperty",
    "InvalidProperty",
    "parse_header_property",
    "raw_text",
    "read_field",
]


class InvalidProperty(ValueError):
    """This is no property, or asks for a form that the field does not have."""


class Form(Enum):
    """A parsed form by its suffix (RFC 8621 §4.1.2)."""

    RAW = ""
    TEXT = "asText"
    ADDRESSES = "asAddresses"
    GROUPED_ADDRESSES = "asGroupedAddresses"
    MESSAGE_IDS = "asMessageIds"
    DATE = "asDate"
    URLS = "asURLs"


@dataclass(frozen=True, slots=True)
class HeaderProperty:
    """A header field as a property; ``field`` is its name as the client wrote it."""

    field: str
    form: Form = Form.RAW
    is_all: bool = False

    @property
    def key(self) -> bytes:
        """The field's name in lower case."""
        return self.field.lower().encode()


_ADDRESS_FORMS: Final = frozenset({Form.RAW, Form.ADDRESSES, Form.GROUPED_ADDRESSES})
_FORMS: Final[dict[str, frozenset[Form]]] = {
    **dict.fromkeys(
        (
            "from", "sender", "reply-to", "to", "cc", "bcc", "resent-from", "resent-sender",
            "resent-reply-to", "resent-to", "resent-cc", "resent-bcc",
        ),
        _ADDRESS_FORMS,
    ),
    **dict.fromkeys(("subject", "comments", "keywords"), frozenset({Form.RAW, Form.TEXT})),
    **dict.fromkeys(
        ("message-id", "in-reply-to", "references", "resent-message-id"),
        frozenset({Form.RAW, Form.MESSAGE_IDS}),
    ),
    **dict.fromkeys(("date", "resent-date"), frozenset({Form.RAW, Form.DATE})),
    **dict.fromkeys(
        (
            "list-help", "list-unsubscribe", "list-subscribe", "list-post", "list-owner",
            "list-archive",
        ),
        frozenset({Form.RAW, Form.URLS}),
    ),
    # Defined in RFC 5322 §3.6.7, and in no list of those that have a parsed form.
    **dict.fromkeys(("return-path", "received"), frozenset({Form.RAW})),
}  # fmt: skip
_ANY_FORM: Final = frozenset(Form)

#: Properties of an Email that stand for a header field (RFC 8621 §4.1.3).
CONVENIENCE: Final[dict[str, HeaderProperty]] = {
    "messageId": HeaderProperty("Message-ID", Form.MESSAGE_IDS),
    "inReplyTo": HeaderProperty("In-Reply-To", Form.MESSAGE_IDS),
    "references": HeaderProperty("References", Form.MESSAGE_IDS),
    "sender": HeaderProperty("Sender", Form.ADDRESSES),
    "from": HeaderProperty("From", Form.ADDRESSES),
    "to": HeaderProperty("To", Form.ADDRESSES),
    "cc": HeaderProperty("Cc", Form.ADDRESSES),
    "bcc": HeaderProperty("Bcc", Form.ADDRESSES),
    "replyTo": HeaderProperty("Reply-To", Form.ADDRESSES),
    "subject": HeaderProperty("Subject", Form.TEXT),
    "sentAt": HeaderProperty("Date", Form.DATE),
}

_PROPERTY: Final = re.compile(r"header:([!-9;-~]+)(?::(as[A-Za-z]+))?(:all)?")
#: Field names that nobody uses are longer than this.
_NAME_MAX: Final = 256


def parse_header_property(text: str) -> HeaderProperty | None:
    """Read a property's name; None when it is not of a header field.

    Raises:
        InvalidProperty: it begins with ``header:`` and goes on wrongly, or asks for a form that
            the field does not have (RFC 8621 §4.1.2).
    """
    if not text.startswith("header:"):
        return None
    match = _PROPERTY.fullmatch(text)
    if match is None or len(match[1]) > _NAME_MAX:
        raise InvalidProperty(f"{text[:300]!r} names no header field")
    try:
        form = Form(match[2] or "")
    except ValueError:
        raise InvalidProperty(f"{match[2]} is no form of a header field") from None
    if form not in _FORMS.get(match[1].lower(), _ANY_FORM):
        raise InvalidProperty(f"{match[1]} cannot be had {form.value}")
    return HeaderProperty(match[1], form, match[3] is not None)


def read_field(header: Header, wanted: HeaderProperty) -> Any:
    """The value of a property: of the last field of that name, None when there is none.

    With ``:all``, a list of all fields' values in their order.
    """
    values = header.all_values(wanted.key)
    if wanted.is_all:
        return [_parse(value, wanted.form) for value in values]
    return _parse(values[-1], wanted.form) if values else None


def raw_text(value: bytes) -> str:
    """The Raw form (RFC 8621 §4.1.2.1): as it stands, folded, with the space at its start."""
    return value.replace(b"\0", b"").decode("utf-8", "replace")


def _parse(value: bytes, form: Form) -> Any:
    match form:
        case Form.RAW:
            return raw_text(value)
        case Form.TEXT:
            return unicodedata.normalize("NFC", decode_unstructured(unfold(value)))
        case Form.ADDRESSES:
            return [_address(address) for address in flatten(parse_address_list(unfold(value)))]
        case Form.GROUPED_ADDRESSES:
            return _groups(parse_address_list(unfold(value)))
        case Form.MESSAGE_IDS:
            return _bracketed(unfold(value), keeps_space=False)
        case Form.DATE:
            return _date(unfold(value))
        case Form.URLS:
            return _bracketed(unfold(value), keeps_space=True)


def _clean(text: str) -> str:
    """Without what no JSON may hold: bytes that were no UTF-8 come as lone surrogates."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _address(address: Address) -> dict[str, str | None]:
    """An EmailAddress (RFC 8621 §4.1.2.3)."""
    name = unicodedata.normalize("NFC", _clean(address.name)).strip()
    return {"name": name or None, "email": _clean(address.addr_spec)}


def _groups(addresses: tuple[Address | Group, ...]) -> list[dict[str, Any]]:
    """EmailAddressGroups (RFC 8621 §4.1.2.4); those between groups are one without a name."""
    groups: list[dict[str, Any]] = []
    loose: list[dict[str, str | None]] | None = None
    for address in addresses:
        if isinstance(address, Group):
            members = [_address(member) for member in address.members]
            name = unicodedata.normalize("NFC", _clean(address.name)).strip()
            groups.append({"name": name, "addresses": members})
            loose = None
            continue
        if loose is None:
            loose = []
            groups.append({"name": None, "addresses": loose})
        loose.append(_address(address))
    return groups


_BRACKETED: Final = re.compile(rb"<([^<>]*)>")
_COMMENT: Final = re.compile(rb"\([^()<>]*\)")
_SPACE: Final = re.compile(rb"[ \t\r\n]+")


def _bracketed(value: bytes, *, keeps_space: bool) -> list[str] | None:
    """What stands in angle brackets, in order; None when there is nothing of the kind.

    Space inside is folding to a URL (RFC 2369 §2), and to a msg-id what makes it none.
    """
    found = []
    for item in _BRACKETED.findall(_COMMENT.sub(b"", value)):
        inner = _SPACE.sub(b"", item) if keeps_space else item.strip(b" \t")
        if inner and not _SPACE.search(inner):
            found.append(raw_text(inner))
    return found or None


def _date(value: bytes) -> str | None:
    """A Date (RFC 8620 §1.4), in the zone that the field gives."""
    when = parse_zoned_date(value)
    if when is None:
        return None
    text = when.strftime("%H:%M:%S")
    zone = "Z" if when.utcoffset() == UTC.utcoffset(None) else when.strftime("%z")
    if zone != "Z":
        zone = f"{zone[:3]}:{zone[3:5]}"
    return f"{when.year:04d}-{when.month:02d}-{when.day:02d}T{text}{zone}"
