"""Content-Type, Content-Disposition and msg-ids (RFC 2045 §5.1, RFC 2183 §2, RFC 2231, RFC 5322 §3.6.4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.message import scan
from mailquay.message.fields import (
    first_token,
    parse_content_type,
    parse_disposition,
    parse_message_ids,
)
from mailquay.message.words import encode_parameter


def filename(value: bytes) -> str | None:
    return scan(b"Content-Disposition: attachment; " + value + b"\r\n\r\n").root.filename


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"text/plain", ("text", "plain", ())),
        (b" TEXT / Plain ;CHARSET = \"UTF-8\" ", ("text", "plain", (("charset", "UTF-8"),))),
        # A comment may stand between any two tokens, and inside of another (RFC 5322 §3.2.2).
        (b"text/plain (a (b\\) \") c); charset=x (d)", ("text", "plain", (("charset", "x"),))),
        (b"text/plain (never closed; charset=x", ("text", "plain", (("charset", "x"),))),
        (b"text/plain; charset=utf-8;", ("text", "plain", (("charset", "utf-8"),))),
        (b"text/plain;;; charset=utf-8", ("text", "plain", (("charset", "utf-8"),))),
        (b"text/plain; charset=\"utf-8", ("text", "plain", (("charset", "utf-8"),))),
        (b'text/plain; name="a\\"b;c"; x=y', ("text", "plain", (("name", 'a"b;c'), ("x", "y")))),
        (b"application/vnd.ms-excel.12+xml", ("application", "vnd.ms-excel.12+xml", ())),
        (b"text", None),
        (b"/plain", None),
        (b"text/; charset=x", None),
        (b"", None),
        (None, None),
    ],
)  # fmt: skip
def test_a_content_type_is_read(value, expected):
    assert parse_content_type(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # Brackets in a quoted string are no comment.
        (b'filename="report (1).pdf"', "report (1).pdf"),
        (b'filename="a \\"b\\" \\\\ c"', 'a "b" \\ c'),
        (b"filename=plain.txt", "plain.txt"),
        (b'filename="=?utf-8?q?=C3=A4?="', "ä"),
        (b'filename="\xc3\xa4"', "ä"),
        (b'filename="\xe4"', "ä"),
        # RFC 2231 §3: continuations, in any order.
        (b'filename*1="b"; filename*0="a"; filename*2=c', "abc"),
        # RFC 2231 §4: a charset; what follows the language is escaped.
        (b"filename*=utf-8'de'%C3%A4%20b", "ä b"),
        (b"filename*=iso-8859-1''%E4", "ä"),
        (b"filename*=%E4", "ä"),
        # RFC 2231 §4.1: both, escaped pieces beside plain ones.
        (b"filename*0*=us-ascii'en'This%20is%20; filename*1*=%2A%2A%2Afun%2A%2A%2A%20; "
         b"filename*2=\"isn't it!\"", "This is ***fun*** isn't it!"),
        # A character may be cut in two by pieces.
        (b"filename*0*=utf-8''%C3; filename*1*=%A4", "ä"),
        # For readers that know no better there is a plain one, before or behind.
        (b"filename=\"a.txt\"; filename*=utf-8''%C3%A4.txt", "ä.txt"),
        (b"filename*=utf-8''%C3%A4.txt; filename=\"a.txt\"", "ä.txt"),
        (b"filename=\"x\"; filename*0*=utf-8''%C3%A4; filename*1=b", "äb"),
        (b"filename*0*=nonsense''%C3%A4", "ä"),
        (b"filename*0*='%00%0A", "'"),
    ],
)  # fmt: skip
def test_a_filename_is_what_its_sender_called_the_file(value, expected):
    assert filename(value) == expected


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=150))
def test_what_is_written_as_a_parameter_is_read_again(text):
    pieces = "; ".join(encode_parameter("filename", text))
    is_encoded = text.strip() != text or "=?" in text
    assert filename(pieces.encode()) == text or is_encoded


def test_a_disposition_is_read():
    assert parse_disposition(b"Attachment (x); FileName=a") == ("attachment", (("filename", "a"),))
    assert parse_disposition(b"; filename=a") == (None, ())
    assert parse_disposition(None) == (None, ())
    assert first_token(b" (c) BASE64 (d)") == "base64"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"<a@b>", (b"a@b",)),
        (b"<a@b> <c@d>\t<a@b>", (b"a@b", b"c@d")),
        (b"Your message of Monday <a@b>, and <no id>", (b"a@b",)),
        (b"<<a@b>>", (b"a@b",)),
        (b"a@b", ()),
        (None, ()),
    ],
)
def test_msg_ids_are_found_among_other_words(value, expected):
    assert parse_message_ids(value) == expected


@pytest.mark.parametrize(
    "boundary", ["a(b)c", "=?utf-8?q?abc?=", "a:b/c=d+e_f,g-h.i?", "a b", "x'y", "\xe9"]
)
def test_a_boundary_is_taken_to_the_letter(boundary):
    """Its characters are those of RFC 2046 §5.1.1; nothing in it is decoded."""
    text = boundary.encode("latin-1")
    raw = b'Content-Type: multipart/mixed; boundary="%s"\r\n\r\n--%s\r\n\r\nx\r\n--%s--\r\n' % (
        text, text, text,
    )  # fmt: skip
    (part,) = scan(raw).root.children
    assert raw[part.body_start : part.body_end] == b"x"


def test_a_boundary_may_be_in_pieces():
    raw = b"Content-Type: multipart/mixed; boundary*0=ab; boundary*1=c\r\n\r\n--abc\r\n\r\nx"
    assert len(scan(raw).root.children) == 1
