"""Connections to Postgres that stay open, each handed out to one user at a time.

asyncpg's own pool starts a task, wraps the connection and resets it for each use, which takes more
of our time than most statements do.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import TYPE_CHECKING

import asyncpg

from mailquay.runtime import metrics

__all__ = ["Connection", "Pool"]

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection


class Pool:
    """At most ``maximum`` connections; the one used last is handed out first."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        *,
        maximum: int,
        wait_seconds: float,
    ) -> None:
        """Make an empty pool.

        Args:
            connect: opens a connection.
            maximum: when so many are in use, whoever comes next waits.
            wait_seconds: how long.
        """
        self._connect = connect
        self._maximum = maximum
        self._wait_seconds = wait_seconds
        self._free: list[Connection] = []
        #: Those in use, and since when; or since the last measure.
        self._used: dict[Connection, float] = {}
        self._uses = 0
        self._busy_seconds = 0.0
        self._opening = 0
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._is_closing = False

    async def open(self, minimum: int) -> None:
        """Connect so many times, to fail now when it fails at all."""
        for connection in [await self.take() for _ in range(minimum)]:
            self.give_back(connection)

    async def take(self) -> Connection:
        """A connection; `give_back` it.

        Raises:
            asyncpg.InterfaceError: the pool is closing.
            TimeoutError: all are in use, and none came back in time.
            OSError, asyncpg.PostgresError: there is no connecting.
        """
        while True:
            if self._is_closing:
                raise asyncpg.InterfaceError("the pool is closing")
            while self._free:
                connection = self._free.pop()
                if not connection.is_closed():
                    self._used[connection] = perf_counter()
                    return connection
            if len(self._used) + self._opening < self._maximum:
                return await self._open_one()
            if (given := await self._wait()) is not None:
                return given

    def give_back(self, connection: Connection, *, is_sound: bool = True) -> None:
        """Hand a connection on; one that is not sound, or in the middle of something, is cut."""
        now = perf_counter()
        self._uses += 1
        self._busy_seconds += now - self._used.pop(connection, now)
        if connection.is_closed():
            self._pass_on(None)
        elif not is_sound or connection.is_in_transaction() or self._is_closing:
            connection.terminate()
            self._pass_on(None)
        elif self._pass_on(connection):
            self._used[connection] = now
        else:
            self._free.append(connection)

    def measure(self) -> None:
        """Tell the metrics what was used since the last measure: to do so each time would cost."""
        now = perf_counter()
        for connection, begun in self._used.items():
            self._busy_seconds += now - begun
            self._used[connection] = now
        metrics.DATABASE_USES.inc(self._uses)
        metrics.DATABASE_BUSY.inc(self._busy_seconds)
        self._uses, self._busy_seconds = 0, 0.0
        metrics.DATABASE_CONNECTIONS.set(len(self._used) + len(self._free))
        metrics.DATABASE_CONNECTIONS_MAX.set(self._maximum)

    async def close(self, seconds: float) -> None:
        """Close all connections; those in use are waited for so long, then cut."""
        self._is_closing = True
        while self._pass_on(None):
            pass
        try:
            async with asyncio.timeout(seconds):
                for connection in self._free:
                    await connection.close()
                while self._used or self._opening:
                    await self._turn()
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            for connection in (*self._free, *self._used):
                connection.terminate()
        self._free.clear()

    async def _open_one(self) -> Connection:
        self._opening += 1
        try:
            connection = await self._connect()
        except BaseException:
            self._opening -= 1
            self._pass_on(None)
            raise
        self._opening -= 1
        self._used[connection] = perf_counter()
        return connection

    async def _wait(self) -> Connection | None:
        """Wait for a connection, or (None) for room to open one."""
        begun = perf_counter()
        try:
            async with asyncio.timeout(self._wait_seconds):
                given = await self._turn()
            metrics.DATABASE_WAIT.observe(perf_counter() - begun)
            return given
        except TimeoutError:
            metrics.DATABASE_EXHAUSTED.inc()
            raise TimeoutError(f"all {self._maximum} connections are in use") from None

    async def _turn(self) -> Connection | None:
        turn: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except BaseException:
            if turn.done() and not turn.cancelled():  # it was our turn, and we go
                given = turn.result()
                if given is None:
                    self._pass_on(None)
                else:
                    self.give_back(given)
            raise

    def _pass_on(self, connection: Connection | None) -> bool:
        """Give whoever waits longest a connection, or room for one; whether someone waits."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return True
        return False
