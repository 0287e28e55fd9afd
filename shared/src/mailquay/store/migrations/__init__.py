"""Alembic's migrations, run from the installed package; safe to start on many pods at once.

Expand before the new version runs, contract after the old one is gone: each revision must fit the
release before it. A revision that contracts is named ``…_post_…`` and says in ``oldest_release``
the newest revision that the oldest release knows which can run on its outcome; it comes after all
that expand of its own release. See `mailquay.store.schema`.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg
import structlog
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from mailquay.store.engine import APPLICATION_NAME
from mailquay.store.errors import StoreUnavailable
from mailquay.store.schema import THIS_RELEASE, Phase, Release, SchemaState

__all__ = ["state", "upgrade"]

_LOG: Final = structlog.get_logger(__name__)
#: Any number of our own; held while migrations run.
_LOCK_KEY: Final = 0x6D71_6D69_6772
_LOOK_AGAIN_SECONDS: Final = 1.0
#: Every connection of a service says in its name which release the service is.
_CONNECTED: Final = text("""
    SELECT DISTINCT application_name FROM pg_stat_activity
    WHERE datname = current_database() AND starts_with(application_name, :prefix)
""")


def _config(release: Release) -> Config:
    config = Config()
    values = {
        "script_location": str(Path(__file__).parent),
        "version_locations": os.pathsep.join(map(str, release.folders)),
        "path_separator": "os",
    }
    for name, value in values.items():
        config.set_main_option(name, value.replace("%", "%%"))
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


async def upgrade(
    url: str,
    phase: Phase = Phase.ALL,
    *,
    wait_seconds: float = 0,
    release: Release = THIS_RELEASE,
) -> None:
    """Bring the schema to where a phase goes, one process at a time (an advisory lock).

    A schema of a newer release that serves this one too is left as it is.

    Args:
        url: the database.
        phase: which revisions.
        wait_seconds: how long Postgres is waited for, and the end of older releases' services
            before a contraction.
        release: whose revisions.

    Raises:
        StoreUnavailable: Postgres does not answer, or does not let us in; or a service of an older
            release still runs, which what is to be taken away would break.
        Refused: it is not this phase's turn, or the schema is of a release too new.
    """
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            await _upgrade(url, phase, release)
            return
        except StoreUnavailable as error:
            if time.monotonic() >= deadline:
                raise
            _LOG.warning("the schema cannot be upgraded yet", reason=str(error))
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


async def _upgrade(url: str, phase: Phase, release: Release) -> None:
    async with _connect(url) as connection:
        await connection.execute(text(f"SELECT pg_advisory_lock({_LOCK_KEY})"))
        await connection.commit()
        try:
            target = release.target(await connection.run_sync(_state), phase)
            if target is not None:
                if phase is Phase.CONTRACT:
                    await _require_replaced(connection, release, target)
                await connection.run_sync(_run, release, target)
                await connection.commit()
        except DBAPIError as error:
            # A lock that it did not get in time, most likely.
            raise StoreUnavailable(f"the schema was not upgraded: {error.orig}") from error
        finally:
            await connection.rollback()
            await connection.execute(text(f"SELECT pg_advisory_unlock({_LOCK_KEY})"))
            await connection.commit()


async def _require_replaced(connection: AsyncConnection, release: Release, target: str) -> None:
    """Raise StoreUnavailable while services run that a contraction would break."""
    scripts = ScriptDirectory.from_config(_config(release))
    pending = release.pending((await connection.run_sync(_state)).revision)
    oldest = max(
        scripts.get_revision(step.id).module.oldest_release for step in pending if step.id <= target
    )
    found = await connection.execute(_CONNECTED, {"prefix": APPLICATION_NAME + " "})
    older = sorted(name for (name,) in found if name.rpartition(" ")[2] < oldest)
    if older:
        raise StoreUnavailable(
            f"services older than release {oldest} are connected still: {', '.join(older)}"
        )


def _state(connection: Connection) -> SchemaState:
    found = inspect(connection).get_table_names()
    revision = oldest = None
    if "alembic_version" in found:
        revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
    if "schema_compatibility" in found:
        oldest = connection.scalar(text("SELECT oldest_release FROM schema_compatibility"))
    return SchemaState(revision, oldest)


def _run(connection: Connection, release: Release, revision: str) -> None:
    config = _config(release)
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def state(url: str) -> SchemaState:
    """What the database says of its schema.

    Raises:
        StoreUnavailable: Postgres does not answer, or does not let us in.
    """
    async with _connect(url) as connection:
        return await connection.run_sync(_state)
