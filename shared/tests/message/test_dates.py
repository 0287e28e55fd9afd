"""Dates of Date fields and of IMAP (RFC 5322 §3.3, §4.3; RFC 9051 §9, date-time)."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.message.dates import (
    format_date,
    format_internal_date,
    parse_date,
    parse_internal_date,
    parse_zoned_date,
)

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
FIRST, LAST = datetime.fromisoformat("0001-01-03"), datetime.fromisoformat("9999-12-28")
MOMENTS = st.datetimes(FIRST, LAST, timezones=ZONES).map(lambda when: when.replace(microsecond=0))


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("Fri, 21 Nov 1997 09:55:06 -0600", "1997-11-21T15:55:06+00:00"),
        ("21 Nov 97 09:55 GMT", "1997-11-21T09:55:00+00:00"),
        ("21 Nov 24 09:55:06 EST", "2024-11-21T14:55:06+00:00"),
        ("21 Nov 107 09:55:06 Z", "2007-11-21T09:55:06+00:00"),
        # RFC 5322 §4.3: letters of one character are of no known zone.
        ("21 Nov 2024 09:55:06 A", "2024-11-21T09:55:06+00:00"),
        ("Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", None),
        ("Fri, 21 Nov (it was) 1997 09:55:06 -0600 (CST)", "1997-11-21T15:55:06+00:00"),
        ("fri,21-NOV-1997 09:55:06+0100", "1997-11-21T08:55:06+00:00"),
        ("Friday, 21 November 1997 9:55:60 +01:00", "1997-11-21T08:55:59+00:00"),
        ("21 Nov 1997 09:55:06.123 -0000", "1997-11-21T09:55:06+00:00"),
        ("Fri, 31 Feb 1997 09:55:06 +0000", None),
        ("1 Jan 0001 00:00:00 +0100", None),
        ("31 Dec 9999 23:59:59 -0100", None),
        ("1997-11-21T09:55:06Z", None),
        ("", None),
    ],
)
def test_dates_are_read_as_mail_has_them(text, iso):
    when = parse_date(text)
    assert (when and when.isoformat()) == iso
    assert parse_date(text.encode()) == when


@given(MOMENTS)
def test_a_moment_is_read_as_it_was_written(when):
    assert parse_date(format_date(when)) == when
    assert parse_internal_date(format_internal_date(when).strip(b'"')) == when


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        (b" 1-Jan-2024 10:00:00 +0130", "2024-01-01T08:30:00+00:00"),
        (b"01-jan-2024 10:00:00 -0130", "2024-01-01T11:30:00+00:00"),
        (b"31-Feb-2024 10:00:00 +0000", None),
        (b"01-Jan-2024 10:00:00 +9900", None),
        (b"1-Jan-2024 10:00:00 +0000", None),
        (b"01-Jan-2024 10:00:00", None),
        # Moments that nobody can keep.
        (b"01-Jan-0001 00:00:00 +0100", None),
        (b"31-Dec-9999 23:59:59 -0100", None),
        (b"01-Jan-0000 00:00:00 +0000", None),
    ],
)
def test_an_internal_date_is_to_the_letter(text, iso):
    when = parse_internal_date(text)
    assert (when and when.astimezone(UTC).isoformat()) == iso


@given(st.text())
def test_anything_else_is_no_date(text):
    assert parse_date(text) is None or any(c.isdigit() for c in text)
    assert parse_internal_date(text.encode("utf-8", "replace")) is None


def test_a_date_keeps_its_zone():
    when = datetime(2018, 7, 10, 11, 3, 11, tzinfo=timezone(timedelta(hours=10)))
    text = "Tue, 10 Jul 2018 11:03:11 +1000"
    assert format_date(when, in_its_zone=True) == text
    assert parse_zoned_date(text) == when
    assert parse_zoned_date(text).utcoffset() == timedelta(hours=10)
    assert parse_date(text).utcoffset() == timedelta(0)
    assert format_date(when) == "Tue, 10 Jul 2018 01:03:11 +0000"


def test_a_zone_of_more_than_a_day_leaves_the_moment():
    when = parse_zoned_date("Tue, 10 Jul 2018 11:03:11 +9959")
    assert when == datetime(2018, 7, 6, 7, 4, 11, tzinfo=UTC)
