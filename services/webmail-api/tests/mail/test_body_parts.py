"""Bodies, attachments and text of a message (RFC 8621 §4.1.4)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.message import scan
from mailquay.message.content import decode_body
from mailquay_webmail_api.jmap.mail.body_parts import PartProperties, body_structure, decompose
from mailquay_webmail_api.jmap.mail.body_values import body_value, cut
from mailquay_webmail_api.jmap.mail.header_fields import InvalidProperty

# The example of RFC 8621 §4.1.4, with the letter of each part as its content.
LIST_MAIL = b"""\
Content-Type: multipart/mixed; boundary=1

--1
Content-Type: text/plain
Content-Disposition: inline

A
--1
Content-Type: multipart/mixed; boundary=2

--2
Content-Type: multipart/alternative; boundary=3

--3
Content-Type: multipart/mixed; boundary=4

--4
Content-Type: text/plain
Content-Disposition: inline

B
--4
Content-Type: image/jpeg
Content-Disposition: inline

C
--4
Content-Type: text/plain
Content-Disposition: inline

D
--4--
--3
Content-Type: multipart/related; boundary=5

--5
Content-Type: text/html

E
--5
Content-Type: image/jpeg

F
--5--
--3--
--2
Content-Type: image/jpeg
Content-Disposition: attachment

G
--2
Content-Type: application/x-excel

H
--2
Content-Type: message/rfc822

J: K
--2--
--1
Content-Type: text/plain
Content-Disposition: inline

K
--1--
"""


def flat(raw: bytes):
    root = body_structure(scan(raw).root)
    bodies = decompose(root)

    def letters(items):
        return [raw[i.part.body_start : i.part.body_end].decode().strip()[:1] for i in items]

    return letters(bodies.text), letters(bodies.html), letters(bodies.attachments)


def test_the_example_of_the_rfc():
    text, html, attachments = flat(LIST_MAIL)
    assert text == ["A", "B", "C", "D", "K"]
    assert html == ["A", "E", "K"]
    assert attachments == ["C", "F", "G", "H", "J"]


def multipart(subtype: str, *parts: str) -> bytes:
    """Parts as ``type|content`` or ``type; disposition|content``."""
    pieces = [f"Content-Type: multipart/{subtype}; boundary=b\n\n"]
    for part in parts:
        header, content = part.split("|")
        kind, _, disposition = header.partition(";")
        line = f"Content-Disposition:{disposition}\n" if disposition else ""
        pieces.append(f"--b\nContent-Type: {kind}\n{line}\n{content}\n")
    return "".join([*pieces, "--b--\n"]).encode()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"Subject: x\n\nA\n", (["A"], ["A"], [])),
        (b"Content-Type: text/html\n\nA\n", (["A"], ["A"], [])),
        (b"Content-Type: application/pdf\n\nA\n", ([], [], ["A"])),
        (b"Content-Type: image/png\n\nA\n", (["A"], ["A"], [])),
        (b"Content-Disposition: attachment\n\nA\n", ([], [], ["A"])),
        (multipart("alternative", "text/plain|A", "text/html|B"), (["A"], ["B"], [])),
        (multipart("alternative", "text/plain|A"), (["A"], ["A"], [])),
        (multipart("alternative", "text/html|B"), (["B"], ["B"], [])),
        (
            multipart("alternative", "text/plain|A", "text/html|B", "text/calendar|C"),
            (["A"], ["B"], ["C"]),
        ),
        (multipart("related", "text/html|A", "image/png|B"), (["A"], ["A"], ["B"])),
        (multipart("mixed", "text/plain|A", "text/plain; attachment|B"), (["A"], ["A"], ["B"])),
        # A text with a name is a file, unless it is the first.
        (
            multipart(
                "mixed", "text/plain; inline; filename=a|A", "text/plain; inline; filename=b|B"
            ),
            (["A"], ["A"], ["B"]),
        ),
        (multipart("mixed", "text/plain|A", "image/png; inline|B"), (["A", "B"], ["A", "B"], [])),
        (multipart("digest"), ([], [], [])),
        (b"Content-Type: multipart/mixed\n\nno boundary\n", ([], [], [])),
    ],
)
def test_bodies_and_attachments(raw, expected):
    assert flat(raw) == expected


def test_every_leaf_is_somewhere():
    structure = body_structure(scan(LIST_MAIL).root)
    bodies = decompose(structure)
    leaves = {item.part_id for item in structure.walk() if item.part_id}
    assert leaves == {i.part_id for i in (*bodies.text, *bodies.html, *bodies.attachments)}


PIECES = st.recursive(
    st.sampled_from(
        ["text/plain", "text/html", "image/png", "text/plain; attachment", "application/x"]
    ),
    lambda inner: st.tuples(
        st.sampled_from(["mixed", "alternative", "related", "digest"]), st.lists(inner, max_size=4)
    ),
    max_leaves=12,
)


def nest(piece, depth=0) -> str:
    if isinstance(piece, str):
        kind, _, disposition = piece.partition(";")
        line = f"Content-Disposition: {disposition}\n" if disposition else ""
        return f"Content-Type: {kind}\n{line}\nx\n"
    subtype, inner = piece
    lines = [f"Content-Type: multipart/{subtype}; boundary=b{depth}\n\n"]
    lines += [f"--b{depth}\n{nest(part, depth + 1)}" for part in inner]
    return "".join([*lines, f"--b{depth}--\n"])


@given(PIECES)
def test_no_part_is_lost_and_none_is_twice_in_a_list(piece):
    structure = body_structure(scan(nest(piece).encode()).root)
    bodies = decompose(structure)
    leaves = {item.part_id for item in structure.walk() if item.part_id}
    lists = (bodies.text, bodies.html, bodies.attachments)
    assert leaves == {item.part_id for items in lists for item in items}
    for items in lists:
        ids = [item.part_id for item in items]
        assert len(ids) == len(set(ids))


PART = b"""\
Content-Type: multipart/mixed; boundary=b

