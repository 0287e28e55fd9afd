"""The Postgres server itself, as `mailquay doctor` looks at it."""

import time
from dataclasses import dataclass
from datetime import datetime

from mailquay.runtime.settings import DatabaseSettings
from mailquay.store.engine import Engine

__all__ = ["ServerFacts", "server_facts"]


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What the server says of itself; ``round_trip_seconds`` is that of the cheapest statement."""

    version: str
    version_number: int
    now: datetime
    round_trip_seconds: float
    is_in_recovery: bool
    #: Settings that a 250 rests upon, where they are off.
    unsafe: tuple[str, ...]
    connections: int
    max_connections: int
    database_bytes: int


_UNSAFE = """
    SELECT name FROM pg_settings
    WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off'
    ORDER BY name
"""
_FACTS = """
    SELECT current_setting('server_version'), current_setting('server_version_num')::int,
           clock_timestamp(), pg_is_in_recovery(),
           (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
           current_setting('max_connections')::int, pg_database_size(current_database())
"""


async def server_facts(settings: DatabaseSettings) -> ServerFacts:
    """Ask the server, over a connection of its own.

    Raises:
        StoreUnavailable: Postgres does not answer, or does not let us in.
    """
    engine = await Engine.open(settings.model_copy(update={"pool_min": 1, "pool_max": 1}))
    try:
        async with engine.connection() as c:
            begun = time.perf_counter()
            await c.fetchval("SELECT 1")
            round_trip = time.perf_counter() - begun
            row = await c.fetchrow(_FACTS)
            unsafe = await c.fetch(_UNSAFE)
    finally:
        await engine.close()
    assert row is not None, "a SELECT without FROM gives a row"
    return ServerFacts(
        version=row[0],
        version_number=row[1],
        now=row[2],
        round_trip_seconds=round_trip,
        is_in_recovery=row[3],
        unsafe=tuple(each[0] for each in unsafe),
        connections=row[4],
        max_connections=row[5],
        database_bytes=row[6],
    )
