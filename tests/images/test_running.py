"""The images run as a pod runs them: read-only, as a user who is nobody, on a volume of a group's."""

import asyncio
import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from tools.images.__main__ import IMAGES
from tools.images.archives import BuiltImage
from tools.images.running import VOLUME, start

from mailquay.testing.ports import free_port

pytestmark = pytest.mark.cluster

SERVICES = [name for name in IMAGES if name not in ("tools", "trial")]
PASSWORD = "it's a secret"
DEADLINE_SECONDS = 120

Built = Callable[[str], BuiltImage]


def stop(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Tell the program to stop; returns its exit status and what it said."""
    for child in psutil.Process(process.pid).children():
        child.terminate()
    said, _ = process.communicate(timeout=DEADLINE_SECONDS)
    return process.returncode, said


def run(image: BuiltImage, *program: str, **environment: str) -> tuple[int, str]:
    """Run a program to its end; returns its exit status and what it said."""
    process = start(image, program=program, environment=environment)
    said, _ = process.communicate(timeout=DEADLINE_SECONDS)
    return process.returncode, said


@pytest.fixture(scope="module")
def state(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The settings of services whose Postgres and NATS are the image for trials."""
    postgres, nats = free_port(), free_port()
    servers = [
        start(
            built("trial"),
            [name, "--data", VOLUME, "--port", str(port)],
            environment={"MAILQUAY_TRIAL_PASSWORD": PASSWORD if name == "postgres" else "secret"},
            volume=tmp_path_factory.mktemp(name),
        )
        for name, port in (("postgres", postgres), ("nats", nats))
    ]
    url = f"postgresql://mailquay:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{postgres}/mailquay"
    settings = {
        "MAILQUAY_DATABASE__URL": url,
        "MAILQUAY_NATS__URL": f"nats://mailquay:secret@127.0.0.1:{nats}",
        "MAILQUAY_BLOBS__URL": f"file://{VOLUME}",
    }
    try:
        asyncio.run(wait_for_database(url))
        status, said = run(built("tools"), "mailquay", "db", "upgrade", **settings)
        assert status == 0, said
        yield settings
    finally:
        ended = [stop(server) for server in servers]
    assert [status for status, _ in ended] == [0, 0]


async def wait_for_database(url: str) -> None:
    """Wait until it takes connections, from another address than its own too."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            await (await asyncpg.connect(url, timeout=5)).close()
            return
        except (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)


def ask(url: str, process: subprocess.Popen[str]) -> str:
    """What a path answers, once the process serves it and is ready."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return response.read().decode()
        except (urllib.error.URLError, OSError) as error:
            if process.poll() is not None:
                pytest.fail(f"it ended: {process.communicate()[0]}")
            if time.monotonic() > deadline:
                pytest.fail(f"{url}: {error}")
            time.sleep(0.1)


@pytest.mark.parametrize("name", SERVICES)
def test_service_becomes_ready_and_ends_when_told_to(
    built: Built, state: dict[str, str], tmp_path: Path, name: str
):
    ports = {
        f"MAILQUAY_{setting}": str(free_port())
        for setting in (
            *("SMTP_IN__MX_PORT", "SMTP_IN__SUBMISSION_PORT", "SMTP_IN__SUBMISSIONS_PORT"),
            *("IMAP__PORT", "IMAP__TLS_PORT", "POP3__PORT", "POP3__TLS_PORT"),
            *("WEB__PORT", "METRICS__PORT"),
        )
    }
    process = start(built(name), environment={**state, **ports}, volume=tmp_path)
    try:
        ready = ask(f"http://127.0.0.1:{ports['MAILQUAY_METRICS__PORT']}/readyz", process)
        assert json.loads(ready)["status"] == "ready"
        if name == "webmail-api":
            page = ask(f"http://127.0.0.1:{ports['MAILQUAY_WEB__PORT']}/", process)
            assert "/assets/" in page
        process_inside = psutil.Process(process.pid).children()[0]
        assert set(process_inside.uids()) == {65532}
        assert set(process_inside.gids()) == {65532}
    finally:
        status, said = stop(process)
    assert status == 0, said


def test_command_finds_the_schema_as_it_made_it(built: Built, state: dict[str, str]):
    status, said = run(built("tools"), "mailquay", "db", "current", **state)
    assert status == 0, said
    assert "up to date" in said


@pytest.mark.parametrize("name", IMAGES)
def test_nothing_but_tmp_can_be_written(built: Built, name: str):
    status, said = run(built(name), "sh", "-c", "touch /tmp/there && touch /opt/mailquay/not")
    assert status == 1
    assert "Read-only file system" in said
    assert "/tmp" not in said


def test_shell_has_what_hooks_of_a_pod_use(built: Built):
    status, said = run(built("imap"), "sh", "-euc", "sleep 0 && id -u && cat /etc/debian_version")
    assert status == 0, said
    assert said.startswith("65532\n12.")