--b
content-TYPE: text/html; charset="ISO-8859-1"; name*=utf-8''na%C3%AFve.html
Content-Transfer-Encoding: base64
Content-Disposition: INLINE (comment)
Content-ID: <one@x>
Content-Language: en, de
Content-Location: https://example.org/a
X-Own: value

PHA+Z3L832U8L3A+
--b
Content-Type: text/plain; name=a.txt
Content-Disposition: attachment; filename=b.txt

x
--b
Content-Type: application/octet-stream

x
--b--
"""


def show(raw: bytes, number: int, *properties: str):
    item = body_structure(scan(raw).root).children[number]
    names = list(properties) or None
    return PartProperties(names).show(item, raw, lambda part: f"B1-{part}")


def test_a_part_has_the_default_properties():
    assert show(PART, 0) == {
        "partId": "1", "blobId": "B1-1", "size": len("<p>grüße</p>".encode("latin-1")),
        "name": "naïve.html", "type": "text/html", "charset": "ISO-8859-1",
        "disposition": "inline", "cid": "one@x", "language": ["en", "de"],
        "location": "https://example.org/a",
    }  # fmt: skip
    assert show(PART, 2) == {
        "partId": "3", "blobId": "B1-3", "size": 1, "name": None,
        "type": "application/octet-stream", "charset": None, "disposition": None, "cid": None,
        "language": None, "location": None,
    }  # fmt: skip
    # The disposition's file name comes before the type's; the charset of text is implied.
    second = show(PART, 1, "name", "charset", "subParts")
    assert second == {"name": "b.txt", "charset": "us-ascii", "subParts": None}


def test_a_part_has_its_header_fields():
    shown = show(PART, 0, "headers", "header:x-own", "header:Content-Type:all", "header:X:asText")
    assert shown["headers"][0] == {
        "name": "content-TYPE",
        "value": " text/html; charset=\"ISO-8859-1\"; name*=utf-8''na%C3%AFve.html",
    }
    assert len(shown["headers"]) == 7
    assert shown["header:x-own"] == " value"
    assert len(shown["header:Content-Type:all"]) == 1
    assert shown["header:X:asText"] is None


def test_the_structure_has_its_children_whatever_was_asked_for():
    root = body_structure(scan(PART).root)
    shown = PartProperties(["type"]).show(root, PART, str, with_children=True)
    assert shown["type"] == "multipart/mixed"
    assert [part["type"] for part in shown["subParts"]] == [
        "text/html", "text/plain", "application/octet-stream",
    ]  # fmt: skip
    shown = PartProperties(["partId", "blobId", "subParts"]).show(root, PART, str)
    assert shown == {"partId": None, "blobId": None, "subParts": None}


@pytest.mark.parametrize("name", ["", "id", "from", "header:From:asDate", "header:"])
def test_what_is_no_property_of_a_part_is_refused(name):
    with pytest.raises(InvalidProperty):
        PartProperties([name])


def text_part(body: bytes, header: bytes = b"Content-Type: text/plain; charset=utf-8\r\n"):
    raw = header + b"\r\n" + body
    return raw, body_structure(scan(raw).root)


def value(body: bytes, header: bytes = b"Content-Type: text/plain; charset=utf-8\r\n", limit=0):
    return body_value(*text_part(body, header), limit)


@pytest.mark.parametrize(
    ("body", "header", "text", "is_problem"),
    [
        (b"a\r\nb\nc\r", b"", "a\nb\nc\r", False),
        ("grüße".encode(), b"Content-Type: text/plain; charset=utf-8\r\n", "grüße", False),
        (b"gr\xfc\xdfe", b"Content-Type: text/plain; charset=iso-8859-1\r\n", "grüße", False),
        (b"gr\xfc\xdfe", b"Content-Type: text/plain; charset=utf-8\r\n", "grüße", True),
        (b"a", b"Content-Type: text/plain; charset=no-such\r\n", "a", True),
        (b"=C3=A4=\r\nb", b"Content-Transfer-Encoding: quoted-printable\r\n", "äb", False),
        (b"YQ==", b"Content-Transfer-Encoding: base64\r\n", "a", False),
        (b"YQ==", b"Content-Transfer-Encoding: x-uuencode\r\n", "YQ==", True),
    ],
)
def test_text_is_decoded(body, header, text, is_problem):
    assert value(body, header) == {
        "value": text, "isEncodingProblem": is_problem, "isTruncated": False,
    }  # fmt: skip


def test_text_is_cut_between_characters_and_html_between_tags():
    cut_text = value("aäöü".encode(), limit=4)
    assert (cut_text["value"], cut_text["isTruncated"]) == ("aä", True)
    html = b'<p>one <a href="https://example.com">two</a>'
    header = b"Content-Type: text/html; charset=utf-8\r\n"
    assert value(html, header, 20)["value"] == "<p>one "
    assert value(html, header, len(html)) == {
        "value": html.decode(), "isEncodingProblem": False, "isTruncated": False,
    }  # fmt: skip


@given(st.text(), st.integers(1, 50), st.booleans())
def test_what_is_cut_is_the_beginning_and_short_enough(text, limit, is_html):
    short = cut(text, limit, is_html=is_html)
    assert text.startswith(short)
    assert len(short.encode()) <= limit
    if len(text.encode()) <= limit:
        assert short == text


@given(st.binary(max_size=400), st.sampled_from(["7bit", "base64", "quoted-printable", "x"]))
def test_any_bytes_have_text_and_a_size(body, encoding):
    raw, item = text_part(body, f"Content-Transfer-Encoding: {encoding}\r\n".encode())
    json.dumps(body_value(raw, item, 10), ensure_ascii=False).encode()
    shown = PartProperties(["size"]).show(item, raw, str)
    assert shown["size"] == len(decode_body(raw, item.part))
