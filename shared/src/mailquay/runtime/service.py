"""What every service is made of: its dependencies, its life from start to drained end."""

import asyncio
import contextlib
import functools
import gc
import json
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import uvloop

from mailquay.blobs import BlobStore, BlobUnavailable
from mailquay.delivery import Deliverer
from mailquay.dns import Resolver, open_resolver
from mailquay.events import Bus
from mailquay.identity import Authenticator
from mailquay.net.tls import TlsContexts, TlsError
from mailquay.runtime import metrics
from mailquay.runtime.health import Health, HealthServer
from mailquay.runtime.logging import configure_logging
from mailquay.runtime.measuring import measure_regularly
from mailquay.runtime.settings import Settings, SettingsError, load_settings
from mailquay.store import Store, StoreUnavailable

__all__ = ["Platform", "Service", "run_service"]

_LOG: Final = logging.getLogger(__name__)
#: After the drain, for closing what the service stands on: the last batch is committed in it.
_CLOSE_SECONDS: Final = 5


@dataclass(slots=True)
class Platform:
    """A service's dependencies, open."""

    settings: Settings
    store: Store
    blobs: BlobStore
    bus: Bus
    deliverer: Deliverer
    authenticator: Authenticator
    tls: TlsContexts
    resolver: Resolver
    health: Health
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, health: Health) -> AsyncIterator["Platform"]:
        """Open everything; Postgres and its schema are waited for, NATS and bodies are not.

        Raises:
            TlsError, BlobUnavailable: the settings name what is not there.
        """
        async with contextlib.AsyncExitStack() as stack:
            store = await _wait_for_store(settings, health)
            stack.push_async_callback(store.close)
            blobs = BlobStore.open(settings.blobs)
            stack.push_async_callback(blobs.close)
            bus = await Bus.open(settings.nats)
            stack.push_async_callback(bus.close)
            deliverer = Deliverer(store, blobs, bus, settings)
            stack.push_async_callback(deliverer.close)
            authenticator = Authenticator(store, settings)
            stack.callback(authenticator.close)
            revoked = bus.subscribe(authenticator.heard)
            stack.callback(revoked.close)
            platform = cls(
                settings, store, blobs, bus, deliverer, authenticator,
                TlsContexts(settings.tls), open_resolver(settings.dns), health,
            )  # fmt: skip
            platform._add_checks()
            yield platform

    def _add_checks(self) -> None:
        async def bus() -> None:
            if self.bus.is_configured and not self.bus.is_connected:
                raise OSError("not connected")

        async def certificate() -> None:
            self.tls.check()

        async def certificate_files() -> None:
            self.tls.check_files()

        self.health.add("database", self.store.check, is_critical=True)
        # Without these mail is still taken, listed, or told 451: degraded, not dead.
        self.health.add("blobs", self.blobs.check, is_critical=False)
        self.health.add("bus", bus, is_critical=False)
        self.health.add("certificate", certificate, is_critical=self.tls.is_configured)
        # A broken replacement: the one in use still serves.
        self.health.add("certificate_files", certificate_files, is_critical=False)


async def _wait_for_store(settings: Settings, health: Health) -> Store:
    """Postgres may start after us, and be migrated; until then we are alive and not ready."""
    delay = 0.1
    while True:
        try:
            return await _open_store(settings)
        except StoreUnavailable as error:
            health.add("database", functools.partial(_tell, str(error)), is_critical=True)
            _LOG.warning("waiting for Postgres: %s", error)
            await asyncio.sleep(delay)
            delay = min(delay * 2, 5)


async def _tell(reason: str) -> None:
    raise StoreUnavailable(reason)


async def _open_store(settings: Settings) -> Store:
    store = await Store.open(settings.database)
    try:
        await store.check()
    except BaseException:
        await store.close()
        raise
    return store


@dataclass(frozen=True, slots=True)
class Service:
    """A running service: its bound ports by name, and how it ends."""

    ports: Mapping[str, int]
    #: Stop accepting, finish what runs, say goodbye; within the drain time.
    drain: Callable[[], Awaitable[None]]


def run_service(
    name: str, start: Callable[[Platform], Awaitable[Service]]
) -> None:  # pragma: no cover  # a process of its own
    """Run a service until SIGTERM or SIGINT; the process' exit status is set."""
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(78)  # EX_CONFIG
    configure_logging(settings.log, name)
    gc.freeze()
    try:
        uvloop.run(_serve(name, settings, start))
    except (TlsError, BlobUnavailable, OSError) as error:
        _LOG.critical("cannot start: %s", error)
        sys.exit(1)


async def _serve(
    name: str, settings: Settings, start: Callable[[Platform], Awaitable[Service]]
) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    health = Health()
    opening = asyncio.create_task(_run(name, settings, start, stop, health))
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait([opening, waiting], return_when=asyncio.FIRST_COMPLETED)
    if not opening.done():
        # Started: it drains by itself. Still waiting for Postgres: there is nothing to drain.
        seconds = 0 if health.is_starting else settings.net.drain_seconds + _CLOSE_SECONDS
        _, pending = await asyncio.wait([opening], timeout=seconds)
        for task in pending:
            task.cancel()
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await opening


async def _run(
    name: str,
    settings: Settings,
    start: Callable[[Platform], Awaitable[Service]],
    stop: asyncio.Event,
    health: Health,
) -> None:
    async with (
        _health_server(health, settings) as served,
        Platform.open(settings, health) as platform,
    ):
        service = await start(platform)
        health.is_starting = False
        ports = {**service.ports, **served}
        measuring = asyncio.create_task(
            measure_regularly(
                platform.health,
                (platform.store.measure, platform.deliverer.measure, platform.bus.measure),
                seconds=settings.metrics.measure_seconds,
            )
        )
        _write_ready(settings.ready_file, ports)
        _LOG.info("%s serves %s", name, ", ".join(f"{k} on {v}" for k, v in ports.items()))
        await stop.wait()
        _LOG.info("%s is going down", name)
        metrics.DRAINING_SINCE.set(time.time())
        health.is_draining = True
        platform.stopping.set()
        try:
            async with asyncio.timeout(settings.net.drain_seconds):
                await service.drain()
        except TimeoutError:
            _LOG.warning("not everything was finished within the drain time")
        measuring.cancel()
        await asyncio.wait([measuring])


@asynccontextmanager
async def _health_server(health: Health, settings: Settings) -> AsyncIterator[Mapping[str, int]]:
    """Serve health and metrics from before anything is waited for; gives the port by its name."""
    if settings.metrics.port is None:
        yield {}
        return
    bind = settings.metrics.bind or settings.net.bind
    server = HealthServer(health, bind, settings.metrics.port)
    await server.start()
    try:
        yield {"metrics": server.port}
    finally:
        await server.stop()


def _write_ready(path: Path | None, ports: Mapping[str, int]) -> None:
    """Tell whoever started us where we serve."""
    if path is None:
        return
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps({"pid": os.getpid(), "ports": dict(ports)}))
    temporary.replace(path)
