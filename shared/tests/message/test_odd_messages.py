"""Messages as the world sends them, each with what has to be seen of it.

RFC 2045 §5.2, RFC 2046 §5.1.1, RFC 2046 §5.1.5, RFC 2046 §5.2.1, RFC 2045 §6.7, RFC 2045 §6.8.
"""

import pytest

from mailquay.message import Part, scan
from mailquay.message.addresses import Address, Group
from mailquay.message.content import decode_body, decode_text


def only_text(raw: bytes) -> str:
    message = scan(raw)
    return decode_text(raw, message.root)


def parts(raw: bytes) -> list[tuple[str, bytes]]:
    """Every part by its number with its encoded body."""
    found = scan(raw).root.walk()
    return [(number, raw[part.body_start : part.body_end]) for number, part in found]


def tree(part: Part) -> object:
    return (part.content_type, [tree(child) for child in part.children])


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        # No charset, or ASCII, and yet 8-bit: UTF-8 where it can be, else Windows' Latin.
        (b"", b"gr\xc3\xbc\xc3\x9fe", "grüße"),
        (b"", b"gr\xfc\xdfe", "grüße"),
        (b"text/plain; charset=us-ascii", b"gr\xc3\xbc\xc3\x9fe", "grüße"),
        (b"text/plain; charset=ascii", b"gr\xc3\xbc\xc3\x9fe", "grüße"),
        # Latin labelled UTF-8.
        (b"text/plain; charset=utf-8", b"gr\xfc\xdfe", "grüße"),
        # UTF-8 with one byte lost stays UTF-8.
        (b"text/plain; charset=utf-8", "größer ".encode() * 9 + b"\xc3", "größer " * 9 + "\ufffd"),
        # ISO-8859-1 means Windows-1252 wherever it is shown.
        (b"text/plain; charset=iso-8859-1", b"\x93a\x94 \x80", "“a” €"),
        # GB 2312 and Shift_JIS mean what is a superset of each.
        (b"text/plain; charset=gb2312", "朱镕基".encode("gb18030"), "朱镕基"),
        (b"text/plain; charset=\"iso-2022-jp\"", "日本語".encode("iso-2022-jp"), "日本語"),
        (b"text/plain; charset=ks_c_5601-1987", "한국어".encode("cp949"), "한국어"),
        (b"text/plain; charset=nonsense", b"caf\xc3\xa9", "café"),
        (b"text/plain; charset=rot13", b"uryyb", "uryyb"),
        (b"text/plain; charset=unicode-1-1-utf-7", b"caf+AOk-", "café"),
        (b"text/plain; charset=utf-7", b"+2AA-", "\ufffd"),
        (b"nonsense", b"x", "x"),
    ],
)  # fmt: skip
def test_text_is_read_whatever_its_label(content_type, body, text):
    header = b"Content-Type: %s\r\n" % content_type if content_type else b""
    raw = header + b"\r\n" + body
    assert scan(raw).root.content_type == "text/plain"
    assert only_text(raw) == text


@pytest.mark.parametrize(
    ("encoding", "body", "content"),
    [
        (b"base64", b"SGVs\r\nbG8=\r\n", b"Hello"),
        (b"BASE64 (x)", b"SGVs bG8", b"Hello"),  # no padding
        (b"base64", b"SGVsbG8=\r\n\r\n-- \r\nA list's footer.\r\n", b"Hello"),
        (b"base64", b"S!G-V*sbG8=", b"Hello"),
        (b"base64", b"SGVsbG8hS", b"Hello!"),  # one character makes no byte
        (b"base64", b"=SGVsbG8=", b"Hello"),
        (b"base64", b"====", b""),
        (b"base64", b"\xff\0", b""),
        (b"quoted-printable", b"a=3Db =\r\nc=e4 \t\r\n", b"a=b c\xe4\r\n"),
        (b"quoted-printable", b"a=3", b"a=3"),
        (b"quoted-printable", b"a=ZZ=", b"a=ZZ"),
        (b"quoted-printable", b"a= \t\r\nb", b"ab"),
        (b"x-uuencode", b"begin 644 a\n#86)C\n`\nend\n", b"begin 644 a\n#86)C\n`\nend\n"),
        (b"7bit", b"a=3D", b"a=3D"),
    ],
)
def test_broken_encodings_give_what_can_be_had(encoding, body, content):
    raw = b"Content-Transfer-Encoding: %s\r\n\r\n%s" % (encoding, body)
    assert decode_body(raw, scan(raw).root) == content


