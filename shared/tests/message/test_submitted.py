"""What a submission must have, and what nobody else may see of it (RFC 6409 §8, RFC 5322 §3.6.3)."""

from datetime import UTC, datetime

import pytest

from mailquay.message.sections import header_fields
from mailquay.message.submitted import (
    HIDDEN_FIELDS,
    authors,
    has_author,
    missing_fields,
    without_fields,
)
from mailquay.message.trace import without_return_path

#: More fields than a scan looks at: whoever must not miss one sees the last of them, too.
MANY = b"X: y\r\n" * 6000
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def missing(header: bytes) -> bytes:
    return missing_fields(header, author="a@x", message_id="1@x", now=NOW)


def test_what_is_missing_is_added_and_nothing_else():
    whole = b"Date: x\r\nFROM: y\r\nMessage-Id: z\r\n\r\n"
    assert missing(whole) == b""
    assert missing(MANY + whole) == b""
    assert missing(b"From : y\r\n\r\n") == (
        b"Date: Sun, 01 Mar 2026 00:00:00 +0000\r\nMessage-ID: <1@x>\r\n"
    )
    assert b"From: <a@x>\r\n" in missing(b"Subject: x\r\n\r\n")


def test_hidden_recipients_leave_no_trace():
    header = b"To: a@x\r\nBcc: b@x,\r\n c@x\r\nResent-BCC : d@x\r\nSubject: Bcc: e\r\n\r\n"
    assert without_fields(header, HIDDEN_FIELDS) == b"To: a@x\r\nSubject: Bcc: e\r\n\r\n"
    assert without_fields(MANY + b"bcc: b@x\r\n\r\n", HIDDEN_FIELDS) == MANY + b"\r\n"
    assert without_fields(b"To: a@x\r\n\r\n", HIDDEN_FIELDS) == b"To: a@x\r\n\r\n"


@pytest.mark.parametrize("before", [b"", MANY])
def test_every_author_is_found_however_far_down(before):
    header = before + b"From: A <a@x>, g: b@x;\r\nfrom: c@x\r\nResent-Sender: d@x\r\n\r\n"
    assert has_author(header)
    assert authors(header) == (["a@x", "b@x", "c@x"], ["d@x"])
    assert not has_author(before + b"Sender: d@x\r\n\r\n")


def test_other_fields_are_kept_however_many():
    assert header_fields(MANY + b"To: a\r\n\r\n", [b"subject"], negate=True) == (
        MANY + b"To: a\r\n\r\n"
    )
    assert without_return_path(MANY + b"Return-Path: <a@x>\r\n\r\n") == MANY + b"\r\n"


@pytest.mark.parametrize(
    ("field", "addresses"),
    [
        # No other domain than the one written may come of what is none.
        ("alice@example.org evil", ["alice@example.org"]),
        ("alice@exam ple.org", ["alice@exam"]),
        ("alice@example.org@evil.example", ["alice@example.org@evil.example"]),
        ("<alice@example.org> evil", ["alice@example.org"]),
        ('"alice@example.org" <evil@x.example>', ["evil@x.example"]),
        ("alice@example . org (home)", ["alice@example.org"]),
        ("evil@x.example (alice@example.org)", ["evil@x.example"]),
    ],
)
def test_an_author_is_who_is_written_there(field, addresses):
    assert authors(f"From: {field}\r\n\r\n".encode())[0] == addresses
