"""Inputs that make a careless pattern take hours: they end within the test's time-out."""

import pytest

from mailquay.message import scan
from mailquay.message.addresses import parse_address_list
from mailquay.message.content import undo_encoding

MEGABYTE = 1 << 20


@pytest.mark.parametrize(
    "text",
    [
        b"a" + b" " * MEGABYTE + b"b",
        b" " * MEGABYTE + b'"a" <b@c',
        b'"a"' + b" " * MEGABYTE + b"b@c",
        b"a@b" + b" " * MEGABYTE + b"c",
        b"a" * MEGABYTE + b"@",
        b"a <b@c" + b">" * MEGABYTE,
    ],
)
def test_an_address_list_is_read_in_one_pass(text: bytes) -> None:
    assert isinstance(parse_address_list(text), tuple)


def test_space_at_the_ends_of_quoted_printable_lines_is_dropped() -> None:
    assert undo_encoding(b"a \t \r\nb \nc", "quoted-printable") == b"a\r\nb\nc"


def test_a_line_of_spaces_in_quoted_printable_is_read_in_one_pass() -> None:
    spaces = b" " * MEGABYTE
    assert undo_encoding(spaces + b"x", "quoted-printable") == spaces + b"x"


def test_a_preview_is_taken_from_the_writers_own_words() -> None:
    raw = b"\r\n> quoted\r\nOn Monday, Jane wrote:  \r\n\r\nYes,\r\n  do \0that.\r\n> older\r\n"
    assert scan(raw).preview() == "Yes, do that."