def test_eight_bit_headers_are_read():
    raw = b"Subject: gr\xfc\xdfe\r\nFrom: J\xf6rg <j@x.example>\r\nTo: \xc3\xa4@x.example\r\n\r\n"
    message = scan(raw)
    assert message.subject == "grüße"
    (author,) = message.envelope.from_
    assert (author.name, author.addr_spec) == ("Jörg", "j@x.example")
    assert b'"j" "x.example"' in message.imap_envelope()
    assert b"{5}\r\ngr\xfc\xdfe" in message.imap_envelope()


def test_groups_have_members_or_none():
    raw = b'To: Friends: a@x, "B, c" <b@y>;, undisclosed-recipients:;\r\nCc: c@z\r\n\r\n'
    message = scan(raw)
    assert message.envelope.to == (
        Group("Friends", (Address("", "a", "x"), Address("B, c", "b", "y"))),
        Group("undisclosed-recipients", ()),
    )
    assert (
        b'((NIL NIL "Friends" NIL)(NIL NIL "a" "x")("B, c" NIL "b" "y")(NIL NIL NIL NIL)'
        b'(NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL))'
    ) in message.imap_envelope()


def test_a_forwarded_message_has_its_envelope_and_its_own_parts():
    raw = (
        b"Content-Type: multipart/mixed; boundary=o\r\n\r\n"
        b"--o\r\nContent-Type: text/html\r\n\r\n<p>See below</p>\r\n"
        b"--o\r\nContent-Type: message/rfc822\r\n\r\n"
        b"Subject: inner\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n"
        b"--i\r\n\r\nplain\r\n--i--\r\n--o--\r\n"
    )
    message = scan(raw)
    assert parts(raw)[1:] == [
        ("2", raw[raw.index(b"Subject: inner") : raw.index(b"\r\n--o--")]),
        ("2.1", b"plain"),
    ]
    embedded = message.root.children[1]
    assert embedded.envelope.subject == b"inner"
    assert embedded.body_lines == 7
    # What is forwarded is not what this message says.
    assert message.preview() == "See below"


def test_parts_of_a_digest_are_messages_unless_they_say_otherwise():
    raw = (
        b"Content-Type: multipart/digest; boundary=d\r\n\r\n"
        b"--d\r\n\r\nSubject: one\r\n\r\n1\r\n"
        b"--d\r\nContent-Type: text/plain\r\n\r\n2\r\n"
        b"--d\r\nContent-Type: nonsense\r\n\r\nSubject: three\r\n\r\n3\r\n--d--\r\n"
    )
    assert tree(scan(raw).root) == (
        "multipart/digest",
        [
            ("message/rfc822", [("text/plain", [])]),
            ("text/plain", []),
            ("message/rfc822", [("text/plain", [])]),
        ],
    )


def test_a_boundary_that_begins_another_is_not_taken_for_it():
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n"
        b"--bb\r\n\r\ninner\r\n--bb--\r\n--bbb\r\n--b\r\n\r\nouter\r\n--b--\r\n"
    )
    assert tree(scan(raw).root) == (
        "multipart/mixed",
        [("multipart/mixed", [("text/plain", [])]), ("text/plain", [])],
    )
    assert parts(raw)[-1] == ("2", b"outer")


