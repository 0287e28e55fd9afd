"""Filters and sorts of Email/query, read into what the store takes (RFC 8621 §4.4.1, §4.4.2).

No I/O here.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from mailquay.store.email_conditions import (
    Condition,
    Every,
    FieldContains,
    HasAttachment,
    HasField,
    InBody,
    InHeader,
    InMailbox,
    InOtherMailbox,
    KeptField,
    NoneOf,
    Quantifier,
    Received,
    SizeBelow,
    Some,
    ThreadHasKeyword,
)
from mailquay.store.email_queries import COLLATIONS, OrderBy, OrderKey
from mailquay_webmail_api.jmap.core.arguments import INT_MAX
from mailquay_webmail_api.jmap.core.context import Context
from mailquay_webmail_api.jmap.core.errors import MethodError
from mailquay_webmail_api.jmap.core.ids import parse_mailbox_id
from mailquay_webmail_api.jmap.mail.filters import read_filter
from mailquay_webmail_api.jmap.mail.keywords import has_keyword, valid
from mailquay_webmail_api.jmap.mail.words import tokens

__all__ = ["SORTS", "read_email_filter", "read_email_sort"]

_FIELDS: Final = {
    "from": KeptField.FROM,
    "to": KeptField.TO,
    "cc": KeptField.CC,
    "bcc": KeptField.BCC,
    "subject": KeptField.SUBJECT,
}
#: No id of ours: nothing is in it.
_NO_MAILBOX: Final = -1

#: ``emailQuerySortOptions`` (RFC 8621 §1.3.1), by the store's keys.
SORTS: Final[dict[str, OrderKey]] = {
    "receivedAt": OrderKey.RECEIVED_AT,
    "size": OrderKey.SIZE,
    "from": OrderKey.FROM,
    "to": OrderKey.TO,
    "subject": OrderKey.SUBJECT,
    "sentAt": OrderKey.SENT_AT,
    "hasKeyword": OrderKey.KEYWORD,
    "allInThreadHaveKeyword": OrderKey.KEYWORD,
    "someInThreadHaveKeyword": OrderKey.KEYWORD,
}


def read_email_filter(context: Context, value: object) -> Condition:
    """Read ``filter``; null matches everything.

    Raises:
        MethodError: invalidArguments or unsupportedFilter.
    """
    return read_filter(value, lambda given: _read_condition(context, given), _combine)


def _combine(operator: str, terms: Sequence[Condition]) -> Condition:
    if operator == "AND":
        return Every(tuple(terms))
    return Some(tuple(terms)) if operator == "OR" else NoneOf(tuple(terms))


def _read_condition(context: Context, given: dict[str, Any]) -> Condition:
    terms: list[Condition] = []
    for name, value in given.items():
        read = _CONDITIONS.get(name)
        if read is None:
            raise MethodError("unsupportedFilter", f"there is no condition {name}")
        terms.append(read(_Value(context, name, value)))
    return terms[0] if len(terms) == 1 else Every(tuple(terms))


class _Value:
    """A condition's value, read by its type."""

    def __init__(self, context: Context, name: str, value: object) -> None:
        self._context = context
        self.name = name
        self.value = value

    def wrong(self, what: str) -> MethodError:
        return MethodError.invalid_arguments(f"filter: {self.name} is not {what}")

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.wrong("a string")
        return self.value

    def boolean(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.wrong("a boolean")
        return self.value

    def unsigned(self) -> int:
        value = self.value
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= INT_MAX:
            raise self.wrong("an unsigned integer")
        return value

    def keyword(self) -> str:
        if not valid(self.value):
            raise self.wrong("a keyword")
        return str(self.value)

    def mailbox(self, text: object) -> int:
        if not isinstance(text, str):
            raise self.wrong("a mailbox id")
        number = parse_mailbox_id(self._context.resolve_id(text))
        return _NO_MAILBOX if number is None else number

    def mailboxes(self) -> tuple[int, ...]:
        if not isinstance(self.value, list):
            raise self.wrong("a list of mailbox ids")
        return tuple(self.mailbox(text) for text in self.value)

    def utc_date(self) -> datetime:
        text = self.text()
        try:
            # datetime.fromisoformat takes more than RFC 3339 does.
            if not text.endswith("Z") or "T" not in text:
                raise ValueError
            return datetime.fromisoformat(text).astimezone(UTC)
        except ValueError:
            raise self.wrong("a UTCDate") from None

    def header(self) -> tuple[str, str | None]:
        match self.value:
            case [str(name)]:
                return name, None
            case [str(name), str(text)]:
                return name, text
        raise self.wrong("a field name, and perhaps a text")


def _field(value: _Value) -> Condition:
    field = _FIELDS[value.name]
    return Every(tuple(FieldContains(field, token) for token in tokens(value.text())))


def _body(value: _Value) -> Condition:
    return Every(tuple(InBody(token) for token in tokens(value.text())))


def _text(value: _Value) -> Condition:
    """Each word somewhere: one may be in the subject and another in the body."""
    return Every(
        tuple(
            Some((*(FieldContains(field, token) for field in KeptField), InBody(token)))
            for token in tokens(value.text())
        )
    )


def _header(value: _Value) -> Condition:
    name, text = value.header()
    field = _FIELDS.get(name.lower())
    if field is None:
        return InHeader(name.lower(), (text or "").lower())
    return HasField(field) if text is None else FieldContains(field, text)


def _thread(quantifier: Quantifier) -> Callable[[_Value], Condition]:
    return lambda value: ThreadHasKeyword(quantifier, has_keyword(value.keyword()))


def _has_attachment(value: _Value) -> Condition:
    return HasAttachment() if value.boolean() else NoneOf((HasAttachment(),))


_CONDITIONS: Final[dict[str, Callable[[_Value], Condition]]] = {
    "inMailbox": lambda value: InMailbox(value.mailbox(value.value)),
    "inMailboxOtherThan": lambda value: InOtherMailbox(value.mailboxes()),
    "before": lambda value: Received(before=value.utc_date()),
    "after": lambda value: Received(since=value.utc_date()),
    "minSize": lambda value: NoneOf((SizeBelow(value.unsigned()),)),
    "maxSize": lambda value: SizeBelow(value.unsigned()),
    "allInThreadHaveKeyword": _thread(Quantifier.ALL),
    "someInThreadHaveKeyword": _thread(Quantifier.SOME),
    "noneInThreadHaveKeyword": lambda value: NoneOf((_thread(Quantifier.SOME)(value),)),
    "hasKeyword": lambda value: has_keyword(value.keyword()),
    "notKeyword": lambda value: NoneOf((has_keyword(value.keyword()),)),
    "hasAttachment": _has_attachment,
    "text": _text,
    "body": _body,
    "header": _header,
    **dict.fromkeys(_FIELDS, _field),
}


def read_email_sort(value: object) -> tuple[OrderBy, ...]:
    """Read ``sort``; null or nothing is by the date of receipt, newest first.

    Raises:
        MethodError: invalidArguments or unsupportedSort.
    """
    if value is None:
        value = []
    if not isinstance(value, list):
        raise MethodError.invalid_arguments("sort is not a list")
    order = tuple(_read_comparator(item) for item in value)
    return order or (OrderBy(OrderKey.RECEIVED_AT, ascending=False),)


def _read_comparator(value: object) -> OrderBy:
    if not isinstance(value, dict) or not isinstance(value.get("property"), str):
        raise MethodError.invalid_arguments("sort: a Comparator has a property")
    name = value["property"]
    ascending = value.get("isAscending", True)
    collation = value.get("collation")
    if not isinstance(ascending, bool) or not isinstance(collation, str | None):
        raise MethodError.invalid_arguments(f"sort: {name} is not a Comparator")
    if name not in SORTS:
        raise MethodError("unsupportedSort", f"{name} cannot be sorted by")
    if collation not in COLLATIONS:
        raise MethodError("unsupportedSort", f"{collation} is no collation here")
    if SORTS[name] is not OrderKey.KEYWORD:
        return OrderBy(SORTS[name], ascending, collation)
    keyword = value.get("keyword")
    if not valid(keyword):
        raise MethodError.invalid_arguments(f"sort: {name} wants a keyword")
    condition = has_keyword(str(keyword))
    if name == "hasKeyword":
        return OrderBy(SORTS[name], ascending, keyword=condition)
    quantifier = Quantifier.ALL if name.startswith("all") else Quantifier.SOME
    return OrderBy(SORTS[name], ascending, keyword=ThreadHasKeyword(quantifier, condition))
