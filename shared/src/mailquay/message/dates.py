"""Dates of header fields (RFC 5322 §3.3) and of IMAP (RFC 9051 §9, date-time). No I/O here."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

__all__ = [
    "format_date",
    "format_internal_date",
    "parse_date",
    "parse_internal_date",
    "parse_zoned_date",
]

_MONTHS: Final = (
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
)
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
#: obs-zone (RFC 5322 §4.3); the military ones are taken for +0000, as it says.
_ZONES: Final = {
    "UT": 0, "GMT": 0, "UTC": 0, "Z": 0, "EST": -300, "EDT": -240, "CST": -360, "CDT": -300,
    "MST": -420, "MDT": -360, "PST": -480, "PDT": -420,
}  # fmt: skip
_DATE: Final = re.compile(
    r"\s*(?:[A-Za-z]{2,9}\.?\s*,?\s*)?(\d{1,2})[\s-]+([A-Za-z]{3})[A-Za-z]*\.?[\s-]+(\d{2,4})[\s,]+"
    r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?(?:\s*([+-]\d{2}):?(\d{2})|\s+\(?([A-Za-z]{1,5}))?"
)
_COMMENT: Final = re.compile(r"\([^()]*\)")
_INTERNAL: Final = re.compile(
    rb"([ \d]\d)-([A-Za-z]{3})-(\d{4}) (\d{2}):(\d{2}):(\d{2}) ([+-])(\d{2})(\d{2})"
)


def parse_date(value: bytes | str) -> datetime | None:
    """Read a Date field, obsolete forms too; aware, in UTC. None when it makes no sense."""
    when = parse_zoned_date(value)
    return None if when is None else when.astimezone(UTC)


def parse_zoned_date(value: bytes | str) -> datetime | None:
    """As `parse_date`, in the zone that the field gives."""
    text = value[:200] if isinstance(value, str) else value[:200].decode("ascii", "replace")
    match = _DATE.match(text) or _DATE.match(_COMMENT.sub(" ", text))
    if match is None or (month := match[2].lower()) not in _MONTHS:
        return None
    year = int(match[3])
    if len(match[3]) == 2:  # obs-year, RFC 5322 §4.3
        year += 2000 if year < 50 else 1900
    elif len(match[3]) == 3:
        year += 1900
    if match[7] is not None:
        sign = -1 if match[7][0] == "-" else 1
        minutes = sign * (int(match[7][1:]) * 60 + int(match[8]))
    else:
        minutes = _ZONES.get((match[9] or "").upper(), 0)
    return _build(
        year, _MONTHS.index(month) + 1, int(match[1]), int(match[4]), int(match[5]),
        int(match[6] or 0), minutes,
    )  # fmt: skip


def _build(
    year: int, month: int, day: int, hour: int, minute: int, second: int, offset_minutes: int
) -> datetime | None:
    try:
        local = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
        when = local - timedelta(minutes=offset_minutes)
        # A zone of more than a day makes no sense, but the moment still does.
        if offset_minutes and abs(offset_minutes) < 24 * 60:
            when = when.astimezone(timezone(timedelta(minutes=offset_minutes)))
        return when
    except (ValueError, OverflowError):
        return None


def format_date(when: datetime, *, in_its_zone: bool = False) -> str:
    """Write a Date field, in UTC or as it is: ``Tue, 24 Nov 2026 13:15:26 +0000``."""
    zone = f"{when:%z}" if in_its_zone else "+0000"
    if not in_its_zone:
        when = when.astimezone(UTC)
    return (
        f"{_DAYS[when.weekday()]}, {when.day:02d} {_MONTHS[when.month - 1].capitalize()} "
        f"{when.year:04d} {when.hour:02d}:{when.minute:02d}:{when.second:02d} {zone}"
    )


def parse_internal_date(value: bytes) -> datetime | None:
    """Read IMAP's ``date-time`` without its quotes; aware, in the zone given.

    None when it is none, or a moment before the year 1 or after 9999 in UTC, which nobody can keep.
    """
    match = _INTERNAL.fullmatch(value)
    if match is None or (month := match[2].decode().lower()) not in _MONTHS:
        return None
    minutes = int(match[8]) * 60 + int(match[9])
    try:
        zone = timezone(timedelta(minutes=-minutes if match[7] == b"-" else minutes))
        when = datetime(
            int(match[3]), _MONTHS.index(month) + 1, int(match[1]), int(match[4]), int(match[5]),
            min(int(match[6]), 59), tzinfo=zone,
        )  # fmt: skip
        when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return when


def format_internal_date(when: datetime) -> bytes:
    """Write IMAP's ``date-time`` with its quotes, in UTC."""
    when = when.astimezone(UTC)
    return (
        f'"{when.day:2d}-{_MONTHS[when.month - 1].capitalize()}-{when.year:04d} '
        f'{when.hour:02d}:{when.minute:02d}:{when.second:02d} +0000"'
    ).encode()
