"""A part's content with its transfer encoding and charset undone (RFC 2045 §6). No I/O here."""

import binascii
import re
from collections.abc import Iterator
from typing import Final

from mailquay.message.charsets import decode_charset
from mailquay.message.html import html_to_text
from mailquay.message.parts import Part

__all__ = ["decode_body", "decode_text", "preview", "text_parts", "undo_encoding"]

_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/]+")
_QP_ESCAPE: Final = re.compile(rb"=([0-9A-Fa-f]{2})|=[ \t]*(?:\r?\n|\Z)")
_QP_TRAILING: Final = re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n)")
_SPACE: Final = re.compile(r"\s+")
#: Encoded bytes read for a preview: enough for its text, whatever the size of the part.
_PREVIEW_BYTES: Final = 4096
#: What stands above a quoted reply; like the quotation it says nothing of this message.
_ATTRIBUTION: Final = re.compile(r"On .{5,200} wrote:")


def undo_encoding(body: bytes, encoding: str) -> bytes:
    """Undo base64 or quoted-printable leniently; any other encoding is taken as it is."""
    if encoding == "base64":
        return _undo_base64(body)
    if encoding == "quoted-printable":
        body = _QP_TRAILING.sub(b"", body)
        return _QP_ESCAPE.sub(lambda m: bytes([int(m[1], 16)]) if m[1] else b"", body)
    return body


def _undo_base64(body: bytes) -> bytes:
    """Padding is the end of the data (RFC 2045 §6.8): what lists put below it is not decoded."""
    try:
        return binascii.a2b_base64(body + b"===")
    except binascii.Error:  # one character is left over, which makes no byte
        return binascii.a2b_base64(_NOT_BASE64.sub(b"", body)[:-1])


def decode_body(raw: bytes, part: Part) -> bytes:
    """The part's content, its transfer encoding undone."""
    return undo_encoding(raw[part.body_start : part.body_end], part.encoding)


def decode_text(raw: bytes, part: Part) -> str:
    """A text part's content as text; line ends as they stand."""
    return decode_charset(decode_body(raw, part), part.charset)


def text_parts(raw: bytes, root: Part) -> Iterator[str]:
    """The text of every text part, HTML stripped of its tags: what a search looks into."""
    for _, part in root.walk():
        if part.type == "text":
            text = decode_text(raw, part)
            yield html_to_text(text) if part.subtype == "html" else text


def preview(raw: bytes, root: Part, limit: int = 256) -> str:
    """The first words of a message on one line (RFC 8970 §3), at most ``limit`` characters.

    What is forwarded says nothing of this message, so long as it has words of its own.
    """
    parts = [*_texts(root, in_messages=False), *_texts(root, in_messages=True)]
    words = (_words(raw, part, limit) for part in parts)
    text = next(filter(None, words), "")
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _texts(part: Part, *, in_messages: bool) -> Iterator[Part]:
    """The text parts as a reader sees them; of alternatives the plain one first."""
    if part.is_multipart:
        children = part.children
        if part.subtype == "alternative":
            children = tuple(sorted(children, key=lambda child: child.content_type != "text/plain"))
        for child in children:
            yield from _texts(child, in_messages=in_messages)
    elif part.is_message:
        if in_messages:
            yield from _texts(part.children[0], in_messages=True)
    elif part.content_type in ("text/plain", "text/html") and part.disposition != "attachment":
        yield part


def _words(raw: bytes, part: Part, limit: int) -> str:
    is_html = part.subtype == "html"
    # HTML begins with styles; look further there.
    room = 16 * _PREVIEW_BYTES if is_html else _PREVIEW_BYTES
    data = raw[part.body_start : min(part.body_end, part.body_start + room)]
    text = decode_charset(undo_encoding(data, part.encoding), part.charset).replace("\0", "")
    if is_html:
        return _SPACE.sub(" ", html_to_text(text, limit=4 * limit)).strip()
    return _own_words(text, limit)


def _own_words(text: str, enough: int) -> str:
    """The first words that quote nobody, a little more than ``enough`` characters of them."""
    lines: list[str] = []
    length = 0
    for line in text.split("\n"):
        words = " ".join(line.split())
        if not words or words.startswith(">") or _ATTRIBUTION.fullmatch(words):
            continue
        lines.append(words)
        length += len(words) + 1
        if length > enough + 1:
            break
    return " ".join(lines)
