"""DATA: from the client's bytes to the message (RFC 5321 §4.1.1.4, §4.5.2). Pure.

Whole chunks are searched, never single lines: a message costs what copying it costs.
"""

from enum import Enum, auto
from typing import Final

__all__ = ["DataFault", "DataReader"]

_END: Final = b"\r\n.\r\n"


class DataFault(Enum):
    """Why the message is not taken, once it has all been read."""

    TOO_LARGE = auto()
    BARE_LINE_END = auto()


class DataReader:
    """Feed it until it is done; then take the message, and what came behind it."""

    __slots__ = ("_buffer", "_dropped", "_limit", "_searched", "leftover")

    def __init__(self, limit: int) -> None:
        """Begin a message of at most ``limit`` bytes."""
        # The line end of the DATA command is the first half of an end that comes at once.
        self._buffer = bytearray(b"\r\n")
        self._searched = 0
        self._limit = limit
        self._dropped = False
        self.leftover = b""

    def feed(self, data: bytes) -> bool:
        """Take bytes; True when the end has come."""
        self._buffer += data
        end = self._buffer.find(_END, self._searched)
        if end >= 0:
            self.leftover = bytes(self._buffer[end + len(_END) :])
            del self._buffer[end + 2 :]
            return True
        if len(self._buffer) > self._limit + 2 + len(_END):
            # It is read to its end, so that what follows is not taken for commands.
            self._dropped = True
            del self._buffer[: -len(_END) + 1]
        self._searched = max(0, len(self._buffer) - len(_END) + 1)
        return False

    def message(self) -> bytes | DataFault:
        """The message with its transparency undone.

        A line that ends in anything but CRLF is refused, or it would be two messages to one
        server and one to another.
        """
        if self._dropped:
            return DataFault.TOO_LARGE
        stuffed = self._buffer
        ends = stuffed.count(b"\r\n")
        if stuffed.count(b"\n") != ends or stuffed.count(b"\r") != ends:
            return DataFault.BARE_LINE_END
        message = bytes(stuffed.replace(b"\r\n.", b"\r\n")[2:])
        return message if len(message) <= self._limit else DataFault.TOO_LARGE
