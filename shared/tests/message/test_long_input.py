"""Inputs that make a careless pattern take hours: they end within the test's time-out.

Nothing of a message is refused for its shape (RFC 5321 §4.5.3.1.7 bounds its size alone).
"""

import pytest

from mailquay.delivery.facts import read_facts
from mailquay.message import scan
from mailquay.message.addresses import parse_address_list
from mailquay.message.content import text_parts, undo_encoding

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
        b"(" * MEGABYTE,
        b"(\\" * (MEGABYTE // 2),
        b'"' + b"\\" * MEGABYTE,
        b"[" * MEGABYTE,
    ],
)
def test_an_address_list_is_read_in_one_pass(text: bytes) -> None:
    assert isinstance(parse_address_list(text), tuple)


@pytest.mark.parametrize(
    "raw",
    [
        b"x" * (10 * MEGABYTE),
        b"Subject: " + b"x" * (10 * MEGABYTE),
        b" " * (10 * MEGABYTE),
        b"\r\n" * MEGABYTE,
        b"A: b\r\n" * 100_000 + b"\r\n",
        b"A" * MEGABYTE + b" " * MEGABYTE,
        b"Subject: x" + b"\r\n \t" * 200_000,
        b"Subject: " + b"=?utf-8?q?=C3=A4?= " * 50_000,
        b"Subject: " + b"=?utf-8?q?" + b"x" * MEGABYTE,
        b"Subject: ?=" + b" " * MEGABYTE + b"=?a?q?",
        b"References: " + b"<reference@example.org>\r\n " * 50_000,
        b"Message-ID: " + b"<" * MEGABYTE,
        b"Date: " + b" " * MEGABYTE + b"1",
        b"Content-Type: text/plain; a=" + b'"' + b"\\" * MEGABYTE,
        b"Content-Type: text/plain;" + b" " * MEGABYTE + b"a",
        b"Content-Type: text/plain;" + b"a" * MEGABYTE + b" " * MEGABYTE,
        b"Content-Type: text/plain" + b";a*0*=%41" * 100_000,
        b"Content-Disposition: a" + b"(\\" * MEGABYTE,
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"\n--b" * 200_000,
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + (b"\n--b" + b" " * 990) * 2000,
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b" + b"-" * MEGABYTE,
        b"Content-Type: multipart/mixed; boundary=" + b"b" * MEGABYTE + b"\r\n\r\n--bb",
        b"Content-Type: message/rfc822\r\n\r\n" * 50_000,
    ],
    ids=lambda raw: repr(raw[:30]),
)
def test_a_message_is_read_in_one_pass(raw: bytes) -> None:
    assert read_facts(raw).is_8bit is False
    assert scan(raw).root.body_end == len(raw)


@pytest.mark.parametrize(
    "text", [b"<", b"<!--", b"<a ", b"</style", b"&", b"&#x", b"\xa0 \n", b"<style></style>"]
)
def test_html_is_read_in_one_pass(text: bytes) -> None:
    raw = b"Content-Type: text/html; charset=latin1\r\n\r\n" + text * 200_000
    assert len(list(text_parts(raw, scan(raw).root))) == 1


def test_a_line_of_spaces_in_quoted_printable_is_read_in_one_pass() -> None:
    spaces = b" " * MEGABYTE
    assert undo_encoding(spaces + b"x", "quoted-printable") == spaces + b"x"
    assert undo_encoding((b"=" + b" " * 50) * 20_000, "quoted-printable") != b""
