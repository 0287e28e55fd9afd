"""The connection pool, and the one place where a driver's errors become the store's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from mailquay.runtime.settings import DatabaseSettings
from mailquay.store.errors import StoreUnavailable

__all__ = ["Connection", "Engine", "affected"]

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection | PoolConnectionProxy
    Pool = asyncpg.Pool

#: What a retry may heal: the server is gone, going, full, or chose us as a deadlock's victim.
_TRANSIENT = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.InternalServerError,
    OSError,
    TimeoutError,
    asyncio.IncompleteReadError,
)
#: What the settings or the server's own have to heal; services wait for it as for a server that
#: is away, as both may be mended while they run.
_REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    ValueError,  # a URL that is none
)


class _PlainConnection(asyncpg.Connection):
    """A connection that is handed back as it is.

    We set nothing for a session, so there is nothing to reset: a round trip less each time.
    """

    def get_reset_query(self) -> str:
        """Nothing to run."""
        return ""


class Engine:
    """A pool of connections to Postgres."""

    def __init__(self, pool: Pool, settings: DatabaseSettings) -> None:
        self._pool = pool
        self._connect_seconds = settings.connect_timeout_seconds

    @classmethod
    async def open(cls, settings: DatabaseSettings) -> "Engine":
        """Open the pool; with ``pool_min`` 0, nothing is connected yet.

        Raises:
            StoreUnavailable: Postgres does not answer, or does not let us in.
        """
        try:
            pool = await asyncpg.create_pool(
                settings.url.get_secret_value(),
                min_size=settings.pool_min,
                max_size=settings.pool_max,
                timeout=settings.connect_timeout_seconds,
                max_inactive_connection_lifetime=300,
                connection_class=_PlainConnection,
                statement_cache_size=500,
                server_settings={
                    "application_name": "mailquay",
                    "statement_timeout": str(int(settings.statement_timeout_seconds * 1000)),
                    "lock_timeout": str(int(settings.statement_timeout_seconds * 1000)),
                    "idle_in_transaction_session_timeout": "60000",
                    # Plans for unnest() arrays of any length are alike; JIT only costs.
                    "jit": "off",
                },
            )
        except _TRANSIENT as error:
            raise StoreUnavailable(f"Postgres does not answer: {error}") from error
        except _REFUSED as error:
            raise StoreUnavailable(f"Postgres cannot be used: {error}") from error
        return cls(pool, settings)

    async def close(self) -> None:
        """Close the pool; connections in use are waited for, briefly."""
        try:
            async with asyncio.timeout(5):
                await self._pool.close()
        except _TRANSIENT:
            self._pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection, each statement its own transaction.

        Raises:
            StoreUnavailable: whatever transient went wrong inside.
        """
        try:
            async with self._pool.acquire(timeout=self._connect_seconds) as connection:
                yield connection
        except (*_TRANSIENT, asyncpg.InvalidAuthorizationSpecificationError) as error:
            raise StoreUnavailable(f"{type(error).__name__}: {error}") from error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection inside one transaction (read committed).

        Raises:
            StoreUnavailable: whatever transient went wrong inside, the commit included; then
                nothing is known of the outcome.
        """
        async with self.connection() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def alone(self, name: str) -> AsyncIterator[bool]:
        """Hold an advisory lock of that name, or learn that another has it (False).

        It ends with its transaction, which Postgres ends for whoever idles in it for a minute:
        it saves work, and what it guards must be safe without it.
        """
        async with self.transaction() as connection:
            yield await connection.fetchval(
                "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))", name
            )

    async def revision(self) -> str:
        """The revision of the schema.

        Raises:
            StoreUnavailable: Postgres does not answer, or has no schema.
        """
        try:
            async with self.connection() as connection:
                value: str | None = await connection.fetchval(
                    "SELECT version_num FROM alembic_version"
                )
        except asyncpg.UndefinedTableError as error:
            raise StoreUnavailable("the database has no schema") from error
        if value is None:
            raise StoreUnavailable("the database has no schema")
        return value


def affected(status: str) -> int:
    """Rows that a command's status, such as ``UPDATE 3``, tells of."""
    return int(status.rsplit(" ", 1)[-1])
