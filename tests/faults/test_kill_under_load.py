"""Any process may die at any instant: what was acknowledged is there, once."""

import imaplib
import itertools
import json
import os
import signal
import smtplib
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from mailquay.testing.platform import RunningPlatform, start_platform
from mailquay.testing.ports import free_port

MESSAGES = 1000
SENDERS = 8
#: One in so many goes to somebody else's server: the queue's part of the promise.
REMOTE_EVERY = 10
REMOTE_DOMAIN = "elsewhere.test"
VICTIMS = ("smtp-in", "postgres", "imap", "nats", "smtp-out", "pop3", "webmail-api") * 2
GIVE_UP_SECONDS = 240

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


class Elsewhere:
    """Somebody else's server; keeps the ids of what it has taken."""

    def __init__(self) -> None:
        self.message_ids: list[str] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.message_ids.append(_message_id(envelope.content))
        return "250 2.0.0 Ok"


def _message_id(message: bytes) -> str:
    for line in message.split(b"\r\n\r\n", 1)[0].split(b"\r\n"):
        if line.lower().startswith(b"message-id:"):
            return line.partition(b":")[2].strip().decode()
    raise AssertionError("a message has lost its Message-ID")


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[tuple[Elsewhere, int]]:
    handler = Elsewhere()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield handler, controller.port
    controller.stop()


@pytest.fixture(scope="module")
def faulty(
    scratch: Path, elsewhere: tuple[Elsewhere, int]
) -> Iterator[tuple[RunningPlatform, dict[str, str]]]:
    """A platform that sends to that server, and tries again after a second."""
    zone = {
        REMOTE_DOMAIN: {"MX": [[10, f"mx.{REMOTE_DOMAIN}"]]},
        f"mx.{REMOTE_DOMAIN}": {"A": ["127.0.0.1"]},
    }
    (scratch / "faults-dns.json").write_text(json.dumps(zone))
    env = {
        **os.environ,
        "MAILQUAY_DNS__FIXED_FILE": str(scratch / "faults-dns.json"),
        "MAILQUAY_SMTP_OUT__PORT": str(elsewhere[1]),
        "MAILQUAY_SMTP_OUT__RETRY_STEPS_SECONDS": "[1]",
        "MAILQUAY_SMTP_OUT__LEASE_SECONDS": "5",
        "MAILQUAY_SMTP_OUT__POLL_SECONDS": "1",
    }
    running = start_platform(scratch / "faulty", env=env)
    yield running, env
    running.stop()


class Sender:
    """A client that sends until it has an acknowledgement, as a mail server does."""

    def __init__(self, running: RunningPlatform) -> None:
        self.facts = running.facts  # the ports stay, whoever dies
        self.acknowledged: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        self.gave_up = False

    def send(self, number: int) -> None:
        user = self.facts["users"][number % 2]
        is_remote = number % REMOTE_EVERY == 0
        recipient = f"someone@{REMOTE_DOMAIN}" if is_remote else user["address"]
        message_id = f"<fault.{number}@sender.test>"
        message = (
            f"From: {user['address']}\r\nTo: {recipient}\r\nSubject: {number}\r\n"
            f"Date: Tue, 24 Nov 2026 12:00:00 +0000\r\nMessage-ID: {message_id}\r\n\r\nHello\r\n"
        )
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            try:
                self._attempt(user if is_remote else None, recipient, message.encode())
            except (OSError, smtplib.SMTPException):
                time.sleep(0.1)  # as a sender waits, only shorter
                continue
            with self._lock:
                self.acknowledged.append((message_id, recipient))
            return
        self.gave_up = True

    def _attempt(self, user: dict[str, str] | None, recipient: str, message: bytes) -> None:
        port = self.facts["ports"]["smtp" if user is None else "submission"]
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
            if user is not None:
                client.login(user["address"], user["password"])
            sender = "sender@sender.test" if user is None else user["address"]
            client.sendmail(sender, [recipient], message)


