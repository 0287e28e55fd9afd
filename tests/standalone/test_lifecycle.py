"""Started, killed in any part or as a whole, and started again: the same platform, with its mail."""

import imaplib
import os
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from mailquay.testing.platform import RunningPlatform, start_platform

PATIENCE_SECONDS = 60
PROCESSES = ("postgres", "nats", "smtp-in", "smtp-out", "imap", "pop3", "webmail-api")


def wait_until(what: str, is_so: Callable[[], bool]) -> None:
    """Wait until something holds; what does not answer meanwhile does not hold yet."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    trouble: Exception | None = None
    while time.monotonic() < deadline:
        try:
            if is_so():
                return
        except (OSError, imaplib.IMAP4.error, smtplib.SMTPException) as error:
            trouble = error
        time.sleep(0.05)
    raise AssertionError(f"{what}: not so in time; the last trouble was {trouble!r}")


def send(facts: dict[str, Any], subject: str) -> bool:
    """Hand a message for the first user to the MX; True once it is acknowledged."""
    recipient = facts["users"][0]["address"]
    with smtplib.SMTP(facts["host"], facts["ports"]["smtp"], timeout=20) as client:
        client.sendmail(
            "someone@example.com",
            [recipient],
            f"From: someone@example.com\r\nTo: {recipient}\r\nSubject: {subject}\r\n"
            f"Message-ID: <{subject}@example.com>\r\n\r\nHello.\r\n",
        )
    return True


def subjects(facts: dict[str, Any]) -> list[str]:
    """The subjects in the first user's INBOX, in order."""
    user = facts["users"][0]
    with imaplib.IMAP4(facts["host"], facts["ports"]["imap"], timeout=20) as client:
        client.login(user["address"], user["password"])
        client.select("INBOX", readonly=True)
        _, answers = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    found = [part[1] for part in answers if isinstance(part, tuple)]
    return [field.decode().partition(":")[2].strip() for field in found]


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def pids(running: RunningPlatform) -> list[int]:
    return [pid for each in running.facts["pids"].values() for pid in each]


def kill(running: RunningPlatform) -> list[int]:
    """``kill -9`` of the supervisor alone; returns what it had started."""
    started = pids(running)
    running.process.kill()
    running.process.wait()
    return started


@pytest.fixture
def platform_at(tmp_path: Path) -> Iterator[Callable[[], RunningPlatform]]:
    """Starts the platform in one folder, again and again."""
    started: list[RunningPlatform] = []

    def start() -> RunningPlatform:
        started.append(start_platform(tmp_path / "data"))
        return started[-1]

    yield start
    for running in started:
        running.stop()


def test_ctrl_c_ends_every_process_and_a_second_start_finds_its_mail(platform_at):
    first = platform_at()
    send(first.facts, "before")
    started, ports = pids(first), first.facts["ports"]

    first.process.send_signal(signal.SIGINT)
    assert first.process.wait(PATIENCE_SECONDS) == 0
    assert not [pid for pid in started if runs(pid)]
    assert not first.ready_file.exists()

    second = platform_at()
    assert subjects(second.facts) == ["before"]
    assert second.facts["ports"] == ports, "clients find it where it was"


def test_sigterm_while_it_starts_ends_every_process(tmp_path):
    command = [sys.executable, "-m", "mailquay.cli", "standalone", "--data", str(tmp_path / "data")]
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    children: list[psutil.Process] = []
    try:
        wait_until("it has started something", lambda: bool(psutil.Process(process.pid).children()))
        children = psutil.Process(process.pid).children(recursive=True)
    finally:
        process.terminate()
    assert process.wait(PATIENCE_SECONDS) == 0, log.read_text()
    wait_until("nothing is left", lambda: not any(runs(child.pid) for child in children))
    assert b"Traceback" not in log.read_bytes()


def test_any_one_process_that_is_killed_is_started_again(platform_at):
    running = platform_at()
    for number, name in enumerate(PROCESSES):
        (old,) = running.facts["pids"][name]
        os.kill(old, signal.SIGKILL)
        wait_until(f"{name} runs again", lambda name=name, old=old: (
            running.facts["pids"][name] != [old]
        ))  # fmt: skip
        wait_until(f"mail flows after {name}", lambda n=number: send(running.facts, f"mail-{n}"))
        wait_until(f"mail is read after {name}", lambda n=number: (
            f"mail-{n}" in subjects(running.facts)
        ))  # fmt: skip
    assert subjects(running.facts) == [f"mail-{n}" for n in range(len(PROCESSES))]


def test_killed_supervisor_leaves_nothing_behind(platform_at):
    running = platform_at()
    send(running.facts, "before")
    started = kill(running)
    wait_until("nothing is left", lambda: not any(runs(pid) for pid in started))

    assert subjects(platform_at().facts) == ["before"]


def test_start_right_after_its_supervisor_was_killed_waits_for_what_that_left(platform_at):
    running = platform_at()
    send(running.facts, "before")
    kill(running)

    assert subjects(platform_at().facts) == ["before"]


def test_everything_killed_at_once_with_a_pid_file_that_names_another_program(platform_at):
    running = platform_at()
    send(running.facts, "before")
    everything = [running.process.pid, *pids(running)]
    for pid in everything:
        os.kill(pid, signal.SIGKILL)
    running.process.wait()
    pid_file = running.data / "postgres" / "cluster" / "postmaster.pid"
    _, *rest = pid_file.read_text().splitlines(keepends=True)
    pid_file.write_text("".join([f"{os.getpid()}\n", *rest]))

    assert subjects(platform_at().facts) == ["before"]


def test_ready_file_of_a_killed_platform_is_not_believed(platform_at, tmp_path):
    running = platform_at()
    kill(running)
    assert running.ready_file.exists()
    running.ready_file.write_text("{}")

    assert platform_at().facts["host"] == "127.0.0.1"
