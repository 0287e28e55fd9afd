"""A child ends with its parent, however that ended, and is who it is told to be."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from mailquay.standalone.processes import Child, StandaloneError

PATIENCE_SECONDS = 20
SLEEP = "import time; print('up', flush=True); time.sleep(600)"
PARENT = """
import sys, time
from pathlib import Path
from mailquay.standalone.processes import Child
child = Child("child", [sys.executable, "-c", sys.argv[2]], log=Path(sys.argv[1]))
child.start()
print(child.pid, flush=True)
time.sleep(600)
"""


def wait_until(is_so) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_child_of_a_parent_that_is_killed_is_ended(tmp_path: Path):
    log = tmp_path / "log"
    command = [sys.executable, "-c", PARENT, str(log), SLEEP]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        wait_until(lambda: "up" in log.read_text())
        parent.kill()
    wait_until(lambda: not runs(child))


def test_program_has_the_id_that_was_started_and_leads_its_own_session(tmp_path: Path):
    code = "import os; print(os.getpid(), os.getsid(0) == os.getpid(), os.geteuid())"
    child = Child("child", [sys.executable, "-c", code], log=tmp_path / "log")
    child.start()
    wait_until(lambda: child.poll() is not None)
    assert child.last_words() == f"{child.pid} True {os.geteuid()}"


def test_end_of_the_log_says_why_it_died(tmp_path: Path):
    code = "raise SystemExit('no, thank you')"
    child = Child("child", [sys.executable, "-c", code], log=tmp_path / "log")
    child.start()
    wait_until(lambda: child.poll() is not None)
    assert child.poll() == 1
    assert child.last_words() == "no, thank you"
    child.stop(1)  # of one that has ended, which is no fault


def test_log_that_has_grown_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mailquay.standalone.processes.LOG_MAX_BYTES", 10)
    (tmp_path / "child.log").write_text("more than ten bytes")
    child = Child("child", [sys.executable, "-c", "print('new')"], log=tmp_path / "child.log")
    child.start()
    wait_until(lambda: child.poll() is not None)
    assert child.last_words() == "new"
    assert (tmp_path / "child.log.1").read_text() == "more than ten bytes"


def test_it_is_asked_to_end_by_its_own_signal(tmp_path: Path):
    code = (
        "import signal, sys, time; signal.signal(signal.SIGINT, lambda *_: sys.exit(7)); "
        "print('up', flush=True); time.sleep(600)"
    )
    child = Child(
        "child", [sys.executable, "-c", code], log=tmp_path / "log", stop_signal=signal.SIGINT
    )
    child.start()
    wait_until(lambda: child.last_words() == "up")
    child.stop(PATIENCE_SECONDS)
    assert child.poll() == 7


def test_child_that_was_not_started_has_no_id(tmp_path: Path):
    child = Child("child", ["/bin/true"], log=tmp_path / "log")
    assert not child.is_running
    child.stop(1)
    with pytest.raises(StandaloneError, match="was not started"):
        _ = child.pid
