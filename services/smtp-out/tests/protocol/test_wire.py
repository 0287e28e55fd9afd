"""RFC 5321 §4.5.2: transparency, and that no message smuggles another."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay_smtp_out.protocol.wire import dot_stuff


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        (b"", b".\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b".\r\n", b"..\r\n.\r\n"),
        (b"a\r\n.b\r\n..c\r\n", b"a\r\n..b\r\n...c\r\n.\r\n"),
        (b"a\n.\nMAIL FROM:<x@y>\n", b"a\r\n..\r\nMAIL FROM:<x@y>\r\n.\r\n"),
        (b"a\r.\r\n", b"a\r\n..\r\n.\r\n"),
    ],
)
def test_lines_end_in_crlf_and_leading_dots_are_doubled(message: bytes, wire: bytes) -> None:
    assert dot_stuff(message) == wire


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"a", b"\r\n.\r\n"])).map(b"".join))
def test_the_end_of_data_stands_once_and_no_line_end_is_bare(message: bytes) -> None:
    wire = dot_stuff(message)
    assert re.search(rb"\r(?!\n)|(?<!\r)\n", wire) is None
    assert (b"\r\n" + wire).count(b"\r\n.\r\n") == 1
    assert (b"\r\n" + wire).endswith(b"\r\n.\r\n")