def _kill_in_turn(running: RunningPlatform, sender: Sender, is_over: threading.Event) -> list[str]:
    """Kill one process after the other while the mail flows; returns who was killed."""
    killed = []
    step = MESSAGES // (len(VICTIMS) + 1)
    for number, victim in enumerate(VICTIMS, 1):
        while len(sender.acknowledged) < number * step and not is_over.wait(0.02):
            pass
        pids = running.facts["pids"][victim]
        os.kill(pids[0], signal.SIGKILL)
        killed.append(victim)
        until(lambda pids=pids, victim=victim: running.facts["pids"][victim] != pids)
    return killed


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


def _in_mailbox(running: RunningPlatform, user: dict[str, str]) -> list[str]:
    """The Message-IDs of everything in a user's INBOX."""
    client = imaplib.IMAP4("127.0.0.1", running.facts["ports"]["imap"], timeout=60)
    try:
        client.login(user["address"], user["password"])
        client.select("INBOX", readonly=True)
        _, found = client.fetch("1:*", "(BODY.PEEK[])")
        return [_message_id(part[1]) for part in found if isinstance(part, tuple)]
    finally:
        client.shutdown()


def _mailquay(running: RunningPlatform, *arguments: str) -> Any:
    facts = running.facts
    env = {
        **os.environ,
        "MAILQUAY_DATABASE__URL": facts["database_url"],
        "MAILQUAY_NATS__URL": facts["nats_url"],
        "MAILQUAY_BLOBS__URL": f"file://{running.data / 'blobs'}",
    }
    done = subprocess.run(
        [sys.executable, "-m", "mailquay.cli", *arguments, "--json"],
        env=env, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def _assert_there_once(running: RunningPlatform, sender: Sender, elsewhere: Elsewhere) -> None:
    for user in sender.facts["users"]:
        counted = Counter(_in_mailbox(running, user))
        assert max(counted.values()) == 1, "a message is there twice"
        expected = {i for i, recipient in sender.acknowledged if recipient == user["address"]}
        assert {i for i in counted if i.startswith("<fault.")} == expected
    # Out of the house it is at least once (RFC 5321 §4.5.4.1); never lost.
    expected = {i for i, recipient in sender.acknowledged if recipient.endswith(REMOTE_DOMAIN)}
    until(lambda: expected <= set(elsewhere.message_ids))


def test_nothing_acknowledged_is_lost_or_doubled(
    faulty: tuple[RunningPlatform, dict[str, str]], elsewhere: tuple[Elsewhere, int]
) -> None:
    running, env = faulty
    sender = Sender(running)
    is_over = threading.Event()
    with ThreadPoolExecutor(SENDERS + 1) as threads:
        killing = threads.submit(_kill_in_turn, running, sender, is_over)
        list(threads.map(sender.send, range(MESSAGES)))
        is_over.set()
        assert Counter(killing.result(GIVE_UP_SECONDS)) == Counter(VICTIMS)
    assert not sender.gave_up
    assert len(sender.acknowledged) == MESSAGES
    _assert_there_once(running, sender, elsewhere[0])
    until(lambda: not _waiting(running))
    report = _mailquay(running, "blobs", "check")
    assert report["problems"] == []
    assert report["bodies"] >= MESSAGES

    # All of them at once, and the supervisor first.
    pids = [pid for several in running.facts["pids"].values() for pid in several]
    running.process.kill()
    running.process.wait(10)
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:  # the kernel has ended it with its parent
            continue
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
    again = start_platform(running.data, env=env)
    try:
        _assert_there_once(again, sender, elsewhere[0])
        assert _mailquay(again, "blobs", "check")["problems"] == []
    finally:
        again.stop()


def _waiting(running: RunningPlatform) -> list[Any]:
    """What the queue still holds for somebody else."""
    states = ("queued", "held")
    messages = _mailquay(running, "queue", "list")
    return [
        recipient
        for recipient in itertools.chain.from_iterable(m["recipients"] for m in messages)
        if recipient["state"] in states
    ]
