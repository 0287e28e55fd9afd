"""Header fields out of the properties of an Email to create (RFC 8621 §4.1.2, §4.6). No I/O here.

A draft may be half finished: what a person has typed into To is kept as far as a header can hold
it, and judged when the message is sent.
"""

import re
from datetime import datetime
from typing import Any, Final

from mailquay.message.addresses import flatten, format_address, parse_address_list
from mailquay.message.build import HeaderLine, encoded_text_line
from mailquay.message.dates import format_date
from mailquay_webmail_api.jmap.mail.header_fields import Form, HeaderProperty

__all__ = ["parse_date_time", "write_fields"]

#: What would end an address or begin another one.
_NOT_IN_ADDRESS: Final = re.compile(r"[\x00-\x20\x7f<>,;:()\"\\\[\]]")
_NOT_IN_BRACKETS: Final = re.compile(r"[\x00-\x20\x7f<>]")
_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
#: With a colon and a space behind it, it leaves room for a word on its line.
_NAME_MAX: Final = 76
#: A value is a header field's, and no body's.
_VALUE_MAX: Final = 64 * 1024
_ITEMS_MAX: Final = 5_000


def write_fields(wanted: HeaderProperty, value: object) -> list[HeaderLine]:
    """The header fields that a property with that value makes; null makes none.

    Raises:
        ValueError: the value is not of the form's type.
    """
    if value is None:
        return []
    if len(wanted.field) > _NAME_MAX:
        raise ValueError("its name is too long for a header field")
    if not wanted.is_all:
        return [_write(wanted, value)]
    if not isinstance(value, list) or len(value) > _ITEMS_MAX:
        raise ValueError("it is not a list")
    return [_write(wanted, item) for item in value]


def _write(wanted: HeaderProperty, value: object) -> HeaderLine:
    name = wanted.field
    match wanted.form:
        case Form.RAW:
            return HeaderLine(name, _text(value).removeprefix(" "))
        case Form.TEXT:
            return encoded_text_line(name, _text(value))
        case Form.ADDRESSES:
            return HeaderLine(name, _addresses(value))
        case Form.GROUPED_ADDRESSES:
            return HeaderLine(name, _groups(value))
        case Form.MESSAGE_IDS:
            return HeaderLine(name, _bracketed(value, " "))
        case Form.DATE:
            return HeaderLine(name, format_date(parse_date_time(value), in_its_zone=True))
        case Form.URLS:
            return HeaderLine(name, _bracketed(value, ", "))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("it is not a string")
    if len(value) > _VALUE_MAX:
        raise ValueError("it is too long for a header field")
    return value


def _items(value: object) -> list[Any]:
    if not isinstance(value, list) or len(value) > _ITEMS_MAX:
        raise ValueError("it is not a list, or too long a one")
    return value


def _addresses(value: object) -> str:
    """EmailAddresses as an address-list."""
    return ", ".join(filter(None, map(_address, _items(value))))


def _address(value: object) -> str:
    if not isinstance(value, dict) or not set(value) <= {"name", "email"}:
        raise ValueError("it is not a list of EmailAddresses")
    name, email = value.get("name"), value.get("email")
    if not isinstance(name, str | None) or not isinstance(email, str):
        raise ValueError("an EmailAddress has an email, and perhaps a name")
    name, email = _text(name or "").strip(), _text(email).strip()
    parsed = flatten(parse_address_list(f"<{email}>"))
    if len(parsed) != 1 or parsed[0].addr_spec != email:
        email = _NOT_IN_ADDRESS.sub("", email)
    return format_address(name, email) if email else _phrase(name)


def _phrase(name: str) -> str:
    """A name without an address, which is as far as a draft has come."""
    return format_address(name, "").removesuffix(" <>") if name else ""


def _groups(value: object) -> str:
    """EmailAddressGroups as an address-list."""
    written = []
    for group in _items(value):
        if not isinstance(group, dict) or not set(group) <= {"name", "addresses"}:
            raise ValueError("it is not a list of EmailAddressGroups")
        name, members = group.get("name"), _addresses(group.get("addresses"))
        if not isinstance(name, str | None):
            raise ValueError("a group's name is a string or null")
        written.append(members if name is None else f"{_phrase(_text(name))}: {members};")
    return ", ".join(filter(None, written))


def _bracketed(value: object, separator: str) -> str:
    """Msg-ids or URLs, each in angle brackets."""
    written = []
    for item in _items(value):
        text = _text(item)
        if not text or _NOT_IN_BRACKETS.search(text):
            raise ValueError("it holds what cannot stand in angle brackets")
        written.append(f"<{text}>")
    return separator.join(written)


def parse_date_time(value: object) -> datetime:
    """Read a Date (RFC 8620 §1.4), aware.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, str) or not _DATE_TIME.fullmatch(value):
        raise ValueError("it is not a date-time of RFC 3339")
    return datetime.fromisoformat(value)
