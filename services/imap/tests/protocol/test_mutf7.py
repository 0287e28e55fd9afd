"""Modified UTF-7, by the examples of RFC 3501 §5.1.3 and for any name."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay_imap.protocol.errors import ProtocolError
from mailquay_imap.protocol.mutf7 import decode_mutf7, encode_mutf7

NAMES = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        ("~peter/mail/台北/日本語", b"~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
        ("Entwürfe", b"Entw&APw-rfe"),
        ("A & B", b"A &- B"),
        ("&", b"&-"),
        ("", b""),
        ("😀", b"&2D3eAA-"),
        ("a\tb", b"a&AAk-b"),
    ],
)
def test_known_answers_both_ways(name, encoded):
    assert encode_mutf7(name) == encoded
    assert decode_mutf7(encoded) == name


@given(NAMES)
def test_every_name_comes_back(name):
    encoded = encode_mutf7(name)
    assert decode_mutf7(encoded) == name
    assert encoded.isascii()
    assert all(0x20 <= byte < 0x7F for byte in encoded)


@given(st.binary())
def test_any_bytes_are_a_name_or_an_error(data):
    with contextlib.suppress(ProtocolError):
        decode_mutf7(data)


@pytest.mark.parametrize(
    "encoded", [b"&", b"&AGE", b"&AGE/", b"&AG-", b"&2AA-", b"&3AA-", b"a&b", b"&AGE=-", b"\xff"]
)
def test_what_is_no_name(encoded):
    with pytest.raises(ProtocolError):
        decode_mutf7(encoded)


def test_utf8_is_taken_for_what_it_is():
    assert decode_mutf7("Entwürfe &- mehr".encode()) == "Entwürfe & mehr"


def test_time_is_linear():
    for hard in (b"&" * 1_000_000, b"&-" * 500_000, b"&AGE" * 250_000, b"&" + b"A" * 1_000_000):
        with contextlib.suppress(ProtocolError):
            decode_mutf7(hard)
    encode_mutf7("aü" * 500_000)
