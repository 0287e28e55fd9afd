"""Alembic's migrations, run from the installed package; safe to start on many pods at once.

Expand before the new version runs, contract after the old one is gone: each revision must fit the
release before it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from mailquay.store.errors import Refused, StoreUnavailable

__all__ = ["current", "upgrade"]

#: Any number of our own; held while migrations run.
_LOCK_KEY = 0x6D71_6D69_6772


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def _sqlalchemy_url(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"postgresql+asyncpg://{rest}" if scheme in ("postgres", "postgresql") else url


@asynccontextmanager
async def _connect(url: str) -> AsyncIterator[AsyncConnection]:
    try:
        engine = create_async_engine(_sqlalchemy_url(url), poolclass=NullPool)
        connection = await engine.connect()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError) as error:
        raise StoreUnavailable(f"Postgres cannot be used: {error}") from error
    try:
        yield connection
    finally:
        await connection.close()
        await engine.dispose()


async def upgrade(url: str, revision: str = "head") -> None:
    """Bring the schema to ``revision``, one process at a time (an advisory lock).

    Raises:
        StoreUnavailable: Postgres does not answer, or does not let us in.
        Refused: the schema is of a release that this one does not know.
    """
    async with _connect(url) as connection:
        await connection.execute(text(f"SELECT pg_advisory_lock({_LOCK_KEY})"))
        await connection.commit()
        try:
            await connection.run_sync(_run, revision)
            await connection.commit()
        except CommandError as error:
            raise Refused(f"{error}; is the schema of a newer release?") from error
        finally:
            await connection.rollback()
            await connection.execute(text(f"SELECT pg_advisory_unlock({_LOCK_KEY})"))
            await connection.commit()


def _run(connection: Connection, revision: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def current(url: str) -> str | None:
    """The revision that the database is at; None when it is empty.

    Raises:
        StoreUnavailable: Postgres does not answer, or does not let us in.
    """
    async with _connect(url) as connection:
        return await connection.run_sync(
            lambda sync: MigrationContext.configure(sync).get_current_revision()
        )
