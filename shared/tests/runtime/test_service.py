"""A service's life: it waits for what is not there yet, tells so, and ends when asked to."""

import asyncio
import json
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from mailquay.standalone.processes import Child
from mailquay.store import head_revision, migrations
from mailquay.testing.ports import free_port


def ask(port: int, path: str) -> tuple[int, dict[str, Any]]:
    """Status and answer of a health question; 0 while nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)
    except OSError:
        return 0, {}


async def until(condition: Callable[[], Any]) -> Any:
    async with asyncio.timeout(60):
        while not (found := await asyncio.to_thread(condition)):
            await asyncio.sleep(0.05)
    return found


@pytest.fixture
def begin(deployment, tmp_path):
    """Starts a POP3 service, whatever it waits for; returns it and its port of health."""
    children = []

    def start(database_url: str) -> tuple[Child, int]:
        port = free_port()
        settings = {
            **deployment.settings(),
            "MAILQUAY_POP3__PORT": "0",
            "MAILQUAY_POP3__TLS_PORT": "none",
            "MAILQUAY_DATABASE__URL": database_url,
            "MAILQUAY_METRICS__PORT": str(port),
            "MAILQUAY_READY_FILE": str(tmp_path / "ready.json"),
        }
        child = Child(
            "pop3", [sys.executable, "-m", "mailquay_pop3"], log=tmp_path / "log", env=settings
        )
        child.start()
        children.append(child)
        return child, port

    yield start
    for child in children:
        child.stop(5)


async def test_a_service_is_alive_while_it_waits_for_the_schema(begin, postgres_url, tmp_path):
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await connection.close()
    _, port = begin(postgres_url)
    await until(lambda: ask(port, "/healthz")[0] == 200)
    await until(lambda: "no schema" in ask(port, "/readyz")[1]["checks"].get("database", ""))
    status, told = await asyncio.to_thread(ask, port, "/readyz")
    assert (status, told["checks"]["process"]) == (503, "starting")
    assert not (tmp_path / "ready.json").exists()
    await migrations.upgrade(postgres_url)
    await until(lambda: ask(port, "/readyz")[0] == 200)


async def test_a_service_that_waits_ends_at_once_when_it_is_asked_to(begin):
    child, port = begin(f"postgresql://mailquay@127.0.0.1:{free_port()}/mailquay")
    await until(lambda: "Postgres" in ask(port, "/readyz")[1].get("checks", {}).get("database", ""))
    child.signal(signal.SIGTERM)
    await until(lambda: not child.is_running)
    assert child.poll() == 0


async def test_an_old_service_stays_ready_until_the_schema_is_contracted(begin, postgres_url):
    _, port = begin(postgres_url)
    await until(lambda: ask(port, "/readyz")[0] == 200)
    connection = await asyncpg.connect(postgres_url)

    async def become(revision: str, oldest: str) -> None:
        await connection.execute("UPDATE alembic_version SET version_num = $1", revision)
        await connection.execute("UPDATE schema_compatibility SET oldest_release = $1", oldest)

    await become("209901010000", "209901010000")  # as after a contraction: it looks anew, and sees
    await until(lambda: ask(port, "/readyz")[0] == 503)
    told = (await asyncio.to_thread(ask, port, "/readyz"))[1]["checks"]["database"]
    assert "serves releases from 209901010000 on" in told
    await become("209901010000", head_revision())  # as after an expansion
    await until(lambda: ask(port, "/readyz")[0] == 200)
    await connection.close()
