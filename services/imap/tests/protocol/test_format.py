"""Answers as bytes, read back by the grammar."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.store.types import Flag
from mailquay_imap.protocol.format import (
    binary_string,
    body_string,
    flags_text,
    mailbox_name,
    parse_flags,
    response_text,
)
from mailquay_imap.protocol.fragments import ClientData, Limits
from mailquay_imap.protocol.reader import Reader

KEYWORDS = st.lists(
    st.from_regex(r"[!#$&'+,\-./0-9:;<=>?@A-Z\[^_`a-z|}~]{1,10}", fullmatch=True),
    unique_by=str.lower, max_size=4,
)  # fmt: skip


def read(data: bytes, *, is_utf8: bool = False) -> Reader:
    """What a client reads: literals cut out, as it does with the server's."""
    cutter = ClientData(Limits(10**6, 10**6))
    cutter.receive_data(re.sub(rb"\{(\d+)\}\r\n", rb"{\1+}\r\n", data, count=1) + b"\r\n")
    event = cutter.next_event()
    return Reader(event.text, event.literals, is_utf8=is_utf8)


@given(st.integers(0, 31), KEYWORDS)
def test_flags_come_back(flags, keywords):
    names = read(flags_text(flags, keywords)).flag_list()
    assert parse_flags(names) == (flags, tuple(keywords), None)


def test_recent_is_told_and_never_taken():
    assert flags_text(int(Flag.SEEN), (), recent=True) == b"(\\Seen \\Recent)"
    assert flags_text(0, ("a",), recent=True) == b"(\\Recent a)"
    assert parse_flags(["\\RECENT", "\\seen"]) == (int(Flag.SEEN), (), None)
    assert parse_flags(["\\Seen", "\\Moon"])[2] == "\\Moon"
    assert parse_flags(["Tea", "tea"])[1] == ("Tea",)


NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30)


@given(NAMES, st.booleans())
def test_mailbox_names_come_back(name, is_utf8):
    written = mailbox_name(name, is_utf8=is_utf8)
    expected = "INBOX" if name.isascii() and name.upper() == "INBOX" else name
    assert read(written, is_utf8=is_utf8).mailbox() == expected


def test_a_name_is_never_mistaken_for_something_else():
    assert mailbox_name("INBOX", is_utf8=True) == b"INBOX"
    assert mailbox_name("NIL", is_utf8=False) == b'"NIL"'
    assert mailbox_name('a"\\b', is_utf8=True) == b'"a\\"\\\\b"'


@given(st.binary())
def test_a_body_is_a_literal_without_nul(data):
    written = body_string(data)
    if not data:
        assert written == b'""'
        return
    head, _, content = written.partition(b"\r\n")
    assert head == b"{%d}" % len(data)
    assert len(content) == len(data)
    assert b"\0" not in content
    assert content == data.replace(b"\0", b"\x80")


@given(st.binary())
def test_binary_is_exact(data):
    written = binary_string(data)
    if not data:
        assert written == b'""'
        return
    head, _, content = written.partition(b"\r\n")
    assert content == data
    assert head == (b"~{%d}" if b"\0" in data else b"{%d}") % len(data)


def test_what_there_is_not():
    assert body_string(None) == binary_string(None) == b"NIL"


@given(st.text(), st.booleans())
def test_a_response_is_one_line(text, is_utf8):
    line = response_text(text, is_utf8=is_utf8)
    assert not set(line) & set(range(0x20))
    assert b"\x7f" not in line
    line.decode("utf-8" if is_utf8 else "ascii")


@pytest.mark.parametrize(
    ("is_utf8", "line"),
    [(True, "there is no Entwürfe x".encode()), (False, b"there is no Entw?rfe x")],
)
def test_the_users_own_words_are_kept_apart(is_utf8, line):
    assert response_text("there is no Entwürfe\r\nx", is_utf8=is_utf8) == line
