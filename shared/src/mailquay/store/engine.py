"""The connection pool, and the one place where a driver's errors become the store's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Final

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from mailquay.runtime.settings import DatabaseSettings
from mailquay.store.errors import RolledBack, StoreUnavailable
from mailquay.store.pool import Connection, Pool
from mailquay.store.schema import THIS_RELEASE, SchemaState

__all__ = ["APPLICATION_NAME", "Connection", "Engine", "affected"]

#: With the release's newest revision behind it: so a migration sees who is connected.
APPLICATION_NAME: Final = "mailquay"

#: What a retry may heal: the server is gone, going, full, or chose us as a deadlock's victim.
_TRANSIENT = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server said goodbye just as we began to speak
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.InternalServerError,
    asyncpg.ReadOnlySQLTransactionError,  # a replica, or a primary that is no more
    asyncpg.InvalidCachedStatementError,  # a migration has changed a table beneath it
    OSError,
    TimeoutError,
    asyncio.IncompleteReadError,
)
#: Of these, what the server itself has undone: all is as if it had not been asked.
_UNDONE = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InternalServerError,
    asyncpg.InvalidCachedStatementError,
)
#: What the settings or the server's own have to heal; services wait for it as for a server that
#: is away, as both may be mended while they run.
_REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    ValueError,  # a URL that is none
)


#: After these a connection is of no use, or its state is not known.
_BREAKING = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.ReadOnlySQLTransactionError,
    OSError,
    TimeoutError,
    asyncio.IncompleteReadError,
)


class _Lease:
    """A connection for as long as a block takes."""

    __slots__ = ("_connection", "_pool")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def __aenter__(self) -> Connection:
        try:
            self._connection = await self._pool.take()
        except (*_TRANSIENT, asyncpg.InvalidAuthorizationSpecificationError) as error:
            raise _unavailable(error) from error
        return self._connection

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        # Who is cancelled may have left a statement that still runs.
        is_sound = error is None or (
            isinstance(error, Exception) and not isinstance(error, _BREAKING)
        )
        self._pool.give_back(self._connection, is_sound=is_sound)
        if isinstance(error, _TRANSIENT):
            raise _unavailable(error) from error


def _unavailable(error: Exception) -> StoreUnavailable:
    is_undone = isinstance(error, _UNDONE)
    kind = RolledBack if is_undone else StoreUnavailable
    return kind(f"{type(error).__name__}: {error}")


class Engine:
    """A pool of connections to Postgres."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._pool = Pool(
            self._connect,
            maximum=settings.pool_max,
            wait_seconds=settings.connect_timeout_seconds,
        )

    @classmethod
    async def open(cls, settings: DatabaseSettings) -> "Engine":
        """Open the pool; with ``pool_min`` 0, nothing is connected yet.

        Raises:
            StoreUnavailable: Postgres does not answer, or does not let us in.
        """
        engine = cls(settings)
        try:
            await engine._pool.open(settings.pool_min)
        except _TRANSIENT as error:
            raise StoreUnavailable(f"Postgres does not answer: {error}") from error
        except _REFUSED as error:
            raise StoreUnavailable(f"Postgres cannot be used: {error}") from error
        return engine

    async def _connect(self) -> Connection:
        milliseconds = str(int(self._settings.statement_timeout_seconds * 1000))
        return await asyncpg.connect(
            self._settings.url.get_secret_value(),
            timeout=self._settings.connect_timeout_seconds,
            statement_cache_size=500,
            # After a failover a name may lead to what is a replica now.
            target_session_attrs=SessionAttribute.primary,
            server_settings={
                "application_name": f"{APPLICATION_NAME} {THIS_RELEASE.head}",
                "statement_timeout": milliseconds,
                "lock_timeout": milliseconds,
                "idle_in_transaction_session_timeout": "60000",
                # Our statements look rows up by keys, in arrays of any length: one plan fits all
                # values, and making it anew took longer than running it. JIT only costs.
                "plan_cache_mode": "force_generic_plan",
                "jit": "off",
            },
        )

    async def close(self) -> None:
        """Close the pool; connections in use are waited for, briefly."""
        await self._pool.close(5)

    def measure(self) -> None:
        """Set the metrics of the pool."""
        self._pool.measure()

    def connection(self) -> _Lease:
        """A connection, each statement its own transaction.

        Raises:
            StoreUnavailable: whatever transient went wrong inside.
        """
        return _Lease(self._pool)

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
    async def search(self) -> AsyncIterator[Connection]:
        """A connection for statements put together for one question: planned for its values.

        Raises:
            StoreUnavailable: whatever transient went wrong inside.
        """
        async with self.transaction() as connection:
            await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
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

    async def schema(self) -> SchemaState:
        """What the database says of its schema. One round trip, or two beside a newer release.

        Raises:
            StoreUnavailable: Postgres does not answer.
        """
        async with self.connection() as connection:
            try:
                revision = await connection.fetchval("SELECT version_num FROM alembic_version")
                oldest = None
                if not THIS_RELEASE.knows(revision):
                    oldest = await connection.fetchval(
                        "SELECT oldest_release FROM schema_compatibility"
                    )
            except asyncpg.UndefinedTableError:
                return SchemaState(None, None)
        return SchemaState(revision, oldest)


def affected(status: str) -> int:
    """Rows that a command's status, such as ``UPDATE 3``, tells of."""
    return int(status.rsplit(" ", 1)[-1])
