r"""DATA: from the client's bytes to the message (RFC 5321 §4.1.1.4, §4.5.2). Pure.

Whole chunks are searched, never single lines, and kept as the pieces that they came in: a message
costs what hashing it costs, and is in memory once until it is put together.

Nothing but ``\r\n.\r\n`` ends a message, and nothing but ``\r\n`` a line. A message with any other
line end is refused, or it would be one message to us and two to the next server, the second of
which nobody has checked: the SMTP smuggling of 2023 (CVE-2023-51764, -51765, -51766). NUL is
refused with them: there are servers that drop it, and what was no end becomes one.
"""

import hashlib
import re
from dataclasses import dataclass
from enum import IntEnum, auto
from typing import Final

__all__ = ["DataFault", "DataReader", "Message"]

_END: Final = b"\r\n.\r\n"
#: A dot that begins a line: the end, or one that the client has added (RFC 5321 §4.5.2).
_DOT: Final = b"\r\n."
#: What may be the beginning of the end, the longest first: it waits for what follows.
_BEGINNINGS: Final = tuple(_END[:length] for length in range(len(_END) - 1, 0, -1))
#: A dot alone on its line, to someone who takes a bare CR or LF for a line's end.
_FALSE_END: Final = re.compile(rb"(?:\r\n|\r|\n)\.(?:\r\n|\r|\n)")
#: Smaller pieces are gathered to ones of at least this size: a list of single bytes is no message.
_PIECE_BYTES: Final = 64 * 1024
#: What is kept of the bytes before, so that a false end is seen across two chunks.
_TAIL: Final = 4


class DataFault(IntEnum):
    """Why the message is not taken, once it has all been read; of several the gravest is told."""

    TOO_LARGE = auto()
    NUL = auto()
    BARE_LINE_END = auto()
    #: Client and server may no longer be of one mind about what is message and what is command:
    #: nothing more is to be read on this connection.
    FALSE_END = auto()


@dataclass(slots=True)
class Message:
    """What was sent, its transparency undone; ``digest`` is the SHA-256 of it all."""

    pieces: list[bytes]
    size: int
    digest: bytes


class DataReader:
    """Feed it until it is done; then there is a message or a fault, and what came behind it."""

    __slots__ = ("_digest", "_gathered", "_held", "_is_first", "_limit", "_pieces", "_size",
                 "_tail", "fault", "leftover")  # fmt: skip

    def __init__(self, limit: int) -> None:
        """Begin a message of at most ``limit`` bytes."""
        # The line end of the DATA command is the first half of an end that comes at once.
        self._held = b"\r\n"
        self._is_first = True
        self._limit = limit
        self._pieces: list[bytes] = []
        self._gathered = bytearray()
        self._size = 0
        self._digest = hashlib.sha256()
        self._tail = b""
        self.fault: DataFault | None = None
        self.leftover = b""

    def feed(self, data: bytes) -> bool:
        """Take bytes; True when the end has come."""
        window = self._held + data
        dot = window.find(_DOT)
        end = window.find(_END, dot) if dot >= 0 else -1
        if end >= 0:
            self.leftover = window[end + len(_END) :]
            self._take(window[: end + 2], is_stuffed=dot < end)
            return True
        held = next((b for b in _BEGINNINGS if window.endswith(b)), b"")
        self._held = held
        self._take(window[: len(window) - len(held)] if held else window, is_stuffed=dot >= 0)
        return self.fault is DataFault.FALSE_END

    def _take(self, window: bytes, *, is_stuffed: bool) -> None:
        """Keep a piece in which every CRLF and every stuffed dot is whole."""
        self._check(window)
        if is_stuffed:
            window = window.replace(_DOT, b"\r\n")
        if self._is_first and window:
            self._is_first = False
            window = window[2:]
        self._size += len(window)
        if self._size > self._limit:
            self._fail(DataFault.TOO_LARGE)
        if self.fault is not None:
            # It is read to its end, so that what follows is not taken for commands.
            self._pieces.clear()
            self._gathered.clear()
        else:
            self._digest.update(window)
            self._keep(window)

    def _keep(self, piece: bytes) -> None:
        if not self._gathered and len(piece) >= _PIECE_BYTES:
            self._pieces.append(piece)
            return
        self._gathered += piece
        if len(self._gathered) >= _PIECE_BYTES:
            self._close_piece()

    def _close_piece(self) -> None:
        self._pieces.append(bytes(self._gathered))
        self._gathered.clear()

    def _check(self, window: bytes) -> None:
        ends = window.count(b"\r\n")
        if window.count(b"\n") != ends or window.count(b"\r") != ends:
            self._fail(DataFault.BARE_LINE_END)
        if b"\0" in window:
            self._fail(DataFault.NUL)
        if self.fault is not None:
            seen = self._tail + window
            if _FALSE_END.search(seen):
                self._fail(DataFault.FALSE_END)
            self._tail = seen[-_TAIL:]

    def _fail(self, fault: DataFault) -> None:
        self.fault = fault if self.fault is None else max(self.fault, fault)

    def message(self) -> Message:
        """The message; only without a fault."""
        assert self.fault is None
        if self._gathered:
            self._close_piece()
        return Message(self._pieces, self._size, self._digest.digest())
