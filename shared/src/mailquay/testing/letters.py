"""Ordinary mail by Hypothesis: written as mail programs write it, with what was meant by it.

Whoever reads such a message has to find what its `Letter` says. Nothing here is used by the code
under test, nor does it use any.
"""

import base64
import quopri
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final
from urllib.parse import quote

from hypothesis import strategies as st

__all__ = ["Leaf", "Letter", "Multi", "Sent", "letters", "write_letter"]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A part with content of its own."""

    content_type: str
    charset: str | None
    content: bytes
    encoding: str
    filename: str | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A message; inside of another, an embedded one (RFC 2046 §5.2.1)."""

    subject: str
    author: tuple[str, str]
    body: "Sent"


@dataclass(frozen=True, slots=True)
class Multi:
    """A multipart (RFC 2046 §5.1)."""

    subtype: str
    parts: tuple["Sent", ...]
    preamble: bytes = b""
    epilogue: bytes = b""


Sent = Leaf | Letter | Multi

_WORDS: Final = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12
)
_TEXTS: Final = st.lists(_WORDS, max_size=6).map(" ".join)
_LINES: Final = st.lists(_TEXTS, max_size=5).map("\r\n".join)
_FILENAMES: Final = st.one_of(
    st.none(), st.sampled_from(["a.pdf", "report (1).pdf", 'the "real" one.txt']), _WORDS
)
_FILLINGS: Final = st.sampled_from([b"", b"This is a message in MIME format.\r\n"])


def _text_leaf(subtype: str, text: str, encoding: str) -> Leaf:
    fits = encoding if encoding != "7bit" or text.isascii() else "8bit"
    charset = "us-ascii" if text.isascii() else "utf-8"
    return Leaf(f"text/{subtype}", charset, text.encode(), fits)


_LEAVES: Final = st.one_of(
    st.builds(
        _text_leaf,
        st.sampled_from(["plain", "html"]),
        _LINES,
        st.sampled_from(["7bit", "8bit", "quoted-printable", "base64"]),
    ),
    st.builds(
        Leaf,
        st.sampled_from(["application/pdf", "image/png"]),
        st.none(),
        st.binary(max_size=200),
        st.just("base64"),
        _FILENAMES,
    ),
)
_AUTHORS: Final = st.tuples(
    _TEXTS, st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8})?@example\.org", fullmatch=True)
)


def _containers(parts: st.SearchStrategy[Sent]) -> st.SearchStrategy[Sent]:
    return st.one_of(
        st.builds(
            Multi,
            st.sampled_from(["mixed", "alternative", "related"]),
            st.lists(parts, min_size=1, max_size=3).map(tuple),
            _FILLINGS,
            _FILLINGS,
        ),
        st.builds(Letter, _TEXTS, _AUTHORS, parts),
    )


#: Messages of any shape, up to some parts.
letters: Final[st.SearchStrategy[Letter]] = st.builds(
    Letter, _TEXTS, _AUTHORS, st.recursive(_LEAVES, _containers, max_leaves=6)
)


def write_letter(letter: Letter) -> bytes:
    """The message's bytes, lines ended by CRLF."""
    return _write_letter(letter, count(1))


def _write_letter(letter: Letter, numbers: Iterator[int]) -> bytes:
    name, address = letter.author
    header = (
        f"From: {_encoded_words(name)} <{address}>\r\n"
        f"Subject: {_encoded_words(letter.subject)}\r\n"
        "MIME-Version: 1.0\r\n"
    )
    return header.encode() + _write(letter.body, numbers)


def _write(sent: Sent, numbers: Iterator[int]) -> bytes:
    match sent:
        case Leaf():
            return _leaf_header(sent).encode() + _encode(sent.content, sent.encoding)
        case Letter():
            return b"Content-Type: message/rfc822\r\n\r\n" + _write_letter(sent, numbers)
        case Multi():
            return _write_multi(sent, numbers)


def _write_multi(multi: Multi, numbers: Iterator[int]) -> bytes:
    """No boundary here begins another one, though scanners have to bear that, too."""
    boundary = f"=_{next(numbers):06d}(x)"
    head = f'Content-Type: multipart/{multi.subtype};\r\n boundary="{boundary}"\r\n\r\n'
    line = f"--{boundary}".encode()
    parts = b"".join(b"\r\n%s\r\n%s" % (line, _write(part, numbers)) for part in multi.parts)
    return head.encode() + multi.preamble + parts + b"\r\n%s--\r\n" % line + multi.epilogue


def _leaf_header(leaf: Leaf) -> str:
    charset = f"; charset={leaf.charset}" if leaf.charset else ""
    lines = [f"Content-Type: {leaf.content_type}{charset}"]
    if leaf.filename is not None:
        lines.append(f"Content-Disposition: attachment;\r\n {_parameter(leaf.filename)}")
    lines.append(f"Content-Transfer-Encoding: {leaf.encoding}")
    return "\r\n".join(lines) + "\r\n\r\n"


def _parameter(filename: str) -> str:
    """In the form of RFC 2231, in two pieces, when it is not ASCII or long."""
    if filename.isascii():
        escaped = filename.replace("\\", "\\\\").replace('"', '\\"')
        return f'filename="{escaped}"'
    half = len(filename) // 2
    first, second = quote(filename[:half], safe=""), quote(filename[half:], safe="")
    return f"filename*0*=utf-8''{first};\r\n filename*1*={second}"


def _encoded_words(text: str) -> str:
    """Base64 words of ten characters each (RFC 2047 §2)."""
    chunks = [text[at : at + 10] for at in range(0, len(text), 10)]
    words = (base64.b64encode(chunk.encode()).decode() for chunk in chunks)
    return "\r\n ".join(f"=?utf-8?b?{word}?=" for word in words)


def _encode(content: bytes, encoding: str) -> bytes:
    match encoding:
        case "base64":
            return base64.encodebytes(content).replace(b"\n", b"\r\n")
        case "quoted-printable":
            lines = [quopri.encodestring(line) for line in content.split(b"\r\n")]
            return b"\r\n".join(line.replace(b"\n", b"\r\n") for line in lines)
        case _:
            return content
