"""Days and ages that a search asks for, as Postgres is asked (RFC 9051 §6.4.4, RFC 5032). Pure."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from mailquay.message.dates import parse_zoned_date
from mailquay.store import search as s
from mailquay_imap.protocol.search import DateKey, WithinKey

__all__ = ["bounds", "in_time", "midnight", "sent_day"]

#: The date at the head of an ENVELOPE, where it is no literal.
_ENVELOPE_DATE: Final = re.compile(rb'\("((?:[^"\\]|\\.)*)"')


def in_time(key: DateKey | WithinKey, now: datetime) -> s.Expression:
    """What a key means that asks for INTERNALDATE or SAVEDATE."""
    return _on_days(key) if isinstance(key, DateKey) else _within(key, now)


def bounds(key: DateKey) -> tuple[date | None, date | None]:
    """First day, and the one behind the last; None is open."""
    following = None if key.day == date.max else key.day + timedelta(days=1)
    match key.relation:
        case "BEFORE":
            return None, key.day
        case "SINCE":
            return key.day, None
    return key.day, following


def midnight(day: date | None, days: int = 0) -> datetime | None:
    """A day's beginning in UTC, or some days off; None is open, as is what no calendar has."""
    if day is None:
        return None
    try:
        return datetime.combine(day, time(), UTC) + timedelta(days=days)
    except OverflowError:
        return None


def _on_days(key: DateKey) -> s.Expression:
    """The day of INTERNALDATE or of SAVEDATE, which are told in UTC."""
    first, following = bounds(key)
    field = s.DateField.SAVED if key.kind == "SAVED" else s.DateField.RECEIVED
    return s.Range(field, midnight(first), midnight(following))


def _within(key: WithinKey, now: datetime) -> s.Expression:
    """INTERNALDATE's age; that of exactly so many seconds is both (RFC 5032 §3)."""
    moment = now - timedelta(seconds=key.seconds)
    if key.is_older:
        return s.Range(s.DateField.RECEIVED, None, moment + timedelta.resolution)
    return s.Range(s.DateField.RECEIVED, moment, None)


def sent_day(envelope: bytes, sent_at: datetime | None, received_at: datetime) -> date:
    """The Date field's day; without a valid one, that of INTERNALDATE (RFC 5256 §2.2)."""
    if sent_at is None:
        return received_at.astimezone(UTC).date()
    match = _ENVELOPE_DATE.match(envelope)
    zoned = None if match is None else parse_zoned_date(match[1])
    return sent_at.astimezone(UTC).date() if zoned is None else zoned.date()
