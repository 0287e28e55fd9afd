"""Cuts the client's bytes into commands: lines and literals first, grammar later. Pure.

A literal can so never be read as a command, whatever is wrong with the command around it
(RFC 9051 §4.3, RFC 7888).
"""

import re
from dataclasses import dataclass, field
from typing import Final

__all__ = ["ClientData", "Continue", "Limits", "Overflow", "RawCommand", "Rejected"]

#: What announces a literal at the end of a line; ``+`` does not wait to be asked (RFC 7888).
_LITERAL: Final = re.compile(rb"\{(\d{1,20})(\+?)\}\Z")
_APPEND: Final = re.compile(rb"[^ ]+ +(?:APPEND|(?:UID +)?REPLACE) ", re.IGNORECASE)
_TAG: Final = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\+]+(?= )")


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
    """A literal was too large and was not kept; the command is over, and nothing else was lost.

    ``tag`` is None where the command had none.
    """

    tag: bytes | None
    size: int
    is_append: bool


@dataclass(frozen=True, slots=True)
class Overflow:
    """The line itself is too long: there is no telling where the next command begins."""


Event = RawCommand | Continue | Rejected | Overflow


@dataclass(slots=True)
class _Pending:
    """A command that has begun."""

    text: bytearray = field(default_factory=bytearray)
    literals: list[bytes] = field(default_factory=list)
    line_bytes: int = 0
    literal_bytes: int = 0
    too_large: int = 0
    is_append: bool | None = None  # None until it matters


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

    @property
    def is_appending(self) -> bool:
        """Whether an APPEND has begun to come, and has not ended."""
        return bool(self._pending.is_append)

    def discard(self) -> None:
        """Forget everything: what was sent in the clear is no part of what follows in TLS."""
        self._buffer.clear()
        self._searched = 0
        self._pending = _Pending()
        self._literal, self._skip = None, 0

    def take_rest(self) -> bytes:
        """What has come and was not read: it is to be read otherwise."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        self._searched = 0
        return rest

    def next_line(self) -> bytes | None:
        """A single line: AUTHENTICATE's response, or DONE. None: more bytes are needed.

        Raises:
            ValueError: it is longer than a command may be.
        """
        line = self._take_line()
        if line is None and len(self._buffer) > self.limits.command:
            raise ValueError("line too long")
        return line

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
                self._take_literal(self._literal)
            line = self._take_line()
            if line is None:
                too_long = len(self._buffer) + self._pending.line_bytes > self.limits.command
                return Overflow() if too_long else None
            event = self._line(line)
            if event is not None:
                return event

    def _take_literal(self, size: int) -> None:
        with memoryview(self._buffer) as view:
            self._pending.literals.append(bytes(view[:size]))
        del self._buffer[:size]
        self._pending.text += b"\0"
        self._literal = None

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
        pending.line_bytes += len(line) + 2
        if pending.line_bytes > self.limits.command:
            self._pending = _Pending()
            return Overflow()
        # NUL marks a literal from here on. From a client it is never right outside of one
        # (RFC 9051 §9: CHAR), and neither is a lone CR, which no rule of the grammar takes.
        pending.text += line.replace(b"\0", b"\r")
        if not pending.text:
            # Between commands: iOS sends a line end too much before some of them (docs/clients.md).
            self._pending = _Pending()
            return None
        match = _LITERAL.search(line) if line.endswith(b"}") else None
        if match is None:
            return self._finish()
        del pending.text[len(pending.text) - len(match[0]) :]
        return self._announced(int(match[1]), is_waiting=not match[2])

    def _announced(self, size: int, *, is_waiting: bool) -> Event | None:
        """A literal is to follow."""
        pending = self._pending
        if pending.is_append is None:
            pending.is_append = _APPEND.match(pending.text) is not None
        limit = self.limits.append if pending.is_append else self.limits.command
        # Of an APPEND, the mailbox's name may be a literal too.
        total = limit + (self.limits.command if pending.is_append else 0)
        pending.literal_bytes += size
        if size > limit or pending.literal_bytes > total:
            pending.too_large = max(pending.too_large, size)
            if is_waiting:
                return self._reject()
            # It comes without being asked for: it must be read to be over with.
            self._skip = size
            pending.literals.append(b"")
            pending.text += b"\0"
            return None
        self._literal = size
        return Continue() if is_waiting else None

    def _reject(self) -> Rejected:
        pending, self._pending = self._pending, _Pending()
        tag = _TAG.match(pending.text)
        return Rejected(tag[0] if tag else None, pending.too_large, bool(pending.is_append))

    def _finish(self) -> Event:
        if self._pending.too_large:
            return self._reject()
        pending, self._pending = self._pending, _Pending()
        return RawCommand(bytes(pending.text), tuple(pending.literals))
