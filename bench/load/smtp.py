"""Sends messages by SMTP or LMTP over many sessions at once.

A session is a small state machine on asyncio's protocol, so that the sender's own cost stays out
of the way of what is measured.
"""

import argparse
import asyncio
import dataclasses
import functools
import itertools
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

import uvloop

from bench.load.figures import Figures, Watch
from bench.load.loopback import check_host
from bench.load.messages import head, padded

__all__ = ["Letter", "Mailing", "letters", "send"]


@dataclass(frozen=True, slots=True)
class Letter:
    """A message and its envelope; ``data`` is dot-stuffed and ends in CRLF."""

    sender: str
    recipients: Sequence[str]
    data: bytes


@dataclass(frozen=True, slots=True)
class Mailing:
    """Where to send, and how."""

    host: str
    port: int
    lmtp: bool = False
    sessions: int = 10
    per_session: int = 0  # messages a connection; 0: all of a session on one
    pipelining: bool = False
    timeout_seconds: float = 120


def letters(
    count: int, size: int, recipients: Sequence[str], sender: str = "s@example.test"
) -> Iterator[Letter]:
    """So many messages to one recipient after the other, each with an id of its own."""
    body, run = padded(size), f"{time.time_ns():x}"
    for number in range(count):
        recipient = recipients[number % len(recipients)]
        fields = head(sender, recipient, f"load {number}", f"{run}.{number}@load")
        yield Letter(sender, (recipient,), fields + body)


async def send(
    mailing: Mailing, stock: Iterator[Letter], accepted: Callable[[], None] | None = None
) -> Figures:
    """Send all letters; the count is of those that were accepted, latency from MAIL to 250.

    ``accepted`` hears of each 250 at once.
    """
    check_host(mailing.host)
    watch = Watch()
    loop = asyncio.get_running_loop()

    async def session() -> None:
        failures = 0
        while failures < 20 and (letter := next(stock, None)) is not None:
            own = _take(itertools.chain([letter], stock), mailing.per_session)
            done: asyncio.Future[None] = loop.create_future()
            try:
                connection = _Session(mailing, own, watch, done, accepted)
                await loop.create_connection(
                    functools.partial(_same, connection), mailing.host, mailing.port
                )
                await done
            except (OSError, _Refused) as error:
                watch.failed(error)
                failures += 1

    try:
        async with asyncio.timeout(mailing.timeout_seconds):
            await asyncio.gather(*(session() for _ in range(mailing.sessions)))
    except TimeoutError:
        watch.failed("timeout")
    return watch.figures()


def _same(connection: "_Session") -> "_Session":
    return connection


def _take(stock: Iterator[Letter], limit: int) -> Iterator[Letter]:
    return itertools.islice(stock, limit) if limit else stock


class _Refused(Exception):
    """The server said something that was not expected."""


class _Step(Enum):
    GREETING = auto()
    HELLO = auto()
    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    MESSAGE = auto()
    QUIT = auto()


class _Session(asyncio.Protocol):
    """One connection: each reply leads to what is said next."""

    def __init__(
        self,
        mailing: Mailing,
        stock: Iterator[Letter],
        watch: Watch,
        done: "asyncio.Future[None]",
        accepted: Callable[[], None] | None,
    ) -> None:
        self._mailing = mailing
        self._stock = stock
        self._watch = watch
        self._done = done
        self._accepted = accepted
        self._input = b""
        self._step = _Step.GREETING
        self._letter: Letter | None = None
        self._answers = 0  # replies that this step still waits for
        self._begun = 0.0
        self._sent = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._input += data
        *lines, self._input = self._input.split(b"\r\n")
        for line in lines:
            if line[3:4] != b"-":
                self._reply(line)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(_Refused(f"the connection was lost: {exc}"))

    def _reply(self, line: bytes) -> None:
        expected = b"3" if self._step is _Step.DATA else b"2"
        if not line.startswith(expected) and not self._done.done():
            self._done.set_exception(
                _Refused(f"{self._step.name}: {line.decode(errors='replace')}")
            )
            self._transport.close()
            return
        match self._step:
            case _Step.GREETING:
                hello = b"LHLO" if self._mailing.lmtp else b"EHLO"
                self._say(_Step.HELLO, hello + b" load\r\n")
            case _Step.HELLO:
                self._next_letter()
            case _Step.MAIL:
                self._to_recipients()
            case _Step.RCPT:
                self._answers -= 1
                if not self._answers:
                    self._step = _Step.DATA
                    if not self._mailing.pipelining:
                        self._say(_Step.DATA, b"DATA\r\n")
            case _Step.DATA:
                assert self._letter is not None
                self._answers = len(self._letter.recipients) if self._mailing.lmtp else 1
                self._say(_Step.MESSAGE, self._letter.data + b".\r\n")
            case _Step.MESSAGE:
                self._answers -= 1
                if not self._answers:
                    self._watch.took(time.perf_counter() - self._begun, is_first=not self._sent)
                    self._sent += 1
                    if self._accepted is not None:
                        self._accepted()
                    self._next_letter()
            case _Step.QUIT:
                self._done.set_result(None)
                self._transport.close()

    def _say(self, step: _Step, data: bytes) -> None:
        self._step = step
        self._transport.write(data)

    def _next_letter(self) -> None:
        letter = self._letter = next(self._stock, None)
        if letter is None:
            self._say(_Step.QUIT, b"QUIT\r\n")
            return
        self._begun = time.perf_counter()
        mail = b"MAIL FROM:<%b>\r\n" % letter.sender.encode()
        if self._mailing.pipelining:
            mail += self._recipients() + b"DATA\r\n"
        self._say(_Step.MAIL, mail)

    def _to_recipients(self) -> None:
        assert self._letter is not None
        self._answers = len(self._letter.recipients)
        self._step = _Step.RCPT
        if not self._mailing.pipelining:
            self._transport.write(self._recipients())

    def _recipients(self) -> bytes:
        assert self._letter is not None
        return b"".join(b"RCPT TO:<%b>\r\n" % name.encode() for name in self._letter.recipients)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.load.smtp", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--lmtp", action="store_true")
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--per-session", type=int, default=0, help="0: all on one connection")
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--recipient", default="u%d@example.test", help="%%d: 1 to --recipients")
    parser.add_argument("--recipients", type=int, default=100)
    parser.add_argument("--pipelining", action="store_true", help="MAIL, RCPT, DATA in one write")
    parser.add_argument("--timeout", type=float, default=120)
    given = parser.parse_args()
    mailing = Mailing(
        given.host, given.port, given.lmtp, given.sessions, given.per_session, given.pipelining,
        given.timeout,
    )  # fmt: skip
    names = [given.recipient.replace("%d", str(n)) for n in range(1, given.recipients + 1)]
    found = uvloop.run(send(mailing, letters(given.messages, given.size, names)))
    print(json.dumps({"per_second": round(found.per_second, 1), **dataclasses.asdict(found)}))


if __name__ == "__main__":
    main()
