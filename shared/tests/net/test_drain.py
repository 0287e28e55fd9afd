"""Draining: every session is told once, in waves, and the last one is waited for."""

import asyncio

from mailquay.net.drain import drain_in_waves


async def test_all_are_told_and_the_last_is_waited_for():
    sessions = set(range(10))
    told: list[int] = []

    async def leave(number: int) -> None:
        await asyncio.sleep(0.01)
        sessions.discard(number)

    tasks = []

    def end(number: int) -> None:
        told.append(number)
        tasks.append(asyncio.ensure_future(leave(number)))

    async with asyncio.timeout(10):
        await drain_in_waves(sessions, end, seconds=1)
    assert sorted(told) == list(range(10))
    await asyncio.gather(*tasks)


async def test_many_go_in_waves():
    sessions = set(range(200))
    open_after: list[int] = []

    def end(number: int) -> None:
        sessions.discard(number)

    async def watch() -> None:
        while sessions:
            open_after.append(len(sessions))
            await asyncio.sleep(0.02)

    watching = asyncio.ensure_future(watch())
    async with asyncio.timeout(10):
        await drain_in_waves(sessions, end, seconds=0.4)
    await watching
    assert {150, 100, 50} <= set(open_after)


async def test_one_that_left_meanwhile_is_not_told():
    sessions = {1, 2, 3}
    told: list[int] = []

    def end(number: int) -> None:
        told.append(number)
        sessions.clear()

    await drain_in_waves(sessions, end, seconds=1)
    assert len(told) == 1


async def test_nobody_is_waited_for_when_nobody_is_there():
    async with asyncio.timeout(1):
        await drain_in_waves(set(), lambda session: None, seconds=60)
