"""The bus against a real NATS: who hears what, and what its loss does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest_asyncio

from mailquay.events import AccountChanged, Bus, ConfigChanged, Event
from mailquay.runtime.settings import NatsSettings
from mailquay.standalone.nats import EmbeddedNats
from mailquay.store.types import AccountId
from mailquay.testing.ports import free_port

ONE, TWO = AccountId(1), AccountId(2)


def changed(account_id: int, modseq: int = 1) -> AccountChanged:
    return AccountChanged(account_id=account_id, modseq=modseq)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


@pytest_asyncio.fixture
async def other(nats_url: str) -> AsyncIterator[Bus]:
    """Another process' bus."""
    other = await Bus.open(NatsSettings(url=nats_url))
    assert await other.wait_connected(10)
    yield other
    await other.close()


async def test_an_account_is_heard_by_those_who_listen_to_it(bus: Bus, other: Bus) -> None:
    heard: list[Event] = []
    bus.subscribe_account(ONE, heard.append)
    await bus.wait_listening(ONE)
    other.publish(changed(TWO))
    other.publish(changed(ONE, 5))
    await until(lambda: bool(heard))
    assert heard == [changed(ONE, 5)]


async def test_nothing_is_missed_once_the_server_knows_that_we_listen(bus: Bus, other: Bus) -> None:
    for account_id in range(100, 150):
        heard: list[Event] = []
        subscription = bus.subscribe_account(AccountId(account_id), heard.append)
        await bus.wait_listening(AccountId(account_id))
        other.publish(changed(account_id))
        await until(lambda heard=heard: bool(heard))
        subscription.close()


async def test_a_closed_subscription_hears_no_more(bus: Bus, other: Bus) -> None:
    heard: list[Event] = []
    still: list[Event] = []
    first = bus.subscribe_account(ONE, heard.append)
    bus.subscribe_account(ONE, still.append)
    await bus.wait_listening(ONE)
    first.close()
    first.close()
    other.publish(changed(ONE))
    await until(lambda: bool(still))
    assert heard == []


async def test_one_that_comes_back_at_once_hears(bus: Bus, other: Bus) -> None:
    for _ in range(20):
        bus.subscribe_account(ONE, lambda _event: None).close()
    heard: list[Event] = []
    bus.subscribe_account(ONE, heard.append)
    await bus.wait_listening(ONE)

    def is_heard() -> bool:
        other.publish(changed(ONE))
        return bool(heard)

    await until(is_heard)


async def test_a_listener_that_fails_does_not_silence_the_others(bus: Bus, other: Bus) -> None:
    heard: list[Event] = []

    def fails(_event: Event) -> None:
        raise RuntimeError("a bug of its own")

    bus.subscribe(fails)
    bus.subscribe(heard.append)
    other.publish(ConfigChanged(kind="domain", name="example.test"))
    await until(lambda: bool(heard))


async def test_a_bus_that_is_not_configured_does_nothing() -> None:
    bus = await Bus.open(NatsSettings())
    assert not bus.is_configured
    assert not bus.is_connected
    bus.publish(changed(ONE))
    bus.subscribe_account(ONE, lambda _event: None).close()
    await bus.close()


async def test_the_loss_of_nats_is_healed(tmp_path: Path) -> None:
    server = EmbeddedNats(tmp_path / "nats", port=free_port(), log=tmp_path / "nats.log")
    server.prepare()
    url = server.url
    bus = await Bus.open(NatsSettings(url=url))  # before there is a server at all
    other = await Bus.open(NatsSettings(url=url))
    heard: list[Event] = []
    looked: list[int] = []
    bus.on_reconnect(lambda: looked.append(1))
    bus.subscribe_account(ONE, heard.append)
    try:
        server.start()
        await until(lambda: bus.is_connected and other.is_connected and len(looked) == 1)
        server.child.signal(9)
        await until(lambda: not bus.is_connected and not other.is_connected)
        other.publish(changed(ONE, 1))  # dropped, and no error
        server.child.stop(5)
        server.start()
        await until(lambda: bus.is_connected and other.is_connected and len(looked) == 2)

        def is_heard() -> bool:
            other.publish(changed(ONE, 2))
            return bool(heard)

        await until(is_heard)
        assert changed(ONE, 1) not in heard
    finally:
        await bus.close()
        await other.close()
        server.stop()
