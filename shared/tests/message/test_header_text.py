"""Text and dates of header fields, to the letter."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.message.addresses import parse_address_list
from mailquay.message.dates import format_date, parse_date, parse_zoned_date
from mailquay.message.header import Header
from mailquay.message.words import decode_unstructured, encode_words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"=?UTF-8?Q?John_Sm=C3=AEth?=", "John Smîth"),
        # RFC 2047 §8: space between two encoded words is not shown, other space is.
        (b"(=?ISO-8859-1?Q?a?=)", "(=?ISO-8859-1?Q?a?=)"),
        (b"=?ISO-8859-1?Q?a?= b", "a b"),
        (b"=?ISO-8859-1?Q?a?= \t =?ISO-8859-1?Q?b?=", "ab"),
        (b"=?ISO-8859-1?Q?a_?= =?ISO-8859-1?Q?b?=", "a b"),
        (b"x=?UTF-8?Q?y?=", "x=?UTF-8?Q?y?="),
        (b"=?UTF-8?Q?y?=z", "=?UTF-8?Q?y?=z"),
        (b"=?no-such-set?Q?y?= =?UTF-8?Q?z?=", "=?no-such-set?Q?y?= z"),
        (b"=?UTF-8?Q?=FF?=", "=?UTF-8?Q?=FF?="),
        (b"=?UTF-8?Q?a=00=07b?=", "ab"),
        (b"  caf\xc3\xa9", "  café"),
    ],
)
def test_only_encoded_words_in_their_place_are_decoded(value, text):
    assert decode_unstructured(value) == text


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=200))
def test_what_was_encoded_is_decoded_again(text):
    assert decode_unstructured(encode_words(text).encode()) == text or text.startswith("=?")


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


def test_values_stand_as_they_are():
    header = Header(raw := b"X: a\r\n b \r\nx:c\nX:\r\n\r\n", 0, len(raw))
    assert header.all_values(b"x") == [b" a\r\n b ", b"c", b""]
    assert header.all_raw(b"x") == [b"a b", b"c", b""]


@pytest.mark.parametrize(
    ("text", "name", "addr_spec"),
    [
        ('"a b"@x', "", '"a b"@x'),
        ("Jane Doe jane@example.org", "Jane Doe", "jane@example.org"),
        ('Jane "a b" @ x', "Jane", '"a b"@x'),
        ("jane @ example.org", "", "jane@example.org"),
        ("<a b@x>", "", '"a b"@x'),
    ],
)
def test_a_space_divides_words_but_no_quoted_string(text, name, addr_spec):
    (address,) = parse_address_list(text)
    assert (address.name, address.addr_spec) == (name, addr_spec)
