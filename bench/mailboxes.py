"""Mailboxes: filled before a measurement, and looked into after a delivery."""

import asyncio
import random
import time
from collections.abc import Iterator, Sequence

from bench.load.figures import Figures
from bench.load.imap import ImapClient, ImapServer
from bench.load.messages import lettered
from bench.load.smtp import Letter, Mailing, send
from bench.targets import Target

__all__ = ["Arrivals", "append", "fill"]

_FILL_SESSIONS = 8
_POLL_SECONDS = 0.01


async def fill(target: Target, addresses: Sequence[str], count: int, size: int) -> Figures:
    """Put the same messages into each mailbox, by LMTP with many recipients a message."""
    rnd = random.Random(1)

    def letters() -> Iterator[Letter]:
        for number in range(count):
            yield Letter("s@example.test", addresses, lettered(number, size, rnd))

    mailing = Mailing(
        target.host, target.ports["lmtp"], lmtp=True, sessions=_FILL_SESSIONS, pipelining=True,
        timeout_seconds=600,
    )  # fmt: skip
    return _sound(await send(mailing, letters()))


async def append(target: Target, login: tuple[str, str], count: int, size: int) -> None:
    """Put messages into a mailbox of a server that has no LMTP."""
    rnd = random.Random(1)
    client = await ImapServer(target.host, target.ports["imap"]).sign_in(*login)
    for number in range(count):
        await client.append(b"INBOX", lettered(number, size, rnd))
    client.close()


def _sound(figures: Figures) -> Figures:
    if figures.errors:
        raise RuntimeError(f"a mailbox could not be filled: {figures.errors[0]}")
    return figures


class Arrivals:
    """Counts what has arrived in many INBOXes, over connections that stay open."""

    def __init__(self, target: Target, logins: Sequence[tuple[str, str]]) -> None:
        self._server = ImapServer(target.host, target.ports["imap"])
        self._logins = logins
        self._clients: list[ImapClient] = []
        self._found = 0

    async def __aenter__(self) -> "Arrivals":
        """Connect and count."""
        for login in self._logins:
            self._clients.append(await self._server.sign_in(*login))
        self._found = await self._sum()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        for client in self._clients:
            client.close()

    async def wait(self, expected: int, seconds: float = 120) -> float:
        """Wait until so many more are there; returns the moment (`time.perf_counter`).

        Raises:
            TimeoutError: they did not come.
        """
        async with asyncio.timeout(seconds):
            while await self._sum() < self._found + expected:
                await asyncio.sleep(_POLL_SECONDS)
        now = time.perf_counter()
        self._found += expected
        return now

    async def _sum(self) -> int:
        return sum(await asyncio.gather(*map(_count, self._clients)))


async def _count(client: ImapClient) -> int:
    (line,) = [line for line in await client.ask(b"STATUS INBOX (MESSAGES)") if b"STATUS" in line]
    return int(line.rpartition(b"MESSAGES ")[2].rstrip(b")"))
