"""Messages that are wrong, or larger in some way than any that somebody wrote; made when needed."""

from collections.abc import Callable
from typing import Final

__all__ = ["MESSAGES"]


def _nested_multiparts(depth: int) -> bytes:
    begin = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
        for n in range(depth)
    )
    return begin + b"\r\nx\r\n" + b"".join(b"--b%d--\r\n" % n for n in reversed(range(depth)))


def _words(charset: bytes, text: bytes) -> bytes:
    return b"Subject: =?%b?b?%b?= =?%b?q?%b?=\r\n\r\nx\r\n" % (charset, text, charset, text)


def _text(headers: bytes, body: bytes) -> bytes:
    return b"Subject: x\r\nMIME-Version: 1.0\r\n" + headers + b"\r\n\r\n" + body


#: Each by its name.
MESSAGES: Final[dict[str, Callable[[], bytes]]] = {
    "empty line": lambda: b"\r\n",
    "no header": lambda: b"This is no header at all\r\nand neither is this\r\n",
    "no body": lambda: b"Subject: x",
    "header without end": lambda: b"Subject: x\r\nFrom: a@b",
    "only nuls": lambda: bytes(100_000),
    "nuls in header": lambda: b"Sub\0ject: \0\r\nFrom: \0@\0\r\n\r\n\0",
    "lone carriage returns": lambda: b"Subject: x\rFrom: a@b\r\r" * 1000,
    "lone line feeds": lambda: b"Subject: x\nFrom: a@b\n\n" * 1000,
    "bytes": lambda: bytes(range(256)) * 400,
    "10,000 parts": lambda: _text(
        b"Content-Type: multipart/mixed; boundary=b", b"--b\r\n\r\nx\r\n" * 10_000 + b"--b--\r\n"
    ),
    "1,000 multiparts in each other": lambda: _nested_multiparts(1000),
    "1,000 messages in each other": lambda: (
        b"Content-Type: message/rfc822\r\n\r\n" * 1000 + b"Subject: innermost\r\n\r\nx\r\n"
    ),
    "one boundary for all": lambda: (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * 1000 + b"--b--\r\n" * 1000
    ),
    "boundary that is empty": lambda: _text(
        b'Content-Type: multipart/mixed; boundary=""', b"--\r\n\r\nx\r\n----\r\n"
    ),
    "header of 10 MiB": lambda: b"X-Long: " + b"x" * (10 << 20) + b"\r\n\r\nx\r\n",
    "100,000 fields": lambda: b"X: y\r\n" * 100_000 + b"\r\nx\r\n",
    "100,000 folds": lambda: b"Subject: x\r\n" + b" y\r\n" * 100_000 + b"\r\nx\r\n",
    "line of 10 MB": lambda: b"Subject: x\r\n\r\n" + b"x" * 10_000_000,
    "50,000 addresses": lambda: b"To: " + b"a@b, " * 50_000 + b"\r\n\r\nx\r\n",
    "comments in each other": lambda: (
        b"From: " + b"(" * 50_000 + b")" * 50_000 + b" a@b\r\n\r\nx\r\n"
    ),
    "quotes without end": lambda: b'From: "' + b"\\" * 50_001 + b"\r\n\r\nx\r\n",
    "groups": lambda: b"To: " + b"g: a@b;, " * 20_000 + b"\r\n\r\nx\r\n",
    "50,000 references": lambda: b"References: " + b"<a@b> " * 50_000 + b"\r\n\r\nx\r\n",
    "a subject that is all Re": lambda: b"Subject: " + b"Re: " * 50_000 + b"\r\n\r\nx\r\n",
    "a subject of brackets": lambda: b"Subject: " + b"[" * 50_000 + b"]" * 50_000 + b"\r\n\r\nx",
    "50,000 encoded words": lambda: b"Subject: " + b"=?utf-8?q?=C3?= " * 50_000 + b"\r\n\r\nx\r\n",
    "encoded words of no charset": lambda: _words(b"nothing", b"AAAA"),
    "encoded words in UTF-7": lambda: _words(b"utf-7", b"+2AA-"),
    "encoded words that are none": lambda: _words(b"utf-8", b"=\xff=?"),
    "parameters without number": lambda: _text(
        b"Content-Type: text/plain" + b"".join(b"; a*%d=b" % n for n in range(5000)), b"x"
    ),
    "charset that is none": lambda: _text(b"Content-Type: text/plain; charset=nothing", b"\xff"),
    "charset that is a codec": lambda: _text(b"Content-Type: text/plain; charset=zlib", b"\xff"),
    "charset UTF-16, odd": lambda: _text(b"Content-Type: text/plain; charset=utf-16", b"\xff\xd8x"),
    "base64 that is none": lambda: _text(
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64", b"=\xff*A===\0A" * 1000
    ),
    "quoted-printable that is none": lambda: _text(
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable", b"=Z=\0=" * 9999
    ),
    "encoding that is none": lambda: _text(b"Content-Transfer-Encoding: x-nothing", b"x"),
    "HTML of open tags": lambda: _text(b"Content-Type: text/html", b"<div><!--" * 50_000),
    "date that is none": lambda: b"Date: Fri, 99 Foo 99999 99:99:99 +9999\r\n\r\nx\r\n",
    "date at the end of time": lambda: b"Date: 31 Dec 9999 23:59:59 -1400\r\n\r\nx\r\n",
}
