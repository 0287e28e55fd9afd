"""Bodies with NUL made into text, without a change of content."""

from hypothesis import given
from hypothesis import strategies as st

from mailquay.message import scan
from mailquay.message.content import decode_body
from mailquay.message.recode import encode_nul


def contents(raw: bytes) -> list[tuple[str, str, bytes]]:
    """Every leaf, with its encoding undone."""
    parts = scan(raw).root.walk()
    return [
        (number, part.content_type, decode_body(raw, part))
        for number, part in parts
        if not part.children
    ]


def test_a_message_without_parts_becomes_mime():
    raw = b"Subject: x\r\n\r\na\0b\r\n"
    assert encode_nul(raw) == (
        b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\nYQBiDQo=\r\n"
    )


def test_only_the_parts_that_need_it_are_changed():
    raw = (
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n"
        b"--b\r\n\r\nplain\r\n"
        b"--b\r\nContent-Transfer-Encoding: binary\r\nContent-Type: a/b\r\n\r\n\0\xff\r\n"
        b"--b\r\nContent-Transfer-Encoding: base64\r\n\r\nAA==\r\n"
        b"--b\r\n\r\n\0\r\n"
        b"--b--\r\n"
    )
    assert encode_nul(raw) == (
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n"
        b"--b\r\n\r\nplain\r\n"
        b"--b\r\nContent-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\nAP8=\r\n\r\n"
        b"--b\r\nContent-Transfer-Encoding: base64\r\n\r\nAA==\r\n"
        b"--b\r\nContent-Transfer-Encoding: base64\r\n\r\nAA==\r\n\r\n"
        b"--b--\r\n"
    )


def test_what_may_not_be_encoded_is_left():
    for raw in (
        b"Content-Type: message/partial\r\n\r\n\0",
        b"Content-Type: multipart/mixed\r\n\r\n\0",
        b"Content-Transfer-Encoding: x-moon\r\n\r\n\0",
        b"Subject: \0\r\n\r\nx",
    ):
        assert encode_nul(raw) == raw


LINES = st.sampled_from(
    (
        b"--b\r\n", b"--b--\r\n", b"--c\r\n", b"\r\n", b"\n", b"\0", b"text\r\n", b"a\0\r\n",
        b"Content-Type: text/plain\r\n", b"Content-Type: multipart/mixed; boundary=c\r\n",
        b"Content-Type: message/rfc822\r\n", b"Content-Transfer-Encoding: binary\r\n",
        b"Content-Transfer-Encoding: base64\r\n", b"Subject: \0\r\n", b"MIME-Version: 1.0\r\n",
    )
)  # fmt: skip
TOP = b"Content-Type: multipart/mixed; boundary=b\r\n"


@given(st.sampled_from([b"", TOP, b"X: y\n" + TOP]), st.lists(LINES).map(b"".join))
def test_no_content_is_changed_and_no_body_holds_nul(top, rest):
    raw = top + rest
    encoded = encode_nul(raw)
    assert contents(encoded) == contents(raw)
    for _, part in scan(encoded).root.walk():
        body = encoded[part.body_start : part.body_end]
        if part.type not in ("multipart", "message"):
            assert b"\0" not in body or part.encoding not in ("7bit", "8bit", "binary")
    assert encode_nul(encoded) == encoded


@given(st.binary())
def test_any_bytes_are_taken(raw):
    encode_nul(raw)
