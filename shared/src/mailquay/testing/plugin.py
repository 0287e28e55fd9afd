"""Fixtures, as a pytest plug-in: ``pytest_plugins = ["mailquay.testing.plugin"]``.

``postgres_url`` is a fresh, migrated database for each test, on one embedded server a session;
``nats_url`` is one server a session; ``store``, ``blobs`` and ``bus`` are open on them.
``deployment`` is a place to start services on, one for each test module; ``platform`` is the
whole of it as ``mailquay standalone`` runs it, one a session.
"""

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from mailquay.blobs import BlobStore
from mailquay.events import Bus
from mailquay.runtime.settings import BlobSettings, DatabaseSettings, NatsSettings
from mailquay.standalone.nats import EmbeddedNats
from mailquay.standalone.postgres import EmbeddedPostgres
from mailquay.store import Store, migrations
from mailquay.testing.deployment import Deployment
from mailquay.testing.platform import RunningPlatform, start_platform
from mailquay.testing.ports import free_port

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder for servers, which Postgres' own user can reach too."""
    folder = Path(tempfile.mkdtemp(prefix="mailquay-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


async def _make_template(server: EmbeddedPostgres) -> None:
    await server.wait_ready()
    await migrations.upgrade(server.url())


@pytest.fixture(scope="session")
def postgres_server(scratch: Path) -> Iterator[EmbeddedPostgres]:
    """An embedded Postgres whose database ``mailquay`` is migrated and stays empty."""
    server = EmbeddedPostgres(scratch / "postgres", port=free_port(), log=scratch / "postgres.log")
    server.prepare()
    server.start()
    try:
        asyncio.run(_make_template(server))
        yield server
    finally:
        server.stop()


@pytest_asyncio.fixture
async def postgres_url(postgres_server: EmbeddedPostgres) -> AsyncIterator[str]:
    """A database of the test's own, migrated."""
    name = f"test_{next(_NUMBERS)}"
    admin = await asyncpg.connect(postgres_server.url("postgres"))
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE mailquay")
    yield postgres_server.url(name)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest_asyncio.fixture
async def store(postgres_url: str) -> AsyncIterator[Store]:
    """A store on a database of the test's own."""
    store = await Store.open(DatabaseSettings(url=postgres_url))
    yield store
    await store.close()


@pytest.fixture(scope="session")
def nats_server(scratch: Path) -> Iterator[EmbeddedNats]:
    """An embedded NATS."""
    server = EmbeddedNats(scratch / "nats", port=free_port(), log=scratch / "nats.log")
    server.prepare()
    server.start()
    try:
        asyncio.run(server.wait_ready())
        yield server
    finally:
        server.stop()


@pytest.fixture
def nats_url(nats_server: EmbeddedNats) -> str:
    """The session's NATS."""
    return nats_server.url


@pytest_asyncio.fixture
async def bus(nats_url: str) -> AsyncIterator[Bus]:
    """An event bus of the test's own connection."""
    bus = await Bus.open(NatsSettings(url=nats_url))
    await bus.wait_connected(10)
    yield bus
    await bus.close()


@pytest_asyncio.fixture
async def blobs(tmp_path: Path) -> AsyncIterator[BlobStore]:
    """Bodies in a folder of the test's own."""
    store = BlobStore.open(BlobSettings(url=f"file://{tmp_path}/blobs"))
    yield store
    await store.close()


async def _statement(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def deployment(
    scratch: Path, postgres_server: EmbeddedPostgres, nats_server: EmbeddedNats
) -> Iterator[Deployment]:
    """A database, a bus and a folder of the module's own, to start services on."""
    name = f"test_{next(_NUMBERS)}"
    folder = scratch / name
    folder.mkdir()
    admin = postgres_server.url("postgres")
    asyncio.run(_statement(admin, f"CREATE DATABASE {name} TEMPLATE mailquay"))
    running = Deployment(folder, database_url=postgres_server.url(name), nats_url=nats_server.url)
    yield running
    running.stop()
    asyncio.run(_statement(admin, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def platform(scratch: Path) -> Iterator[RunningPlatform]:
    """The whole platform with the demo domain."""
    running = start_platform(scratch / "platform")
    yield running
    running.stop()
