"""Cuts the client's bytes into commands: lines and literals first, grammar later. Pure.

A literal can so never be read as a command, whatever is wrong with the command around it
(RFC 9051 §4.3, RFC 7888).
"""

import re
from dataclasses import dataclass, field
from typing import Final

__all__ = ["ClientData", "Continue", "Limits", "Overflow", "RawCommand", "Rejected"]

_LITERAL: Final = re.compile(rb"(~?)\{(\d{1,20})(\+?)\}\Z")
_APPEND: Final = re.compile(rb"[^ ]+ +APPEND ", re.IGNORECASE)
_TAG: Final = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\+]+")


@dataclass(slots=True)
class Limits:
    """What is read, in bytes. Literals of APPEND have a limit of their own."""

    command: int
    append: int


@dataclass(frozen=True, slots=True)
class RawCommand:
    """A command: its text, in which each literal is one NUL, and the literals in order."""

    text: bytes
    literals: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Continue:
    """The client waits to be asked for a literal."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A literal was too large: ``tag`` is to be told NO [TOOBIG]; nothing else was lost."""

    tag: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Overflow:
    """The line itself is too long: there is no telling where the next command begins."""


Event = RawCommand | Continue | Rejected | Overflow


@dataclass(slots=True)
class _Pending:
    text: bytearray = field(default_factory=bytearray)
    literals: list[bytes] = field(default_factory=list)
    literal_bytes: int = 0
    too_large: int = 0


class ClientData:
    """Feed it bytes; ask for what they come to."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._buffer = bytearray()
        self._searched = 0
        self._pending = _Pending()
        self._literal: int | None = None  # bytes of the literal that is being read
        self._skip = 0  # bytes of a literal that nobody wants

    def receive_data(self, data: bytes) -> None:
        """Take bytes."""
        self._buffer += data

    def discard(self) -> None:
        """Forget everything: what was sent in the clear is no part of what follows in TLS."""
        self._buffer.clear()
        self._searched = 0
        self._pending = _Pending()
        self._literal, self._skip = None, 0

    def next_line(self) -> bytes | None:
        """A single line: AUTHENTICATE's response, or DONE. None: more bytes are needed.

        Raises:
            ValueError: it is longer than a command may be.
        """
        end = self._buffer.find(b"\n")
        if end < 0:
            if len(self._buffer) > self.limits.command:
                raise ValueError("line too long")
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line.removesuffix(b"\r")

    def next_event(self) -> Event | None:
        """What has come; None: more bytes are needed."""
        while True:
            if self._skip:
                skipped = min(self._skip, len(self._buffer))
                del self._buffer[:skipped]
                self._skip -= skipped
                if self._skip:
                    return None
            if self._literal is not None:
                if len(self._buffer) < self._literal:
                    return None
                self._pending.literals.append(bytes(self._buffer[: self._literal]))
                self._pending.text += b"\0"
                del self._buffer[: self._literal]
                self._literal = None
            line = self._take_line()
            if line is None:
                too_long = len(self._buffer) + len(self._pending.text) > self.limits.command
                return Overflow() if too_long else None
            event = self._line(line)
            if event is not None:
                return event

    def _take_line(self) -> bytes | None:
        end = self._buffer.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._buffer)
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        return line.removesuffix(b"\r")

    def _line(self, line: bytes) -> Event | None:
        """A line has ended: with a literal's announcement, or with the command."""
        pending = self._pending
        # NUL marks a literal from here on; from a client it is never right (RFC 9051 §9: CHAR8).
        pending.text += line.replace(b"\0", b"\x7f")
        if len(pending.text) > self.limits.command:
            self._pending = _Pending()
            return Overflow()
        match = _LITERAL.search(line) if line.endswith(b"}") else None
        if match is None:
            return self._finish()
        del pending.text[len(pending.text) - len(match[0]) :]
        size, is_waiting = int(match[2]), not match[3]
        is_append = _APPEND.match(pending.text) is not None and bool(pending.text)
        limit = self.limits.append if is_append else self.limits.command
        pending.literal_bytes += size
        if (
            pending.literal_bytes > limit + (self.limits.command if is_append else 0)
            or size > limit
        ):
            if is_waiting:
                return self._reject(size)
            # It comes without being asked for: it must be read to be over with.
            pending.too_large = max(pending.too_large, size)
            self._skip = size
            pending.text += b"\0"
            pending.literals.append(b"")
            return None
        self._literal = size
        return Continue() if is_waiting else None

    def _reject(self, size: int) -> Rejected:
        tag = _TAG.match(self._pending.text)
        self._pending = _Pending()
        return Rejected(tag[0] if tag else b"*", size)

    def _finish(self) -> Event:
        pending = self._pending
        if pending.too_large:
            return self._reject(pending.too_large)
        self._pending = _Pending()
        return RawCommand(bytes(pending.text), tuple(pending.literals))
