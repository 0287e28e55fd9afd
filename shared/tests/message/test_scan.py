"""The scanner: MIME trees of real and of hostile messages (RFC 2045, RFC 2046)."""

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailquay.message import Part, ScanLimits, scan
from mailquay.message.sections import Section, find_part, header_fields, section_range
from mailquay.message.structure import StructureError, decode_structure, encode_structure
from mailquay.testing.hostile import hostile_messages


def crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


MIXED = crlf("""\
From: Jane Doe <jane@example.org>
To: bob@example.net
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
Date: Fri, 21 Nov 1997 09:55:06 -0600
Message-ID: <1@example.org>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="outer"

preamble
--outer
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/plain; charset=utf-8

Hello
--inner
Content-Type: text/html

<p>Hello</p>
--inner--
--outer
Content-Type: message/rfc822

Subject: inside
From: x@y.example

Body of it
two lines
--outer
Content-Type: application/pdf; name="a.pdf"
Content-Disposition: attachment; filename="a.pdf"
Content-Transfer-Encoding: base64

AAAA
--outer--
epilogue
""")


def tree(part: Part) -> object:
    return (part.content_type, [tree(child) for child in part.children])


def test_the_tree_of_a_mixed_message() -> None:
    assert tree(scan(MIXED).root) == (
        "multipart/mixed",
        [
            ("multipart/alternative", [("text/plain", []), ("text/html", [])]),
            ("message/rfc822", [("text/plain", [])]),
            ("application/pdf", []),
        ],
    )


def test_part_numbers_are_those_of_imap() -> None:
    numbers = [number for number, _ in scan(MIXED).root.walk()]
    assert numbers == ["1", "1.1", "1.2", "2", "2.1", "3"]


@pytest.mark.parametrize(
    ("number", "section", "content"),
    [
        ((1, 1), Section.BODY, b"Hello"),
        ((1, 1), Section.MIME, b"Content-Type: text/plain; charset=utf-8\r\n\r\n"),
        ((1, 2), Section.BODY, b"<p>Hello</p>"),
        ((2,), Section.HEADER, b"Subject: inside\r\nFrom: x@y.example\r\n\r\n"),
        ((2,), Section.TEXT, b"Body of it\r\ntwo lines"),
        ((2, 1), Section.BODY, b"Body of it\r\ntwo lines"),
        ((3,), Section.BODY, b"AAAA"),
        ((), Section.BODY, MIXED),
    ],
)
def test_sections_are_cut_at_the_right_bytes(
    number: tuple[int, ...], section: Section, content: bytes
) -> None:
    where = section_range(scan(MIXED).root, number, section)
    assert where is not None
    assert MIXED[where[0] : where[1]] == content


@pytest.mark.parametrize("number", [(0,), (4,), (1, 3), (1, 1, 1), (3, 1), (2, 2), (2, 1, 1)])
def test_parts_that_are_not_there_have_no_section(number: tuple[int, ...]) -> None:
    assert find_part(scan(MIXED).root, number) is None


def test_header_and_text_are_only_of_messages() -> None:
    root = scan(MIXED).root
    assert section_range(root, (3,), Section.HEADER) is None
    assert section_range(root, (1,), Section.TEXT) is None


def test_a_simple_message_is_its_own_part_one() -> None:
    raw = b"Subject: x\r\n\r\nbody\r\n"
    root = scan(raw).root
    assert section_range(root, (1,), Section.BODY) == (14, len(raw))
    assert section_range(root, (1,), Section.MIME) == (0, 14)
    assert find_part(root, (1, 1)) is None


def test_what_a_user_sees() -> None:
    message = scan(MIXED)
    assert message.subject == "Grüße"
    assert message.message_id == "1@example.org"
    assert message.has_attachment
    assert message.preview() == "Hello"
    assert message.sent_at is not None
    assert message.sent_at.isoformat() == "1997-11-21T15:55:06+00:00"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", ("text/plain", [])),
        (b"\r\n", ("text/plain", [])),
        (b"no header at all", ("text/plain", [])),
        (b"Content-Type: nonsense\r\n\r\nx", ("text/plain", [])),
        (b"Content-Type: multipart/mixed\r\n\r\nno boundary", ("multipart/mixed", [])),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n", ("multipart/mixed", [])),
        (
            b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n",
            ("multipart/mixed", [("text/plain", [])]),
        ),
        (
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: a/b\r\n--b\r\n\r\nx",
            ("multipart/mixed", [("a/b", []), ("text/plain", [])]),
        ),
        (
            b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: i\r\n\r\nx\r\n--b--",
            ("multipart/digest", [("message/rfc822", [("text/plain", [])])]),
        ),
        (
            b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nQQ==",
            ("message/rfc822", []),
        ),
    ],
)
def test_odd_messages_are_read_as_well_as_can_be(raw: bytes, expected: object) -> None:
    assert tree(scan(raw).root) == expected


