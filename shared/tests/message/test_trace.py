"""Trace fields (RFC 5321 §4.4)."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.message.trace import make_received, make_return_path, without_return_path


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"Return-Path: <a@b>\r\nSubject: x\r\n\r\nx", b"Subject: x\r\n\r\nx"),
        (b"Subject: x\r\nRETURN-PATH : <a@b>\r\n\t(c)\r\nTo: y\r\n\r\n", b"Subject: x\r\nTo: y\r\n\r\n"),
        (b"Return-Path: <>\r\nReturn-Path: <a@b>\r\n\r\nx", b"\r\nx"),
        (b"Subject: x\r\n\r\nReturn-Path: <a@b>\r\n", b"Subject: x\r\n\r\nReturn-Path: <a@b>\r\n"),
        (b"Subject: return-path\r\n\r\nx", b"Subject: return-path\r\n\r\nx"),
        (b"Return-Path: <a@b>", b""),
        (b"", b""),
    ],
)  # fmt: skip
def test_a_message_leaves_without_its_return_path(message, expected):
    assert without_return_path(message) == expected


@given(message=st.binary().filter(lambda raw: b"return-path" not in raw.lower()))
def test_what_final_delivery_added_is_taken_off_again_byte_for_byte(message):
    field = make_return_path("someone@example.org")
    assert without_return_path(field + b"Subject: x\r\n" + message) == b"Subject: x\r\n" + message


@given(helo=st.text(min_size=1, max_size=40), client=st.ip_addresses().map(str))
def test_whatever_a_client_calls_itself_received_stays_one_field(helo, client):
    field = make_received(
        by="mx.example.org",
        protocol="ESMTP",
        queue_id="1a",
        when=datetime(2026, 3, 1, tzinfo=UTC),
        helo=helo,
        client=client,
    )
    text = field.decode()
    assert text.endswith("; Sun, 01 Mar 2026 00:00:00 +0000\r\n")
    assert text.count(";") == 1
    assert text.count("(") == text.count(")") == 1
    lines = text.removesuffix("\r\n").split("\r\n")
    assert lines[0].startswith("Received: from ")
    assert all(line.startswith("\t") for line in lines[1:])
    assert not set("".join(lines)) & set("\r\n\0")
