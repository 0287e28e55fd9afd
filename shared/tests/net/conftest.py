"""Connections to a listener, on both event loops: tests run on asyncio's, services on uvloop."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import uvloop

from mailquay.net.limits import ConnectionCounter
from mailquay.net.listener import Listener
from mailquay.net.stream import Stream
from mailquay.runtime.settings import NetSettings
from mailquay.standalone.certificates import make_certificates

BUSY = b"421 busy\r\n"


def pytest_asyncio_loop_factories(config, item):
    return {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("tls"), ["localhost", "127.0.0.1"])


@pytest.fixture
async def listen() -> AsyncIterator[Callable]:
    """Start a listener whose connections are served by a coroutine."""
    started: list[Listener] = []
    streams: list[Stream] = []

    def start(serve, *, tls=None, **settings) -> Listener:
        net = NetSettings.model_validate(settings)

        def factory(peer, slot):
            stream = Stream(peer, slot, serve)
            streams.append(stream)
            return stream

        listener = Listener(
            "test",
            factory,
            settings=net,
            counter=ConnectionCounter(net),
            port=0,
            tls=tls,
            busy=BUSY,
        )
        listener.start()
        started.append(listener)
        return listener

    yield start
    for listener in started:
        await listener.stop()
    for stream in streams:
        stream.abort()
    async with asyncio.timeout(10):
        while any(listener._counter.total for listener in started):
            await asyncio.sleep(0.01)
