"""The pool of connections: who waits, who is cut off, and that nothing is lost on the way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import pytest

from mailquay.runtime.settings import DatabaseSettings
from mailquay.store import StoreUnavailable
from mailquay.store.engine import Engine
from mailquay.store.pool import Pool

MAXIMUM = 3


async def open_engine(url: str, **more: object) -> Engine:
    settings = {"url": url, "pool_max": MAXIMUM, **more}
    return await Engine.open(DatabaseSettings.model_validate(settings))


@asynccontextmanager
async def all_in_use(engine: Engine) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for _ in range(MAXIMUM):
            await stack.enter_async_context(engine.connection())
        yield


async def backend(engine: Engine) -> int:
    async with engine.connection() as c:
        return await c.fetchval("SELECT pg_backend_pid()")


async def test_connections_are_used_again(postgres_url):
    engine = await open_engine(postgres_url)
    assert len({await backend(engine) for _ in range(5)}) == 1
    await engine.close()


async def test_no_more_are_opened_than_may_be_and_the_rest_wait(postgres_url):
    engine = await open_engine(postgres_url)

    async def work() -> int:
        async with engine.connection() as c:
            return await c.fetchval("SELECT pg_backend_pid() FROM pg_sleep(0.01)")

    assert len(set(await asyncio.gather(*(work() for _ in range(20))))) == MAXIMUM
    await engine.close()


async def test_who_waits_too_long_is_told_that_the_store_is_unavailable(postgres_url):
    engine = await open_engine(postgres_url, connect_timeout_seconds=2)
    async with all_in_use(engine):
        with pytest.raises(StoreUnavailable, match="in use"):
            await backend(engine)
    assert await backend(engine)
    await engine.close()


async def test_a_connection_that_postgres_has_cut_is_replaced(postgres_url):
    engine = await open_engine(postgres_url)
    first = await backend(engine)
    admin = await asyncpg.connect(postgres_url)

    async def work() -> None:
        async with engine.connection() as c:
            await admin.execute("SELECT pg_terminate_backend($1)", first)
            await c.fetchval("SELECT 1")

    with pytest.raises(StoreUnavailable):
        await work()
    await admin.close()
    assert await backend(engine) != first
    await engine.close()


async def test_what_is_cancelled_leaves_nothing_behind(postgres_url):
    engine = await open_engine(postgres_url)
    first = await backend(engine)
    entered = asyncio.Event()

    async def work() -> None:
        async with engine.transaction() as c:
            entered.set()
            await c.fetchval("SELECT pg_sleep(60)")

    task = asyncio.create_task(work())
    await entered.wait()
    task.cancel()
    with pytest.raises((asyncio.CancelledError, StoreUnavailable)):
        await task
    assert await backend(engine) != first
    await engine.close()


async def test_a_mistake_of_ours_keeps_the_connection(postgres_url):
    engine = await open_engine(postgres_url)
    first = await backend(engine)
    with pytest.raises(asyncpg.UndefinedColumnError):
        async with engine.connection() as c:
            await c.fetchval("SELECT nothing")
    assert await backend(engine) == first
    await engine.close()


async def test_who_gives_up_waiting_hands_its_turn_on(postgres_url):
    engine = await open_engine(postgres_url)
    async with all_in_use(engine):
        waiting = [asyncio.create_task(backend(engine)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
    waiting[1].cancel()
    assert await waiting[2]
    await asyncio.gather(*waiting, return_exceptions=True)
    await engine.close()


async def test_a_closing_pool_hands_nothing_out(postgres_url):
    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(postgres_url)

    pool = Pool(connect, maximum=1, wait_seconds=5)
    used = await pool.take()
    waiting = asyncio.create_task(pool.take())
    closing = asyncio.create_task(pool.close(5))
    with pytest.raises(asyncpg.InterfaceError):
        await waiting
    assert not closing.done()
    pool.give_back(used)
    await closing
    assert used.is_closed()
