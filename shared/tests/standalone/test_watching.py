"""What dies is started again."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from mailquay.standalone.processes import Child
from mailquay.standalone.watching import Watch

PATIENCE_SECONDS = 20


@pytest.fixture
def watch():
    watch = Watch()
    yield watch
    watch.stop(("sleeper", "faulty"), 5)


def sleeper(folder: Path) -> Child:
    code = "import time; time.sleep(600)"
    return Child("sleeper", [sys.executable, "-c", code], log=folder / "log")


async def watched(watch: Watch, until) -> list[tuple[str, int]]:
    """Look after the processes until something holds; returns what has died meanwhile."""
    stop = asyncio.Event()
    died: list[tuple[str, int]] = []

    async def wait() -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not until(died):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        stop.set()

    def on_death(name: str, pid: int) -> None:
        died.append((name, pid))

    await asyncio.gather(watch.run(stop, on_death=on_death, on_start=lambda: None), wait())
    return died


async def test_killed_process_has_another_id_afterwards(watch, tmp_path):
    watch.begin(sleeper(tmp_path))
    (old,) = watch.pids()["sleeper"]
    os.kill(old, signal.SIGKILL)
    died = await watched(watch, lambda _died: watch.pids()["sleeper"] != [old])
    assert died == [("sleeper", old)]


async def test_process_that_dies_at_once_is_tried_again_and_hinders_no_other(watch, tmp_path):
    watch.begin(Child("faulty", [sys.executable, "-c", "raise SystemExit(3)"], log=tmp_path / "l"))
    watch.begin(sleeper(tmp_path))
    (calm,) = watch.pids()["sleeper"]
    died = await watched(watch, lambda died: len(died) >= 3)
    assert {name for name, _ in died} == {"faulty"}
    assert len({pid for _, pid in died}) == len(died), "each is told once"
    assert watch.pids()["sleeper"] == [calm]


async def test_process_that_will_not_end_is_killed(watch, tmp_path):
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "print('deaf', flush=True); time.sleep(600)"
    )
    child = Child("sleeper", [sys.executable, "-c", code], log=tmp_path / "log")
    watch.begin(child)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while "deaf" not in child.last_words():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    watch.stop(("sleeper",), 0.2)
    assert child.poll() == -signal.SIGKILL
