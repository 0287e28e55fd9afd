"""Connections in IDLE: how soon they are told of a message, and what they cost."""

import asyncio
import itertools
import time
from collections.abc import Sequence

from bench.load.figures import Figures, Watch
from bench.load.imap import ImapClient, ImapServer
from bench.load.messages import head
from bench.load.smtp import Letter, Mailing, send

__all__ = ["Idlers", "wake_ups"]


class Idlers:
    """Connections in IDLE, spread over accounts."""

    def __init__(self, server: ImapServer, accounts: Sequence[tuple[str, str]], count: int) -> None:
        self._server = server
        self._accounts = accounts
        self._count = count
        self.clients: list[ImapClient] = []

    async def __aenter__(self) -> "Idlers":
        """Open them all."""
        for account in itertools.islice(itertools.cycle(self._accounts), self._count):
            client = await self._server.sign_in(*account)
            await client.select(b"INBOX")
            await client.idle()
            self.clients.append(client)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close them all."""
        for client in self.clients:
            client.close()


async def wake_ups(
    mailing: Mailing,
    idlers: Idlers,
    recipients: Sequence[str],
    *,
    deliveries: int,
    gap_seconds: float = 0.02,
    timeout_seconds: float = 30,
) -> Figures:
    """Deliver one message after the other; latency is from its 250 to the client's EXISTS.

    Negative where the client was told first.

    Args:
        mailing: where to deliver.
        idlers: on the recipients' accounts, in the same order.
        recipients: addresses.
        deliveries: how many messages.
        gap_seconds: a pause between them.
        timeout_seconds: past it a wake-up is lost.
    """
    watch = Watch()
    for number in range(deliveries):
        place = number % len(idlers.clients)
        wake = _Wake(idlers.clients[place])
        recipient = recipients[place % len(recipients)]
        fields = head("s@example.test", recipient, f"wake {number}", f"{time.time_ns():x}@load")
        letter = Letter("s@example.test", (recipient,), fields + b"wake\r\n")
        sending = asyncio.create_task(send(mailing, iter([letter]), wake.accepted))
        try:
            async with asyncio.timeout(timeout_seconds):
                watch.took(await wake.latency())
        except TimeoutError:
            watch.failed("no EXISTS came")
        for error in (await sending).errors:
            watch.failed(error)
        await asyncio.sleep(gap_seconds)
    return watch.figures()


class _Wake:
    """The two moments of one message: accepted here, told there."""

    def __init__(self, client: ImapClient) -> None:
        loop = asyncio.get_running_loop()
        self._told: asyncio.Future[float] = loop.create_future()
        self._accepted: asyncio.Future[float] = loop.create_future()
        client.untagged = self._heard

    def _heard(self, line: bytes) -> None:
        if line.endswith(b" EXISTS") and not self._told.done():
            self._told.set_result(time.perf_counter())

    def accepted(self) -> None:
        """The 250 has come."""
        self._accepted.set_result(time.perf_counter())

    async def latency(self) -> float:
        """Seconds from the one to the other."""
        return await self._told - await self._accepted
