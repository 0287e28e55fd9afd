"""SMTP replies as a client reads them (RFC 5321 §4.2, RFC 2034). No I/O here.

ABNF (RFC 5321 §4.2)::

    Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
    Reply-code = %x32-35 %x30-35 %x30-39
"""

import re
from collections import deque
from dataclasses import dataclass
from typing import Final

__all__ = ["Reply", "ReplyError", "ReplyParser", "local_reply"]

#: A line longer than this is no reply. RFC 5321 §4.5.3.1.5 allows 512; servers do exceed it.
LINE_MAX_BYTES: Final = 4096
#: More lines than this in one reply is an attack on our memory.
LINES_MAX: Final = 256

_LINE: Final = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)
_ENHANCED: Final = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?:\s+|$)")


class ReplyError(Exception):
    """What came is not an SMTP reply; nothing more on this connection can be believed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One whole reply, its lines without the code; ``is_local``: no peer has said it."""

    code: int
    lines: tuple[str, ...]
    is_local: bool = False

    @property
    def is_positive(self) -> bool:
        """2yz or 3yz."""
        return self.code < 400

    @property
    def is_transient(self) -> bool:
        """4yz: the same may succeed later (RFC 5321 §4.2.1)."""
        return 400 <= self.code < 500

    @property
    def is_permanent(self) -> bool:
        """5yz: do not repeat."""
        return self.code >= 500

    @property
    def enhanced(self) -> str | None:
        """The enhanced status code of the last line that carries one (RFC 2034 §4)."""
        for line in reversed(self.lines):
            if (m := _ENHANCED.match(line)) and m[1] == str(self.code)[0]:
                return f"{m[1]}.{m[2]}.{m[3]}"
        return None

    @property
    def status(self) -> str:
        """A status for a DSN's Status field (RFC 3464 §2.3.4), made up where none was given."""
        return self.enhanced or f"{min(self.code // 100, 5)}.0.0"

    def __str__(self) -> str:
        """The reply on one line, as logs and DSNs show it; what we found out has no code."""
        code = () if self.is_local else (str(self.code),)
        return " ".join([*code, *(line for line in self.lines if line)])


def local_reply(code: int, enhanced: str, text: str) -> Reply:
    """A reply for what this side found out itself, in the form a peer would have used."""
    return Reply(code, (f"{enhanced} {text}",), is_local=True)


class ReplyParser:
    """Cuts replies out of bytes as they come; where packets end makes no difference."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0
        self._code: int | None = None
        self._lines: list[str] = []
        self._replies: deque[Reply] = deque()
        self._error: ReplyError | None = None

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the peer; after what is no reply, nothing more is read."""
        if self._error is not None:
            return
        self._buffer += data
        try:
            self._cut()
        except ReplyError as error:
            self._error = error

    def next_reply(self) -> Reply | None:
        """The next whole reply, or None when more bytes are needed.

        Raises:
            ReplyError: what comes next is none, or exceeds a limit.
        """
        if self._replies:
            return self._replies.popleft()
        if self._error is not None:
            raise self._error
        return None

    @property
    def has_leftover(self) -> bool:
        """Bytes or replies nobody asked for; after STARTTLS that is an injection (RFC 3207 §6)."""
        return bool(self._buffer or self._lines or self._replies or self._error)

    def _cut(self) -> None:
        start = 0
        while (end := self._buffer.find(b"\n", max(start, self._scanned))) >= 0:
            self._line(bytes(self._buffer[start:end]).removesuffix(b"\r"))
            start = end + 1
            self._scanned = start
        del self._buffer[:start]
        self._scanned = len(self._buffer)
        if self._scanned > LINE_MAX_BYTES:
            raise ReplyError("a reply's line is too long")

    def _line(self, line: bytes) -> None:
        if len(line) > LINE_MAX_BYTES:
            raise ReplyError("a reply's line is too long")
        match = _LINE.fullmatch(line)
        if match is None:
            raise ReplyError(f"not a reply: {line[:80]!r}")
        code = int(match[1])
        if self._code is not None and code != self._code:
            raise ReplyError(f"a reply that changes its code from {self._code} to {code}")
        if len(self._lines) >= LINES_MAX:
            raise ReplyError("a reply has too many lines")
        self._lines.append((match[3] or b"").decode("utf-8", "replace"))
        if match[2] == b"-":
            self._code = code
        else:
            self._replies.append(Reply(code, tuple(self._lines)))
            self._code, self._lines = None, []