def test_a_boundary_that_ends_in_hyphens_is_no_end():
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: multipart/mixed; boundary=b--\r\n\r\n"
        b"--b--\r\n\r\ninner\r\n--b----\r\n--b\r\n\r\nouter\r\n"
    )
    assert tree(scan(raw).root) == (
        "multipart/mixed",
        [("multipart/mixed", [("text/plain", [])]), ("text/plain", [])],
    )


@pytest.mark.parametrize("space", [b" ", b"\t", b" \t  ", b"\r"])
def test_space_behind_a_boundary_is_passed_over(space):
    raw = (
        b'Content-Type: multipart/mixed; boundary="b "\r\n\r\n'
        b"--b%b\r\n\r\none\r\n--b%b\r\n\r\ntwo\r\n--b--%b\r\n" % (space, space, space)
    )
    assert parts(raw) == [("1", b"one"), ("2", b"two")]


def test_space_before_a_boundary_makes_it_none():
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n --b\r\n- --b\r\n"
    assert parts(raw) == [("1", b"one\r\n --b\r\n- --b\r\n")]


def test_an_empty_multipart_is_shown_with_one_empty_part():
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\nnothing here\r\n--b--\r\n"
    message = scan(raw)
    assert message.root.children == ()
    assert message.imap_body() == (
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0) "mixed")'
    )


def test_what_follows_the_end_is_no_part():
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b\r\n\r\none\r\n--b--\r\n"
        b"--b\r\n\r\nepilogue\r\n"
    )
    assert parts(raw) == [("1", b"one")]


def test_bare_line_feeds_are_line_ends():
    """As some programs APPEND their messages; offsets are those of the bytes as they came."""
    raw = (
        b"Subject: a\n folded\nContent-Type: multipart/mixed; boundary=b\n\n"
        b"--b\nContent-Type: text/html\n\n<b>x</b>\n--b\n\ny\n--b--\n"
    )
    message = scan(raw)
    assert message.subject == "a folded"
    assert raw[: message.header_length].endswith(b"boundary=b\n\n")
    assert parts(raw) == [("1", b"<b>x</b>"), ("2", b"y")]
    assert [part.body_lines for part in message.root.children] == [1, 1]


def test_a_line_of_carriage_returns_ends_nothing():
    message = scan(b"Subject: a\r\rTo: b\r\n\r\nx")
    assert message.subject == "aTo: b"
    assert message.envelope.to == ()


def test_a_header_without_an_end_is_all_header():
    message = scan(b"Subject: x\r\nContent-Type: multipart/mixed; boundary=b")
    assert message.header_length == len(message.raw)
    assert (message.subject, message.root.size, message.root.children) == ("x", 0, ())


def test_lines_that_are_no_fields_are_passed_over():
    raw = b"From me Mon Jan 1\r\nSubject: x\r\nno field\r\n: nothing\r\nTo : a@b\r\n\r\nbody"
    message = scan(raw)
    assert message.subject == "x"
    assert message.envelope.to == (Address("", "a", "b"),)
    assert [field.name for field in message.header] == [b"Subject", b"To"]


def test_an_embedded_boundary_counts_only_in_its_own_body():
    """A line of the embedded header that looks like its boundary is none."""
    raw = (
        b"Content-Type: message/rfc822\r\n\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n--b\r\nX: y\r\n\r\n--b\r\n\r\none\r\n--b--"
    )
    (inner,) = scan(raw).root.children
    assert [raw[part.body_start : part.body_end] for part in inner.children] == [b"one"]


def test_a_boundary_right_behind_an_embedded_header_leaves_an_empty_message():
    raw = (
        b"Content-Type: multipart/digest; boundary=b\r\n\r\n"
        b"--b\r\n\r\n\r\n--b\r\n\r\nSubject: two\r\n\r\n--b--\r\n"
    )
    first, second = scan(raw).root.children
    for part in (first, second):
        (message,) = part.children
        assert part.body_start <= message.header_start <= message.body_end <= part.body_end
        assert message.size == 0
    assert second.envelope.subject == b"two"
