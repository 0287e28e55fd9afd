"""POP3 sessions in a loop: sign in, STAT, UIDL, RETR of every message, QUIT; nothing is deleted."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.load.figures import Figures, Watch
from bench.load.loopback import check_host

__all__ = ["Pop3Load", "run_sessions"]

_TIMEOUT_SECONDS = 60


class _Pop3Error(Exception):
    """The server said -ERR."""


@dataclass(frozen=True, slots=True)
class Pop3Load:
    """Who connects where, and for how long sessions are repeated."""

    host: str
    port: int
    accounts: Sequence[tuple[str, str]]
    connections: int = 1
    seconds: float = 2


async def run_sessions(load: Pop3Load) -> Figures:
    """Repeat sessions on each connection until the time is over."""
    check_host(load.host)
    watch = Watch()
    end = watch.begun + load.seconds

    async def repeat(number: int) -> None:
        account = load.accounts[number % len(load.accounts)]
        is_first = True
        while time.perf_counter() < end or is_first:
            begun = time.perf_counter()
            try:
                async with asyncio.timeout(_TIMEOUT_SECONDS):
                    await _session(load, *account)
            except (_Pop3Error, OSError, EOFError, TimeoutError) as error:
                watch.failed(error)
                return
            watch.took(time.perf_counter() - begun, is_first=is_first)
            is_first = False

    await asyncio.gather(*(repeat(number) for number in range(load.connections)))
    return watch.figures()


async def _session(load: Pop3Load, user: str, password: str) -> None:
    reader, writer = await asyncio.open_connection(load.host, load.port, limit=1 << 20)

    async def status() -> bytes:
        line = await reader.readline()
        if not line.startswith(b"+OK"):
            raise _Pop3Error(line.decode(errors="replace").strip() or "the connection was lost")
        return line

    async def ask(command: bytes) -> bytes:
        writer.write(command + b"\r\n")
        return await status()

    try:
        await status()
        await ask(b"USER " + user.encode())
        await ask(b"PASS " + password.encode())
        count = int((await ask(b"STAT")).split()[1])
        await ask(b"UIDL")
        await reader.readuntil(b"\r\n.\r\n")
        for number in range(1, count + 1):
            await ask(b"RETR %d" % number)
            await reader.readuntil(b"\r\n.\r\n")
        await ask(b"QUIT")
    finally:
        writer.close()
