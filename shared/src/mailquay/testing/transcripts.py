r"""Conversations of line protocols as plain files: who says what, byte for byte.

A file reads like the conversation that it is, and a runner plays the client's side of it::

    # RFC 9051 §6.3.12: an APPEND is told to whoever has the mailbox selected.
    @signed-in 1 2
    C1: a1 APPEND INBOX {}
    S1: + «...»
    C1| Subject: tea
    C1|
    C1| Hello.
    C1:
    S1: a1 OK [APPENDUID «validity=\d+» 1] «...»
    C2: b1 NOOP

``C1:`` is a line that client 1 sends, ``S1:`` one that it is to get next; there may be several
clients. ``C1|`` and ``S1|`` are lines of a literal, with a backslash at their end where it ends
without a line end; a literal's length is written ``{}`` or ``{+}``. ``C1!`` and ``S1!`` do
something instead: ``close`` from either side, ``starttls``, or ``connect NAME`` to another port.
``#`` begins a comment. ``@`` begins a directive, which is the caller's to follow.

In guillemets stands what varies: ``«...»`` is anything, ``«#»`` a number, ``«name=regex»``
remembers what matched, ``«name»`` is what is known by that name, ``«0d»`` a byte.
"""

import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

__all__ = ["Connection", "Mismatch", "Transcript", "play", "read_transcript"]

_STEP: Final = re.compile(r"([CS])([0-9]+)([:|!])(?: (.*))?")
_LITERAL: Final = re.compile(rb"\{(\d+)\+?\}\Z")
_HOLE: Final = re.compile("«([^»]*)»")
_SECONDS: Final = 20


class Mismatch(AssertionError):
    """The conversation went another way."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is said or done; ``kind`` is the letter and the sign of its line."""

    line: int
    kind: str
    session: str
    text: str


@dataclass(frozen=True, slots=True)
class Directive:
    """A line for the caller, with the literal lines that follow it."""

    name: str
    arguments: str
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Transcript:
    """A conversation, and what is to be so before it."""

    path: Path
    directives: tuple[Directive, ...]
    steps: tuple[Step, ...]