def test_an_outer_boundary_closes_inner_parts_that_were_left_open() -> None:
    raw = crlf(
        "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/mixed; "
        "boundary=i\n\n--i\n\nleft open\n--o\n\nnext\n--o--\n"
    )
    root = scan(raw).root
    assert tree(root) == (
        "multipart/mixed",
        [("multipart/mixed", [("text/plain", [])]), ("text/plain", [])],
    )
    inner = root.children[0].children[0]
    assert raw[inner.body_start : inner.body_end] == b"left open"


def test_limits_leave_the_rest_opaque() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 100 + b"--b--"
    )
    root = scan(raw, ScanLimits(max_parts=10)).root
    assert len(root.children) == 9
    assert root.body_end == len(raw)


def nested(depth: int) -> bytes:
    head = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i)
        for i in range(depth)
    )
    return head + b"\r\ndeep"


def depth_of(part: Part) -> int:
    depth = 0
    while part.children:
        part, depth = part.children[0], depth + 1
    return depth


def test_depth_is_bounded() -> None:
    root = scan(nested(500), ScanLimits(max_depth=20)).root
    assert depth_of(root) == 20
    embedded = b"Content-Type: message/rfc822\r\n\r\n" * 5000
    assert depth_of(scan(embedded).root) == 100


@pytest.mark.parametrize("raw", [nested(300), b"Content-Type: message/rfc822\r\n\r\n" * 300])
def test_what_is_nested_deepest_is_still_served(raw: bytes) -> None:
    message = scan(raw)
    assert depth_of(message.root) == ScanLimits().max_depth
    assert decode_structure(encode_structure(message.root)) == message.root
    numbers = [number for number, _ in message.root.walk()]
    assert len(numbers) == len(set(numbers))
    assert message.imap_bodystructure().count(b"(") == message.imap_bodystructure().count(b")")
    assert message.has_attachment is False
    assert isinstance(message.preview(), str)


def assert_put_together(raw: bytes, part: Part) -> None:
    """Each part's bytes and what lies between them are the message, byte for byte."""
    assert 0 <= part.header_start <= part.body_start <= part.body_end <= len(raw)
    position = part.body_start
    pieces = []
    for child in part.children:
        assert child.header_start >= position
        pieces += [raw[position : child.header_start], raw[child.header_start : child.body_end]]
        position = child.body_end
        assert_put_together(raw, child)
    assert position <= part.body_end
    pieces.append(raw[position : part.body_end])
    assert b"".join(pieces) == raw[part.body_start : part.body_end]


@settings(max_examples=300)
@given(raw=hostile_messages)
def test_any_bytes_scan_and_put_together_byte_for_byte(raw: bytes) -> None:
    message = scan(raw, ScanLimits(max_depth=8, max_parts=50, max_fields=50))
    assert message.root.header_start == 0
    assert message.root.body_end == len(raw)
    assert_put_together(raw, message.root)
    assert len(message.preview()) <= 256
    assert isinstance(message.has_attachment, bool)
    assert isinstance(message.base_subject, str)
    assert decode_structure(encode_structure(message.root)) == message.root


@given(st.binary(max_size=100))
@example(b"\x92\x01\x00")  # [1, 0] in MessagePack
@example(b"\x92\x01\x90")
def test_foreign_bytes_are_no_structure(data: bytes) -> None:
    with pytest.raises(StructureError):
        decode_structure(data)


def test_header_fields_keep_their_bytes_and_order() -> None:
    header = b"A: 1\r\nB: 2\r\n folded\r\nC : 3\r\na: 4\r\n\r\n"
    assert header_fields(header, [b"a", b"X"], negate=False) == b"A: 1\r\na: 4\r\n\r\n"
    assert header_fields(header, [b"A"], negate=True) == b"B: 2\r\n folded\r\nC : 3\r\n\r\n"
    assert header_fields(b"A: 1", [b"A"], negate=False) == b"A: 1\r\n\r\n"


def test_a_message_made_of_random_lines_is_stable() -> None:
    rng = random.Random(7)
    raw = b"\r\n".join(rng.choice([b"", b"--b", b"--b--", b"x: y", b" z"]) for _ in range(2000))
    assert scan(raw).root == scan(raw).root
