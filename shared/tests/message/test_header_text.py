"""A header as text, for searching: ordinary ones are unfolded at once, the others by field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.message.header import header_text, iter_fields, unfold
from mailquay.message.words import decode_words


def by_field(raw: bytes) -> list[str]:
    return [
        f"{field.name.decode('ascii', 'replace')}: {decode_words(unfold(field.value))}"
        for field in iter_fields(raw, 0, len(raw))
    ]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"Subject: tea\r\n\tand cake\r\nTo: a@b\r\n\r\n", "Subject: tea\tand cake\r\nTo: a@b"),
        (b"Subject : tea\r\n", "Subject: tea"),
        (b"Subject:tea\nTo: a\n\n", "Subject: tea\nTo: a"),
        (b"no field\r\nTo: a\r\n", "To: a"),
        (b"Subject: =?utf-8?q?t=C3=A9?=\r\n", "Subject: té"),
        (b"Subject: te\x01a\r\n", "Subject: tea"),
        (b"", ""),
    ],
)
def test_fields_are_told_with_their_names(raw: bytes, text: str) -> None:
    assert header_text(raw, 0, len(raw)) == text
    assert header_text(b"x\r\n" + raw + b"y", 3, 3 + len(raw)) == text


FRAGMENTS = st.sampled_from(
    [b"A: ", b"Bc:", b"d : ", b"e", b" ", b"\t", b"\r\n", b"\r\n ", b"\n", b"\r", b"\0", b"\xc3\xa9",
     b"=?x?q?y?=", b"=?", b": ", b"word"]
)  # fmt: skip


@given(st.lists(FRAGMENTS, max_size=30).map(b"".join))
def test_both_ways_find_the_same(raw: bytes) -> None:
    told = [line.rstrip() for line in header_text(raw, 0, len(raw)).splitlines()]
    assert [line for line in told if line] == [
        part.rstrip() for line in by_field(raw) for part in line.splitlines() if part.rstrip()
    ]
