"""The chart's trial servers: one each in a pod, on a volume that outlives it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import nats
import nats.errors
import psutil
import pytest

from mailquay.testing.ports import free_port

_DEADLINE_SECONDS = 60


class Pod:
    """Starts the command as the image does; whatever is left of it is killed in the end."""

    def __init__(self, volume: Path) -> None:
        self.volume = volume
        self.port = free_port()
        self._started: list[subprocess.Popen[str]] = []

    def start(self, server: str, **environment: str) -> subprocess.Popen[str]:
        environment = {f"MAILQUAY_TRIAL_{name}": value for name, value in environment.items()}
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "mailquay.standalone.trial", server),
                *("--data", str(self.volume), "--port", str(self.port)),
            ],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._started.append(process)
        return process

    def postmaster(self) -> psutil.Process:
        """Postgres' first process."""
        lines = (self.volume / "postgres" / "cluster" / "postmaster.pid").read_text().splitlines()
        return psutil.Process(int(lines[0]))

    def kill_all(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()

    async def connect(self, password: str) -> asyncpg.Connection:
        """Connect once the server answers."""
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while True:
            try:
                return await asyncpg.connect(
                    host="127.0.0.1", port=self.port, user="mailquay", password=password,
                    database="mailquay", timeout=5,
                )  # fmt: skip
            except (OSError, asyncpg.CannotConnectNowError):
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.05)

    async def connect_to_bus(self, password: str) -> nats.NATS:
        """Connect once the server answers."""
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while True:
            try:
                return await nats.connect(
                    f"nats://mailquay:{password}@127.0.0.1:{self.port}",
                    allow_reconnect=False, connect_timeout=5,
                )  # fmt: skip
            except (OSError, nats.errors.NoServersError):
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.05)


@pytest.fixture
def pod(tmp_path: Path) -> Iterator[Pod]:
    pod = Pod(tmp_path / "volume")
    try:
        yield pod
    finally:
        pod.kill_all()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """How a process ends that has no reason to run on."""
    told, _ = process.communicate(timeout=_DEADLINE_SECONDS)
    return process.returncode, told


async def test_postgres_keeps_what_was_committed_when_its_pod_is_killed(pod: Pod):
    killed = pod.start("postgres", PASSWORD="first")
    connection = await pod.connect("first")
    await connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000)")
    postmaster = pod.postmaster()
    killed.kill()
    connection.terminate()
    await asyncio.to_thread(psutil.wait_procs, [postmaster], _DEADLINE_SECONDS)
    pod.start("postgres", PASSWORD="first")
    connection = await pod.connect("first")
    assert await connection.fetchval("SELECT count(*) FROM kept") == 1000
    await connection.close()


async def test_postgres_takes_the_password_of_the_secret_at_each_start(pod: Pod):
    first = pod.start("postgres", PASSWORD="it's first")
    await (await pod.connect("it's first")).close()
    first.terminate()
    assert ended(first)[0] == 0
    secret = pod.volume.with_name("secret")
    secret.write_text("second\n")
    pod.start("postgres", PASSWORD_FILE=str(secret))
    await (await pod.connect("second")).close()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await pod.connect("it's first")


async def test_postgres_starts_on_a_volume_that_was_opened_to_its_group(pod: Pod):
    """As the kubelet does for a pod with an fsGroup."""
    first = pod.start("postgres", PASSWORD="secret")
    await (await pod.connect("secret")).close()
    first.terminate()
    ended(first)
    cluster = pod.volume / "postgres" / "cluster"
    cluster.chmod(0o2770)
    pod.start("postgres", PASSWORD="secret")
    await (await pod.connect("secret")).close()


async def test_cluster_whose_making_was_interrupted_is_made_anew(pod: Pod):
    half = pod.volume / "postgres" / "cluster.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")  # the first thing that initdb writes
    pod.start("postgres", PASSWORD="secret")
    await (await pod.connect("secret")).close()
    assert not half.exists()


async def test_told_to_stop_it_cuts_sessions_and_ends_well(pod: Pod):
    server = pod.start("postgres", PASSWORD="secret")
    connection = await pod.connect("secret")
    server.terminate()
    status, log = await asyncio.to_thread(ended, server)
    connection.terminate()
    assert status == 0
    assert "database system is shut down" in log


async def test_nats_keeps_a_stream_and_takes_another_password(pod: Pod):
    first = pod.start("nats", PASSWORD="first")
    connection = await pod.connect_to_bus("first")
    stream = connection.jetstream()
    await stream.add_stream(name="kept", subjects=["kept"])
    await stream.publish("kept", b"one")
    await connection.close()
    first.terminate()
    assert (await asyncio.to_thread(ended, first))[0] == 0
    pod.start("nats", PASSWORD="second")
    connection = await pod.connect_to_bus("second")
    found = await connection.jetstream().stream_info("kept")
    assert found.state.messages == 1
    await connection.close()


async def test_it_ends_with_the_server_and_says_that_it_was_not_told_to(pod: Pod):
    server = pod.start("postgres", PASSWORD="secret")
    await (await pod.connect("secret")).close()
    pod.postmaster().send_signal(signal.SIGQUIT)
    assert ended(server)[0] != 0


async def test_second_one_on_a_volume_is_refused(pod: Pod):
    pod.start("postgres", PASSWORD="secret")
    await (await pod.connect("secret")).close()
    status, told = ended(pod.start("postgres", PASSWORD="secret"))
    assert status == 1
    assert "another process runs on" in told


@pytest.mark.parametrize("password", [{}, {"PASSWORD": ""}], ids=["missing", "empty"])
def test_server_without_a_password_is_refused(pod: Pod, password: dict[str, str]):
    status, told = ended(pod.start("nats", **password))
    assert status == 1
    assert "MAILQUAY_TRIAL_PASSWORD" in told


def test_password_that_would_be_a_second_statement_is_refused(pod: Pod):
    status, told = ended(pod.start("postgres", PASSWORD="one\nDROP TABLE two"))
    assert status == 1
    assert "cannot be printed" in told
    assert "DROP" not in told
