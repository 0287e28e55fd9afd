"""Multi-line replies: what a client puts together is what was stored, whatever that is."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailquay_pop3.protocol import multiline as module
from mailquay_pop3.protocol.multiline import listing, multiline, top

KNOWN = [
    (b"", b".\r\n"),
    (b"a\r\n", b"a\r\n.\r\n"),
    (b"a", b"a\r\n.\r\n"),
    (b".", b"..\r\n.\r\n"),
    (b".\r\n", b"..\r\n.\r\n"),
    (b"a\r\n.\r\nb\r\n", b"a\r\n..\r\nb\r\n.\r\n"),
    (b"a\r\n..b\r\n", b"a\r\n...b\r\n.\r\n"),
    (b"a\n.\nb\n", b"a\r\n..\r\nb\r\n.\r\n"),
    (b"a\r.\rb", b"a\r\n..\r\nb\r\n.\r\n"),
    (b"a\r\n\r\n", b"a\r\n\r\n.\r\n"),
    (b"a\r\r\n", b"a\r\n\r\n.\r\n"),
]


def whole(message: bytes) -> bytes:
    return b"".join(multiline(message))


@pytest.mark.parametrize(("message", "wire"), KNOWN)
def test_dots_are_stuffed_and_line_ends_made_even(message, wire):
    assert whole(message) == wire


def received(wire: bytes) -> bytes:
    """A client's side (RFC 1939 §3)."""
    assert wire.endswith(b".\r\n")
    lines = wire.removesuffix(b".\r\n").split(b"\r\n")
    assert lines.pop() == b""
    assert b"." not in lines
    return b"".join(line.removeprefix(b".") + b"\r\n" for line in lines)


def even(message: bytes) -> bytes:
    message = re.sub(rb"\r\n|\r|\n", b"\r\n", message)
    return message if message.endswith(b"\r\n") or not message else message + b"\r\n"


MESSAGES = st.one_of(
    st.binary(max_size=100),
    st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"a"]), max_size=30).map(b"".join),
)


@given(message=MESSAGES, size=st.integers(0, 8))
@example(message=b"a\n.\r\n.\r.", size=0)
def test_any_message_comes_through_in_pieces_of_any_size(message, size):
    before = module._PIECE_BYTES
    module._PIECE_BYTES = size
    try:
        wire = whole(message)
    finally:
        module._PIECE_BYTES = before
    assert wire == whole(message)
    assert received(wire) == even(message)


def test_a_large_message_is_not_put_together_again():
    message = (b"." + b"x" * 76 + b"\r\n") * 20_000
    pieces = list(multiline(message))
    assert max(map(len, pieces)) < 200_000
    assert received(b"".join(pieces)) == message


HEADER = b"A: 1\r\nB: 2\r\n\r\n"
TOPS = [
    (HEADER + b"1\r\n2\r\n3\r\n", len(HEADER), 0, HEADER),
    (HEADER + b"1\r\n2\r\n3\r\n", len(HEADER), 2, HEADER + b"1\r\n2\r\n"),
    (HEADER + b"1\r\n2\r\n3\r\n", len(HEADER), 9_999_999_999, HEADER + b"1\r\n2\r\n3\r\n"),
    (HEADER + b"1\r\n2", len(HEADER), 2, HEADER + b"1\r\n2"),
    (HEADER, len(HEADER), 5, HEADER),
    (b"A: 1\n\nb\nc\n", 6, 1, b"A: 1\n\nb\n"),
    (b"A: 1\n\r\nb\nc\n", 7, 1, b"A: 1\n\r\nb\n"),
    (b"A: 1\r\n\nb\n", 7, 1, b"A: 1\r\n\nb\n"),
    (b"\r\nbody\r\n", 2, 1, b"\r\nbody\r\n"),
    (b"\nbody\r\n", 1, 0, b"\n"),
    (b"A: 1\r\n", 6, 3, b"A: 1\r\n\r\n"),
    (b"A: 1", 4, 3, b"A: 1\r\n\r\n"),
    (b"", 0, 3, b"\r\n\r\n"),
]


@pytest.mark.parametrize(("message", "header_length", "lines", "expected"), TOPS)
def test_the_top_of_a_message_is_its_header_and_some_lines(message, header_length, lines, expected):
    assert top(message, header_length, lines) == expected


def test_a_listing_ends_in_a_dot():
    assert listing([]) == b".\r\n"
    assert listing(["1 100", "2 200"]) == b"1 100\r\n2 200\r\n.\r\n"
