"""What is written is read again (RFC 5322 §2.1.1, RFC 2045 §6, RFC 2046 §5.1)."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.message import scan
from mailquay.message.build import (
    Attachment,
    HeaderLine,
    Leaf,
    Multipart,
    build,
    compose,
    encoded_text_line,
)
from mailquay.message.content import decode_body, decode_text
from mailquay.message.header import Header

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=80)
ATTACHMENTS = st.builds(
    Attachment,
    st.sampled_from(["application/pdf", "text/plain", "image/png"]),
    st.binary(max_size=300),
    st.one_of(st.none(), NAMES),
    st.one_of(st.none(), st.just("1@x")),
    st.booleans(),
)


def written(body, *headers: HeaderLine) -> bytes:
    numbers = count()
    return build(headers, body, lambda: f"b{next(numbers)}x")


def crlf(text: str) -> str:
    return "\r\n".join(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))


@given(text=TEXTS, html=st.one_of(st.none(), TEXTS), files=st.lists(ATTACHMENTS, max_size=3))
def test_a_composed_message_has_all_that_was_put_in(text, html, files):
    raw = written(compose(text, html, files), HeaderLine("Subject", "x"))
    leaves = [part for _, part in scan(raw).root.walk() if not part.is_multipart]
    own = [part for part in leaves if part.disposition is None]
    assert decode_text(raw, own[0]) == crlf(text)
    if html is not None:
        assert decode_text(raw, own[1]) == crlf(html)
    attached = sorted(decode_body(raw, part) for part in leaves if part.disposition is not None)
    assert attached == sorted(file.content for file in files)
    assert raw.isascii()
    assert b"\0" not in raw
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert not raw.replace(b"\r\n", b"").count(b"\n")


@given(subject=st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=300))
def test_a_subject_is_read_as_it_was_written(subject):
    line = encoded_text_line("Subject", subject).render()
    header = Header(line, 0, len(line))
    assert header.decoded(b"subject").strip(" ") == subject.strip(" ")
    assert all(len(part) <= 998 for part in line.split(b"\r\n"))
    assert all(part.strip() for part in line.removesuffix(b"\r\n").split(b"\r\n"))


@pytest.mark.parametrize(
    "value", ["a\r\nBcc: evil@x", "a\rb\nc\0d", "\n", "x" * 77 + " ", " " * 200]
)
def test_a_field_stays_one_field(value):
    line = HeaderLine("Subject", value).render()
    assert [field.name for field in Header(line, 0, len(line))] == [b"Subject"]
    assert all(part.strip() for part in line.removesuffix(b"\r\n").split(b"\r\n"))


def test_a_field_has_a_name():
    with pytest.raises(ValueError, match="no field name"):
        HeaderLine("Bad name", "x").render()


def test_a_multipart_around_eight_bits_says_so():
    inner = "Subject: grüße\r\n\r\n".encode()
    kind = (HeaderLine("Content-Type", "message/rfc822"),)
    raw = written(Multipart("mixed", (Multipart("mixed", (Leaf(kind, inner, is_message=True),)),)))
    root = scan(raw).root
    assert [part.encoding for part in (root, *(p for _, p in root.walk()))][:3] == ["8bit"] * 3
    assert (
        scan(written(Multipart("mixed", (Leaf(kind, b"x", is_message=True),)))).root.encoding
        == "7bit"
    )


def test_pictures_in_the_text_are_related_to_it():
    picture = Attachment("image/png", b"x", content_id="1@x", is_inline=True)
    file = Attachment("application/pdf", b"y", filename="a.pdf")
    root = scan(written(compose("a", "<img src=cid:1@x>", [picture, file]))).root
    assert [(number, part.content_type) for number, part in root.walk()] == [
        ("1", "multipart/related"),
        ("1.1", "multipart/alternative"),
        ("1.1.1", "text/plain"),
        ("1.1.2", "text/html"),
        ("1.2", "image/png"),
        ("2", "application/pdf"),
    ]
