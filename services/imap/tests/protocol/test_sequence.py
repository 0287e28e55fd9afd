"""Sequence sets: what they mean, and numbers written as one (RFC 9051 §9)."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay_imap.protocol.errors import ProtocolError
from mailquay_imap.protocol.sequence import compress, parse_sequence_set


def members(text: bytes, largest: int) -> list[int]:
    ranges = parse_sequence_set(text).resolve(largest)
    return [number for low, high in ranges for number in range(low, high + 1)]


@pytest.mark.parametrize(
    ("text", "largest", "expected"),
    [
        (b"2,4:7,9,12:*", 15, [2, 4, 5, 6, 7, 9, 12, 13, 14, 15]),
        (b"*:4,5:7", 10, [4, 5, 6, 7, 8, 9, 10]),
        (b"3291:*", 12, list(range(12, 3292))),
        (b"4:2", 9, [2, 3, 4]),
        (b"*", 7, [7]),
        (b"*:*", 7, [7]),
        (b"1,1,1:2", 5, [1, 2]),
    ],
)
def test_the_rfcs_examples(text, largest, expected):
    assert members(text, largest) == expected


@pytest.mark.parametrize(
    "text", [b"", b"0", b"1,", b",1", b"1::2", b"a", b"1:a", b"4294967296", b"-1", b"1 ,2", b"$1"]
)
def test_what_is_no_set(text):
    with pytest.raises(ProtocolError):
        parse_sequence_set(text)


NUMBERS = st.lists(st.integers(1, 200), min_size=1)


@given(NUMBERS)
def test_numbers_come_back(numbers):
    assert members(compress(sorted(set(numbers))), 1) == sorted(set(numbers))


@given(NUMBERS)
def test_compress_keeps_the_order(numbers):
    text = compress(numbers)
    expanded = []
    for item in text.split(b","):
        first, _, last = item.partition(b":")
        expanded += range(int(first), int(last or first) + 1)
    assert expanded == numbers


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 50)), min_size=1))
def test_resolved_ranges_are_ascending_and_apart(pairs):
    text = b",".join(b"%d:%b" % (low, b"%d" % high if high else b"*") for low, high in pairs)
    ranges = parse_sequence_set(text).resolve(20)
    assert all(low <= high for low, high in ranges)
    assert all(a[1] + 1 < b[0] for a, b in itertools.pairwise(ranges))
    expected = set()
    for low, high in pairs:
        ends = sorted((low, high or 20))
        expected.update(range(ends[0], ends[1] + 1))
    assert {number for low, high in ranges for number in range(low, high + 1)} == expected


def test_the_saved_result_is_a_set_of_its_own():
    assert parse_sequence_set(b"$").is_saved


def test_many_ranges_are_no_trouble():
    text = b",".join(b"%d" % n for n in range(200_000, 0, -2))
    assert len(parse_sequence_set(text).resolve(1)) == 100_000
