"""The messages that a probe sends, and what of them must come out as it went in. No I/O here."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import formatdate
from enum import StrEnum
from typing import Final

from mailquay.cli.probe.failures import ProbeFailed

__all__ = ["Letter", "Way", "new_run", "write_letter"]

#: What has been mangled by servers: dots that begin a line (RFC 5321 §4.5.2), a line that looks
#: like mbox's separator, white space at an end, no text at all, the longest line (§4.5.3.1.6).
_LINES: Final = (
    b".",
    b"..",
    b".one dot",
    b"From here on all is as it was.",
    b"white space ends this line \t ",
    b"",
    b"x" * 998,
)
_UTF8_LINE: Final = "Grüße aus 東京, żółw, ✓".encode()


class Way(StrEnum):
    """How a message comes in."""

    MX = "mx"
    SUBMISSION = "submission"


@dataclass(frozen=True, slots=True)
class Letter:
    """A message; ``token`` is in its subject and in that of no other run's."""

    way: Way
    token: str
    message_id: str
    fields: tuple[bytes, ...]
    body: bytes

    @property
    def raw(self) -> bytes:
        """The message's bytes, as they are sent."""
        return b"".join(field + b"\r\n" for field in self.fields) + b"\r\n" + self.body

    def check(self, received: bytes) -> None:
        """Compare it with what a server hands out; fields may be added, none may be changed.

        Raises:
            ProbeFailed: it is another.
        """
        header, _, body = received.partition(b"\r\n\r\n")
        lines = header.split(b"\r\n")
        for field in self.fields:
            if field not in lines:
                name = field.partition(b":")[0].decode()
                raise ProbeFailed(f"{self.message_id} came out without its {name} as it was sent")
        if body != self.body:
            at = _first_difference(body, self.body)
            raise ProbeFailed(
                f"the body of {self.message_id} came out changed: {len(body)} bytes in place of "
                f"{len(self.body)}, from byte {at} on"
            )


def new_run() -> str:
    """A word that no message has in it yet."""
    return f"probe{secrets.token_hex(12)}"


def write_letter(way: Way, token: str, *, sender: str, recipient: str, is_8bit: bool) -> Letter:
    """A message of a run.

    Args:
        way: how it is to come in.
        token: of the run.
        sender: of its From field.
        recipient: of its To field.
        is_8bit: whether the server takes octets over 127 (RFC 6152).
    """
    message_id = f"<{token}.{way}@{sender.rpartition('@')[2]}>"
    fields = (
        f"From: <{sender}>",
        f"To: <{recipient}>",
        f"Subject: Mailquay probe {token} by {way}",
        f"Date: {formatdate()}",
        f"Message-ID: {message_id}",
        "Auto-Submitted: auto-generated",  # RFC 3834 §5: nobody is to answer
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Transfer-Encoding: {'8bit' if is_8bit else '7bit'}",
    )
    lines: Sequence[bytes] = (token.encode(), *_LINES, *((_UTF8_LINE,) if is_8bit else ()))
    body = b"".join(line + b"\r\n" for line in lines)
    return Letter(way, token, message_id, tuple(field.encode() for field in fields), body)


def _first_difference(one: bytes, other: bytes) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
