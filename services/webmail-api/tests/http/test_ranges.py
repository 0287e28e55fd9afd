"""One byte range (RFC 9110 §14)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay_webmail_api.http.ranges import Unsatisfiable, parse_range

CASES = [
    (None, None),
    ("bytes=0-0", (0, 1)),
    ("bytes=2-4", (2, 5)),
    ("bytes=2-", (2, 10)),
    ("bytes=-3", (7, 10)),
    ("bytes=-30", (0, 10)),
    ("bytes=5-99", (5, 10)),
    ("Bytes = 1 - 2", (1, 3)),
    # Several, other units, the wrong way round, none at all: the whole.
    ("bytes=0-1,3-4", None),
    ("lines=0-1", None),
    ("bytes=4-2", None),
    ("bytes=-", None),
    ("bytes=a-b", None),
]


@pytest.mark.parametrize(("field", "expected"), CASES)
def test_one_range_of_ten_bytes(field, expected):
    assert parse_range(field, 10) == expected


@pytest.mark.parametrize(("field", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=-1", 0)])
def test_what_lies_behind_the_end_is_not_satisfiable(field, size):
    with pytest.raises(Unsatisfiable):
        parse_range(field, size)


@given(st.text() | st.from_regex(r"bytes=\d*-\d*", fullmatch=True), st.integers(0, 1 << 40))
def test_a_range_lies_within_what_is_there(field, size):
    try:
        found = parse_range(field, size)
    except Unsatisfiable:
        return
    if found is not None:
        first, end = found
        assert 0 <= first < end <= size
