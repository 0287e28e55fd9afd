"""What a message says: its first words and its text (RFC 8970 §3, RFC 8621 §4.1.4)."""

import pytest

from mailquay.message import scan
from mailquay.message.content import text_parts, undo_encoding
from mailquay.message.html import html_to_text


def mixed(*parts: bytes, subtype: bytes = b"mixed", boundary: bytes = b"b") -> bytes:
    lines = b"".join(b"--%s\r\n%s\r\n" % (boundary, part) for part in parts)
    head = b"Content-Type: multipart/%s; boundary=%s\r\n\r\n" % (subtype, boundary)
    return head + lines + b"--%s--\r\n" % boundary


PLAIN = b"\r\nIn words."
HTML = b"Content-Type: text/html\r\n\r\n<p>In <b>pictures</b>.</p>"
EMPTY = b"\r\n \r\n"
ATTACHED = b"Content-Disposition: attachment\r\n\r\nA file."
FORWARDED = b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nOf another."


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (PLAIN, "In words."),
        (HTML, "In pictures."),
        (mixed(HTML, PLAIN, subtype=b"alternative"), "In words."),
        # A plain alternative with nothing in it says nothing.
        (mixed(EMPTY, HTML, subtype=b"alternative"), "In pictures."),
        # What a mailing list puts below is not what was written first.
        (mixed(HTML, PLAIN), "In pictures."),
        (mixed(ATTACHED, PLAIN), "In words."),
        (mixed(FORWARDED, HTML), "In pictures."),
        (mixed(EMPTY, FORWARDED), "Of another."),
        (FORWARDED, "Of another."),
        (mixed(ATTACHED), ""),
        (b"Content-Type: image/png\r\n\r\nx", ""),
        (b"", ""),
        (b"\r\n> quoted\r\nOn Monday, Jane wrote:  \r\n\r\nYes,\r\n  do \0that.\r\n> older\r\n",
         "Yes, do that."),
    ],
)  # fmt: skip
def test_a_preview_is_taken_from_the_writers_own_words(raw, words):
    assert scan(raw).preview() == words


def test_a_preview_is_cut_with_a_sign():
    message = scan(b"\r\n" + b"word " * 2000)
    assert message.preview(20) == "word word word word…"
    assert len(message.preview()) <= 256
    # In the middle of a character of what is looked at.
    assert scan(b"\r\n" + "é".encode() * 5000).preview(3) == "éé…"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a</p><p>b &amp; c</p>", "a\nb & c"),
        ("<head><title>t</title><style>x{}</style>a", "a"),  # </head> may be left out
        ("a<!-- b -->c", "ac"),
        ("a<script>b</script >c<SCRIPT>d", "ac"),
        ("1 < 2 <b>and</b> 3 > 2", "1 < 2 and 3 > 2"),
        ("a\n b<br>c<br/>\n\nd", "a b\nc\nd"),
        ("<!DOCTYPE html><?xml?>a<", "a<"),
        ("a<img src=x", "a"),
        ("&nbsp;&#x61;&bogus;", "a&bogus;"),
    ],
)
def test_html_is_read_as_text(html, text):
    assert html_to_text(html) == text


def test_every_text_is_looked_into():
    raw = mixed(HTML, PLAIN, ATTACHED, FORWARDED, b"Content-Type: image/png\r\n\r\nnone")
    found = list(text_parts(raw, scan(raw).root))
    assert found == ["In pictures.", "In words.", "A file.", "Of another."]


def test_space_at_the_ends_of_quoted_printable_lines_is_dropped() -> None:
    """RFC 2045 §6.7 (3)."""
    assert undo_encoding(b"a \t \r\nb \nc", "quoted-printable") == b"a\r\nb\nc"


@pytest.mark.parametrize(
    ("raw", "has_one"),
    [
        (PLAIN, False),
        (mixed(PLAIN, HTML), False),
        (mixed(PLAIN, ATTACHED), True),
        (mixed(PLAIN, b'Content-Type: image/png; name="x"\r\n\r\n'), True),
        (mixed(PLAIN, b'Content-Disposition: inline; filename="x"\r\n\r\n'), False),
        (ATTACHED, True),
        (b'Content-Type: application/pdf; name="a.pdf"\r\n\r\n', True),
    ],
)
def test_an_attachment_is_what_a_person_would_call_one(raw, has_one):
    assert scan(raw).has_attachment is has_one
