"""Ids of objects and of blobs (RFC 8620 §1.2)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay_webmail_api.jmap.core import ids
from mailquay_webmail_api.jmap.core.blobs import (
    email_blob_id,
    parse_email_blob_id,
    part_blob_id,
)

ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
NUMBERS = st.integers(0, (1 << 63) - 1)
KINDS = ["account", "email", "mailbox", "thread", "identity", "submission", "upload"]


@pytest.mark.parametrize("kind", KINDS)
@given(number=NUMBERS)
def test_an_id_is_read_as_it_was_written(kind, number):
    text = getattr(ids, f"{kind}_id")(number)
    assert ID.fullmatch(text)
    assert getattr(ids, f"parse_{kind}_id")(text) == number
    for other in set(KINDS) - {kind}:
        assert getattr(ids, f"parse_{other}_id")(text) is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "text", ["", "A", "1", "A01", "A-1", "A1 ", "a1", "A١", "A9223372036854775808", None, 1, ["A1"]]
)
def test_what_is_no_id_is_nothing(kind, text):
    assert getattr(ids, f"parse_{kind}_id")(text) is None


@given(st.text())
def test_any_text_is_an_id_or_is_not(text):
    for kind in KINDS:
        number = getattr(ids, f"parse_{kind}_id")(text)
        assert number is None or getattr(ids, f"{kind}_id")(number) == text


@given(NUMBERS, st.lists(st.integers(1, 999_999), max_size=20))
def test_a_blob_id_is_read_as_it_was_written(number, steps):
    if steps:
        text = part_blob_id(number, ".".join(map(str, steps)))
    else:
        text = email_blob_id(number)
    assert ID.fullmatch(text)
    assert parse_email_blob_id(text) == (number, tuple(steps))


@given(st.text() | st.from_regex(r"B\d{1,22}(-\d{1,8}){0,4}", fullmatch=True))
def test_any_text_is_a_blob_id_or_is_not(text):
    found = parse_email_blob_id(text)
    if found is not None:
        number, steps = found
        assert 0 <= number < 1 << 63
        made = part_blob_id(number, ".".join(map(str, steps))) if steps else email_blob_id(number)
        assert made == text
