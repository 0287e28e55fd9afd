"""The header of what is received: where it ends, what it lacks, what is taken out."""

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.message.submitted import authors, has_author, missing_fields, without_fields
from mailquay_smtp_in.header import split_header

HIDDEN = frozenset((b"bcc", b"resent-bcc"))

SPLITS = [
    ([], b"", []),
    ([b"A: 1\r\n\r\nbody\r\n"], b"A: 1\r\n\r\n", [b"body\r\n"]),
    ([b"A: 1\r\n\r\n"], b"A: 1\r\n\r\n", [b""]),
    ([b"A: 1\r\n"], b"A: 1\r\n", []),
    ([b"A: 1\r", b"\n\r", b"\nbody"], b"A: 1\r\n\r\n", [b"body"]),
    ([b"A: 1\r\n\r\nbo", b"dy", b"more"], b"A: 1\r\n\r\n", [b"bo", b"dy", b"more"]),
    ([b"\r\nbody"], b"", [b"\r\nbody"]),
    ([b"just text\r\n"], b"", [b"\r\n", b"just text\r\n"]),
    ([b" folded: nothing\r\n"], b"", [b"\r\n", b" folded: nothing\r\n"]),
    ([b"From alice Mon\r\nA: 1\r\n\r\nb"], b"From alice Mon\r\nA: 1\r\n\r\n", [b"b"]),
    ([b"A : old style\r\n\r\nb"], b"A : old style\r\n\r\n", [b"b"]),
]


@pytest.mark.parametrize(("pieces", "header", "body"), SPLITS)
def test_a_header_ends_at_the_blank_line(pieces, header, body):
    assert split_header(pieces) == (header, body)


@given(
    st.lists(st.sampled_from([b"A: 1\r\n", b"\r\n", b"text\r\n", b" x\r\n", b"\r", b"\n"]), max_size=9)
    .map(b"".join),
    st.lists(st.integers(0, 60), max_size=4),
)  # fmt: skip
def test_nothing_is_lost_wherever_pieces_end(message, cuts):
    places = sorted({c % (len(message) + 1) for c in cuts} - {0, len(message)})
    bounds = [0, *places, len(message)]
    pieces = [message[a:b] for a, b in itertools.pairwise(bounds) if a < b]
    header, body = split_header(pieces)
    whole = header + b"".join(body)
    assert whole in (message, b"\r\n" + message)
    if header and b"\r\n\r\n" in message and whole == message:
        assert header.endswith(b"\r\n\r\n")
        assert b"\r\n\r\n" not in header[:-2]


def test_a_huge_header_is_split_in_linear_time():
    pieces = [b"A: 1\r\n"] + [b"B: " + b"x" * 900 + b"\r\n"] * 20_000 + [b"\r\nbody"]
    header, body = split_header(pieces)
    assert len(header) == sum(map(len, pieces)) - 4
    assert body == [b"body"]


REMOVED = [
    (b"A: 1\r\nBcc: x@y\r\nB: 2\r\n\r\n", b"A: 1\r\nB: 2\r\n\r\n"),
    (b"bcc : x@y,\r\n z@y\r\nB: 2\r\n\r\n", b"B: 2\r\n\r\n"),
    (b"A: 1\r\nBCC:\r\n\r\n", b"A: 1\r\n\r\n"),
    (b"Bcc: a\r\nBcc: b\r\nResent-Bcc: c\r\nA: 1\r\n\r\n", b"A: 1\r\n\r\n"),
    (b"A: Bcc: x\r\nX-Bcc: y\r\n\r\n", b"A: Bcc: x\r\nX-Bcc: y\r\n\r\n"),
    (b"A: 1\r\nBcc: x", b"A: 1\r\n"),
    (b"", b""),
]


@pytest.mark.parametrize(("header", "left"), REMOVED)
def test_fields_are_taken_out_with_their_continuations(header, left):
    assert without_fields(header, HIDDEN) == left


NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def missing(header: bytes) -> bytes:
    return missing_fields(header, author="alice@example.org", message_id="1@host", now=NOW)


def test_what_is_missing_is_added_and_only_that():
    assert missing(b"") == (
        b"Date: Sun, 01 Mar 2026 12:00:00 +0000\r\n"
        b"From: <alice@example.org>\r\n"
        b"Message-ID: <1@host>\r\n"
    )
    assert missing(b"date: x\r\nMESSAGE-ID: <a>\r\n\r\n") == b"From: <alice@example.org>\r\n"
    assert missing(b"Date: x\r\nFrom: y\r\nMessage-Id: z\r\n\r\n") == b""


def test_authors_and_senders_are_told_apart():
    header = (
        b'From: "Alice, A." <alice@example.org>, Group: bob@example.org, carol@example.org;\r\n'
        b"Sender: dave@example.org\r\nResent-From: eve@example.org\r\n"
        b"From: mallory@example.org\r\nReply-To: other@example.org\r\n\r\n"
    )
    assert has_author(header)
    assert authors(header) == (
        ["alice@example.org", "bob@example.org", "carol@example.org", "mallory@example.org"],
        ["dave@example.org", "eve@example.org"],
    )
    assert not has_author(b"Sender: dave@example.org\r\n\r\n")
    assert authors(b"From: nobody at all\r\n\r\n")[0] != ["alice@example.org"]


@given(st.binary(max_size=200))
def test_any_header_is_read(header):
    has_author(header)
    authors(header)
    missing(header)
    assert len(without_fields(header, HIDDEN)) <= len(header)
