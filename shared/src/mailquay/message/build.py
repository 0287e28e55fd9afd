"""Writing messages: header fields, text, HTML, inline pictures, attachments (RFC 5322, RFC 2045).

No I/O, no clock, no random here: the caller hands in dates, ids and boundaries.
"""

import base64
import quopri
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from mailquay.message.words import encode_parameter, encode_words

__all__ = [
    "Attachment",
    "HeaderLine",
    "Leaf",
    "Multipart",
    "Node",
    "build",
    "compose",
    "encoded_text_line",
    "text_leaf",
]

#: What a line may have at most (RFC 5322 §2.1.1), and what it should (§2.1.1 too).
LINE_MAX: Final = 998
LINE_WANTED: Final = 78

_LONG_LINE: Final = re.compile(rb"[^\r\n]{999}")
_UNFIT: Final = re.compile(rb"[\x80-\xff\x00]|\r(?!\n)|(?<!\r)\n")
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_FIELD_NAME: Final = re.compile(r"[!-9;-~]{1,76}")
_BREAKS: Final = re.compile(r"[\r\n\0]+[ \t]*")


@dataclass(frozen=True, slots=True)
class HeaderLine:
    """A field; ``value`` is ASCII or has its encoded words already, and is folded when written."""

    name: str
    value: str

    def render(self) -> bytes:
        """The field folded at 78 characters where it can be, its line end included."""
        if not _FIELD_NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no field name")
        value = _BREAKS.sub(" ", self.value).rstrip(" ")  # no folded line may be of space alone
        lines: list[str] = []
        line = f"{self.name}:"
        for word in value.split(" "):
            if len(line) + 1 + len(word) > LINE_WANTED and line.strip() and line != f"{self.name}:":
                lines.append(line)
                line = " " + word
            else:
                line += " " + word
        lines.append(line)
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A part with content of its own; ``headers`` tells its type, disposition and id."""

    headers: tuple[HeaderLine, ...]
    content: bytes
    is_text: bool = False
    #: An embedded message is never encoded (RFC 2046 §5.2.1).
    is_message: bool = False


@dataclass(frozen=True, slots=True)
class Multipart:
    """A multipart of that subtype."""

    subtype: str
    children: tuple["Node", ...]
    headers: tuple[HeaderLine, ...] = ()
    params: tuple[tuple[str, str], ...] = ()


Node = Leaf | Multipart


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file; with ``content_id`` it is shown inside the HTML that refers to it."""

    media_type: str
    content: bytes
    filename: str | None = None
    content_id: str | None = None
    is_inline: bool = False


def text_leaf(subtype: str, text: str) -> Leaf:
    """A text part in UTF-8, its line ends made CRLF."""
    content = _LINE_END.sub("\r\n", text).encode("utf-8", "replace")
    charset = "us-ascii" if content.isascii() else "utf-8"
    return Leaf((HeaderLine("Content-Type", f"text/{subtype}; charset={charset}"),), content, True)


def _attachment_leaf(attachment: Attachment) -> Leaf:
    media_type = _BREAKS.sub("", attachment.media_type) or "application/octet-stream"
    kind, params = [media_type], ["inline" if attachment.is_inline else "attachment"]
    if attachment.filename:
        name = attachment.filename.replace("\r", "").replace("\n", "")
        params += encode_parameter("filename", name)
        if name.isascii():
            kind += encode_parameter("name", name)
    headers = [
        HeaderLine("Content-Type", "; ".join(kind)),
        HeaderLine("Content-Disposition", "; ".join(params)),
    ]
    if attachment.content_id:
        headers.append(HeaderLine("Content-ID", f"<{attachment.content_id.strip('<>')}>"))
    is_message = media_type.lower() in ("message/rfc822", "message/global")
    return Leaf(tuple(headers), attachment.content, is_message=is_message)


def compose(text: str | None, html: str | None, attachments: Sequence[Attachment] = ()) -> Node:
    """Arrange a body as mail clients expect it.

    ``mixed(related(alternative(text, html), inline…), attachment…)``, each level only where it is
    needed.
    """
    inline = [a for a in attachments if a.content_id and a.is_inline and html is not None]
    others = [a for a in attachments if a not in inline]
    body: Node
    if html is None:
        body = text_leaf("plain", text or "")
    elif text is None:
        body = text_leaf("html", html)
    else:
        body = Multipart("alternative", (text_leaf("plain", text), text_leaf("html", html)))
    if inline:
        body = Multipart("related", (body, *(_attachment_leaf(a) for a in inline)))
    if others:
        body = Multipart("mixed", (body, *(_attachment_leaf(a) for a in others)))
    return body


def build(headers: Sequence[HeaderLine], body: Node, make_boundary: Callable[[], str]) -> bytes:
    """Write the whole message, lines ended by CRLF, MIME-Version added.

    Args:
        headers: the message's own fields, MIME fields left out.
        body: the tree.
        make_boundary: gives a new boundary for each multipart; of letters and digits, random
            enough not to stand in any content.
    """
    own = [line.render() for line in headers]
    return b"".join([*own, b"MIME-Version: 1.0\r\n", *_render(body, make_boundary)])


def _render(node: Node, make_boundary: Callable[[], str]) -> list[bytes]:
    if isinstance(node, Leaf):
        return _render_leaf(node)
    boundary = make_boundary()
    params = "".join(f'; {name}="{value}"' for name, value in node.params)
    kind = HeaderLine("Content-Type", f'multipart/{node.subtype}{params}; boundary="{boundary}"')
    headers = [*(line.render() for line in node.headers), kind.render()]
    pieces: list[bytes] = []
    for child in node.children:
        pieces += [f"--{boundary}\r\n".encode(), *_render(child, make_boundary), b"\r\n"]
    if not all(map(bytes.isascii, pieces)):  # what holds 8bit is 8bit (RFC 2045 §6.4)
        headers.append(b"Content-Transfer-Encoding: 8bit\r\n")
    return [*headers, b"\r\n", *pieces, f"--{boundary}--\r\n".encode()]


def _render_leaf(leaf: Leaf) -> list[bytes]:
    headers = [line.render() for line in leaf.headers]
    encoding, content = _encode(leaf)
    return [*headers, f"Content-Transfer-Encoding: {encoding}\r\n\r\n".encode(), content]


def _encode(leaf: Leaf) -> tuple[str, bytes]:
    """Choose 7bit, 8bit, quoted-printable or base64 for a leaf's content."""
    content = leaf.content
    is_fit = not _UNFIT.search(content) and not _LONG_LINE.search(content)
    if leaf.is_message:
        return ("7bit" if content.isascii() else "8bit"), content
    if leaf.is_text and is_fit:
        return "7bit", content
    if leaf.is_text and _mostly_ascii(content):
        lines = content.split(b"\r\n")
        encoded = [quopri.encodestring(line).replace(b"\n", b"\r\n") for line in lines]
        return "quoted-printable", b"\r\n".join(encoded)
    return "base64", _base64_lines(content)


def _mostly_ascii(content: bytes) -> bool:
    high = len(content) - len(content.translate(None, bytes(range(128, 256))))
    return high * 4 < len(content)


def _base64_lines(content: bytes) -> bytes:
    """76 characters a line (RFC 2045 §6.8)."""
    return base64.encodebytes(content).replace(b"\n", b"\r\n").removesuffix(b"\r\n")


def encoded_text_line(name: str, text: str) -> HeaderLine:
    """An unstructured field of any text, such as Subject (RFC 2047 §5)."""
    return HeaderLine(name, encode_words(text))
