"""Text of header fields: to the letter, and as mail has it (RFC 2047 §5, §6.2, §8)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.message.header import Header
from mailquay.message.words import decode_unstructured, decode_words, encode_words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"=?UTF-8?Q?John_Sm=C3=AEth?=", "John Smîth"),
        # RFC 2047 §8: space between two encoded words is not shown, other space is.
        (b"(=?ISO-8859-1?Q?a?=)", "(=?ISO-8859-1?Q?a?=)"),
        (b"=?ISO-8859-1?Q?a?= b", "a b"),
        (b"=?ISO-8859-1?Q?a?= \t =?ISO-8859-1?Q?b?=", "ab"),
        (b"=?ISO-8859-1?Q?a_?= =?ISO-8859-1?Q?b?=", "a b"),
        (b"x=?UTF-8?Q?y?=", "x=?UTF-8?Q?y?="),
        (b"=?UTF-8?Q?y?=z", "=?UTF-8?Q?y?=z"),
        (b"=?no-such-set?Q?y?= =?UTF-8?Q?z?=", "=?no-such-set?Q?y?= z"),
        (b"=?UTF-8?Q?=FF?=", "=?UTF-8?Q?=FF?="),
        (b"=?UTF-7?Q?+2AA-?=", "=?UTF-7?Q?+2AA-?="),
        (b"=?UTF-8?Q?a=00=07b?=", "ab"),
        (b"  caf\xc3\xa9", "  café"),
    ],
)
def test_only_encoded_words_in_their_place_are_decoded(value, text):
    assert decode_unstructured(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"plain", "plain"),
        (b"=?utf-8?b?w6Q=?=", "ä"),
        (b"=?utf-8?b?w6Q?=", "ä"),  # without its padding
        (b"=?UTF-8*de?Q?=C3=A4?=", "ä"),  # with a language, RFC 2231 §5
        (b"(=?utf-8?q?a?=)", "(a)"),
        (b"a=?utf-8?q?b?=c", "abc"),
        # A character that was cut in two at the words' end.
        (b"=?utf-8?q?=C3?= =?utf-8?q?=A4?=", "ä"),
        (b"=?utf-8?b?w6Q=?==?utf-8?b?w6Q=?=", "ää"),
        (b"=?iso-8859-1?q?=E4?= =?utf-8?q?=C3=A4?= x", "ää x"),
        (b"=?no-such-set?q?=C3=A4?=", "ä"),
        (b"=?utf-8?q?open", "=?utf-8?q?open"),
        (b"=?utf-8?x?a?=", "=?utf-8?x?a?="),
        (b"=?utf-8?b?x?=", "=?utf-8?b?x?="),
        (b"=?utf-8?q?a?= =?utf-8?b?x?= =?utf-8?q?c?=", "a=?utf-8?b?x?=c"),
        (b"=?utf-8?q?a=0D=0Ab=00?=", "ab"),
        (b"=?utf-7?q?+2AA-?=", "\ufffd"),
        (b"gr\xfc\xdfe", "grüße"),
    ],
)
def test_encoded_words_are_decoded_wherever_mail_has_them(value, text):
    assert decode_words(value) == text


def test_thousands_of_words_make_one_text():
    assert decode_words(b"=?utf-8?q?=C3=A4?= " * 5000) == "ä" * 5000 + " "


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=200))
def test_what_was_encoded_is_decoded_again(text):
    encoded = encode_words(text)
    assert decode_unstructured(encoded.encode()) == text
    assert decode_words(encoded.encode()) == text
    assert all(len(word) <= 75 for word in encoded.split(" ") if word.startswith("=?utf-8?B?"))


@given(st.binary(max_size=200))
def test_any_bytes_are_some_text(value):
    for text in (decode_words(value), decode_unstructured(value)):
        text.encode()
        assert not set(text) & set("\r\n\0")


def test_values_stand_as_they_are():
    header = Header(raw := b"X: a\r\n b \r\nx:c\nX:\r\n\r\n", 0, len(raw))
    assert header.all_values(b"x") == [b" a\r\n b ", b"c", b""]
    assert header.all_raw(b"x") == [b"a b", b"c", b""]
