"""Trace fields (RFC 5321 §4.4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.message.trace import make_return_path, without_return_path


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
