"""A steady delivery by SMTP: each message until it is acknowledged, as a mail server does."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from typing import Final

from bench.rollout.lines import Endpoint, LineConnection, Lost, Refused

__all__ = ["Letter", "Mailer"]

_BACK_OFF_SECONDS: Final = (0.1, 5.0)
_SENDER: Final = "sender@rollout.test"


@dataclass(slots=True)
class Letter:
    """A message with an id of its own; times by the loop's clock."""

    message_id: str
    recipient: str
    made_at: float
    acknowledged_at: float | None = None
    #: Tries that came to nothing.
    failures: int = 0


class _PutOff(Exception):
    """Not now: a 4xx reply."""


class Mailer:
    """Sends so many messages a second over some connections."""

    def __init__(
        self,
        endpoint: Endpoint,
        recipients: list[str],
        *,
        per_second: float,
        connections: int,
        per_connection: int,
        run: str,
    ) -> None:
        """Make one.

        Args:
            endpoint: an MX port.
            recipients: of a message each, in turn.
            per_second: messages.
            connections: at once.
            per_connection: messages on one, which is then closed and another opened.
            run: part of each Message-ID.
        """
        self.letters: list[Letter] = []
        #: What went wrong, by its kind; each was followed by another try.
        self.troubles: Counter[str] = Counter()
        self._endpoint = endpoint
        self._recipients = recipients
        self._pause = 1 / per_second
        self._connections = connections
        self._per_connection = per_connection
        self._run = run
        self._stock: asyncio.Queue[Letter | None] = asyncio.Queue()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until told to stop, then until all is acknowledged."""
        workers = [asyncio.create_task(self._work()) for _ in range(self._connections)]
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not stop.is_set():
            number = len(self.letters)
            recipient = self._recipients[number % len(self._recipients)]
            letter = Letter(f"{self._run}.{number}@rollout.test", recipient, loop.time())
            self.letters.append(letter)
            self._stock.put_nowait(letter)
            due += self._pause
            await asyncio.sleep(max(0.0, due - loop.time()))
        for _ in workers:
            self._stock.put_nowait(None)
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()

    async def _work(self) -> None:
        connection: LineConnection | None = None
        sent = 0
        while (letter := await self._stock.get()) is not None:
            pause, longest = _BACK_OFF_SECONDS
            while letter.acknowledged_at is None:
                try:
                    if connection is None or connection.is_lost:
                        connection, sent = await self._connect(), 0
                    await self._send(connection, letter)
                    sent += 1
                except (Refused, Lost, _PutOff, TimeoutError) as error:
                    self._count(error)
                    letter.failures += 1
                    if connection is not None:
                        connection.close()
                        connection = None
                    await asyncio.sleep(pause * random.random())
                    pause = min(pause * 2, longest)
            if connection is not None and sent >= self._per_connection:
                connection.write(b"QUIT\r\n")
                connection.close()
                connection = None
        if connection is not None:
            connection.write(b"QUIT\r\n")
            connection.close()

    def _count(self, error: Exception) -> None:
        match error:
            case Refused():
                self.troubles["refused"] += 1
            case Lost():
                self.troubles["cut off"] += 1
            case _PutOff():
                self.troubles[str(error)] += 1
            case _:
                self.troubles["no answer"] += 1

    async def _connect(self) -> LineConnection:
        connection = await LineConnection.open(self._endpoint)
        await self._expect(connection, b"2")
        connection.write(b"EHLO rollout.test\r\n")
        await self._expect(connection, b"2")
        return connection

    async def _send(self, connection: LineConnection, letter: Letter) -> None:
        if connection.has_line:  # it was told goodbye while it had nothing to say
            await self._expect(connection, b"2")
        for command, wanted in (
            (f"MAIL FROM:<{_SENDER}>", b"2"),
            (f"RCPT TO:<{letter.recipient}>", b"2"),
            ("DATA", b"3"),
        ):
            connection.write(f"{command}\r\n".encode())
            await self._expect(connection, wanted)
        connection.write(
            f"From: <{_SENDER}>\r\nTo: <{letter.recipient}>\r\nSubject: rollout\r\n"
            "Date: Tue, 24 Nov 2026 12:00:00 +0000\r\n"
            f"Message-ID: <{letter.message_id}>\r\n\r\nHello\r\n.\r\n".encode()
        )
        await self._expect(connection, b"2")
        letter.acknowledged_at = asyncio.get_running_loop().time()

    @staticmethod
    async def _expect(connection: LineConnection, wanted: bytes) -> None:
        while (line := await connection.line())[3:4] == b"-":
            pass
        if not line.startswith(wanted):
            raise _PutOff(line[:9].decode(errors="replace"))