def read_transcript(path: Path) -> Transcript:
    """Read a file.

    Raises:
        ValueError: a line is none of those above.
    """
    directives: list[Directive] = []
    steps: list[Step] = []
    for number, line in enumerate(path.read_text("utf-8").split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("@"):
            name, _, arguments = line[1:].partition(" ")
            directives.append(Directive(name, arguments))
        elif line.startswith("|") and directives:
            last = directives[-1]
            body = last.body + _data(line[2:])
            directives[-1] = Directive(last.name, last.arguments, body)
        elif match := _STEP.fullmatch(line):
            steps.append(Step(number, match[1] + match[3], match[2], match[4] or ""))
        else:
            raise ValueError(f"{path}:{number}: {line!r} is no line of a transcript")
    return Transcript(path, tuple(directives), tuple(steps))


def _data(text: str) -> bytes:
    """A line of a literal, without what varies."""
    ending = b"" if text.endswith("\\") else b"\r\n"
    holes = _HOLE.sub(lambda hole: chr(int(hole[1], 16)), text.removesuffix("\\"))
    is_bytes = _HOLE.search(text) is not None
    return holes.encode("latin-1" if is_bytes else "utf-8") + ending


class Connection:
    """A client's side of a connection."""

    def __init__(self, host: str, port: int, *, tls: ssl.SSLContext | None = None) -> None:
        self._socket: socket.socket = socket.create_connection((host, port), _SECONDS)
        self._buffer = b""
        if tls is not None:
            self.starttls(tls)

    def starttls(self, context: ssl.SSLContext) -> None:
        """Go on inside TLS."""
        self._socket = context.wrap_socket(self._socket, server_hostname="localhost")

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self._socket.sendall(data)

    def _receive(self, until: float) -> bool:
        """More bytes into the buffer; False at the end of the connection."""
        self._socket.settimeout(max(0.001, until - time.monotonic()))
        try:
            data = self._socket.recv(65536)
        except ConnectionError:
            data = b""
        self._buffer += data
        return bool(data)

    def read_line(self) -> bytes | None:
        """A line without its end; None at the end of the connection.

        Raises:
            TimeoutError: none came.
        """
        until = time.monotonic() + _SECONDS
        while b"\r\n" not in self._buffer:
            if not self._receive(until):
                return None
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def read_bytes(self, count: int) -> bytes:
        """So many bytes; fewer at the end of the connection."""
        until = time.monotonic() + _SECONDS
        while len(self._buffer) < count and self._receive(until):
            pass
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def unread(self) -> bytes:
        """What has come and was not read."""
        try:
            while self._receive(time.monotonic()):
                pass
        except TimeoutError:
            pass
        return self._buffer

    def close(self) -> None:
        """Close it."""
        self._socket.close()


@dataclass(slots=True)
class _Player:
    transcript: Transcript
    connect: Callable[[str], Connection]
    tls: ssl.SSLContext | None
    variables: dict[str, str]
    connections: dict[str, Connection]
    #: Literals that are announced and still to come, by session.
    announced: dict[str, int] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    def play(self) -> None:
        steps = self.transcript.steps
        position = 0
        while position < len(steps):
            step = steps[position]
            block = list(_block(steps[position:]))
            match step.kind:
                case "C:":
                    self._send(step, steps[position + 1 :])
                case "C|":
                    data = b"".join(self._bytes(line) for line in block)
                    self.connections[step.session].send(data)
                case "S:":
                    self._expect(step)
                case "S|":
                    self._expect_literal(block)
                case _:
                    self._do(step)
            position += len(block)
        for session, connection in self.connections.items():
            if rest := connection.unread():
                self._fail(steps[-1], f"S{session} has said more: {rest[:500]!r}")

    def _connection(self, session: str) -> Connection:
        if session not in self.connections:
            self.connections[session] = self.connect("")
        return self.connections[session]

    def _send(self, step: Step, following: tuple[Step, ...]) -> None:
        line = self._fill(step.text)
        if line.endswith((b"{}", b"{+}")):
            rest = [s for s in following if s.session == step.session and s.kind[0] == "C"]
            size = sum(len(self._bytes(s)) for s in _block(tuple(rest)))
            opening, _, ending = line.rpartition(b"{")
            line = opening + b"{%d" % size + ending
        self.log.append(f"C{step.session}: {line!r}")
        self._connection(step.session).send(line + b"\r\n")

    def _bytes(self, step: Step) -> bytes:
        ending = b"" if step.text.endswith("\\") else b"\r\n"
        return self._fill(step.text.removesuffix("\\")) + ending

    def _fill(self, text: str) -> bytes:
        def value(hole: re.Match[str]) -> bytes:
            if re.fullmatch("[0-9a-f]{2}", hole[1]):
                return bytes([int(hole[1], 16)])
            return self.variables[hole[1]].encode()

        pieces, position = [], 0
        for hole in _HOLE.finditer(text):
            pieces += [text[position : hole.start()].encode(), value(hole)]
            position = hole.end()
        return b"".join([*pieces, text[position:].encode()])

    def _pattern(self, text: str) -> tuple[re.Pattern[bytes], list[str]]:
        names: list[str] = []

        def expression(hole: str) -> bytes:
            name, is_capture, regex = hole.partition("=")
            if is_capture:
                names.append(name)
                return b"(" + regex.encode() + b")"
            if hole in ("...", "#"):
                return b".*" if hole == "..." else rb"\d+"
            return re.escape(self._fill(f"«{hole}»"))

        pieces, position = [], 0
        for hole in _HOLE.finditer(text):
            pieces += [re.escape(text[position : hole.start()].encode()), expression(hole[1])]
            position = hole.end()
        pieces.append(re.escape(text[position:].encode()))
        joined = b"".join(pieces).replace(rb"\{\}", rb"\{\d+\}")
        return re.compile(joined, re.DOTALL), names

    def _expect(self, step: Step) -> None:
        try:
            line = self._connection(step.session).read_line()
        except TimeoutError:
            self._fail(step, "nothing came")
        self.log.append(f"S{step.session}: {line!r}")
        pattern, names = self._pattern(step.text)
        match = None if line is None else pattern.fullmatch(line)
        if match is None or line is None:
            self._fail(step, f"got {line!r}")
        for name, value in zip(names, match.groups(), strict=True):
            self.variables[name] = value.decode()
        if literal := _LITERAL.search(line):
            self.announced[step.session] = int(literal[1])

    def _expect_literal(self, block: list[Step]) -> None:
        step = block[0]
        data = self.connections[step.session].read_bytes(self.announced.pop(step.session, 0))
        self.log.append(f"S{step.session}| {data!r}")
        ending = "" if block[-1].text.endswith("\\") else "\r\n"
        text = "\r\n".join(line.text for line in block).removesuffix("\\") + ending
        if not self._pattern(text)[0].fullmatch(data):
            self._fail(step, f"got the literal {data!r}")

    def _do(self, step: Step) -> None:
        self.log.append(f"{step.kind[0]}{step.session}! {step.text}")
        action, _, argument = step.text.partition(" ")
        match step.kind, action:
            case "C!", "connect":
                self.connections[step.session] = self.connect(argument)
            case "C!", "close":
                self.connections.pop(step.session).close()
            case "C!", "starttls":
                assert self.tls is not None, "the caller has given no context"
                self.connections[step.session].starttls(self.tls)
            case "S!", "close":
                line = self.connections[step.session].read_line()
                if line is not None:
                    self._fail(step, f"got {line!r}")
                self.connections.pop(step.session).close()
            case _:
                self._fail(step, "that is nothing to do")

    def _fail(self, step: Step, reason: str) -> NoReturn:
        said = "\n    ".join(self.log[-40:])
        raise Mismatch(
            f"{self.transcript.path}:{step.line}\n  expected {step.text!r}\n  {reason}\n"
            f"  after\n    {said}"
        )


def _block(steps: tuple[Step, ...]) -> Iterator[Step]:
    """The first step, with those behind it that are lines of the same literal."""
    first = steps[0]
    for step in steps:
        is_same = (step.kind, step.session) == (first.kind, first.session)
        if step is not first and not (is_same and step.kind.endswith("|")):
            return
        yield step


def play(
    transcript: Transcript,
    connect: Callable[[str], Connection],
    *,
    tls: ssl.SSLContext | None = None,
    variables: dict[str, str] | None = None,
    connections: dict[str, Connection] | None = None,
) -> None:
    """Play a conversation to its end.

    Args:
        transcript: what is to be said.
        connect: opens a connection, to the port of that name; the usual one where it is empty.
        tls: what ``starttls`` trusts the server by.
        variables: what is known by name.
        connections: those that are open already, by session.

    Raises:
        Mismatch: the server said something else.
    """
    player = _Player(transcript, connect, tls, dict(variables or {}), dict(connections or {}))
    try:
        player.play()
    finally:
        for connection in player.connections.values():
            connection.close()
