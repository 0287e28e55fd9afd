"""IDLE, woken by whatever another process does; and without NATS, by looking."""

import asyncio
import contextlib
import imaplib
import smtplib
import time
from pathlib import Path

import pytest

from mailquay.standalone.nats import EmbeddedNats
from mailquay.testing.deployment import PASSWORD, Deployment
from mailquay.testing.ports import free_port
from mailquay.testing.transcripts import Connection

#: So long that no test waits for it: what is told was heard of.
NEVER = "600"
DEADLINE_SECONDS = 30


class Idler:
    """A client in IDLE."""

    def __init__(self, port: int, address: str) -> None:
        self._connection = Connection("127.0.0.1", port)
        self._connection.read_line()
        for command in (f'LOGIN {address} "{PASSWORD}"', "SELECT INBOX", "IDLE"):
            self._connection.send(f"t {command}\r\n".encode())
            while not self.read().startswith((b"t OK", b"+ ")):
                pass

    def read(self) -> bytes:
        line = self._connection.read_line()
        assert line is not None
        return line

    def read_until(self, wanted: bytes) -> list[bytes]:
        """Lines up to one."""
        lines = [self.read()]
        while lines[-1] != wanted:
            lines.append(self.read())
        return lines

    def done(self) -> bytes:
        """End IDLE."""
        self._connection.send(b"DONE\r\n")
        line = self.read()
        self._connection.close()
        return line


@pytest.fixture(scope="module")
def ports(deployment: Deployment) -> list[int]:
    """Two processes of IMAP, which look by themselves never."""
    return [deployment.start("imap", IMAP__POLL_SECONDS=NEVER).ports["imap"] for _ in range(2)]


@pytest.fixture
def client():
    """Opens clients that are in INBOX, and closes them."""
    with contextlib.ExitStack() as stack:

        def open_client(port: int, address: str) -> imaplib.IMAP4:
            client = stack.enter_context(imaplib.IMAP4("127.0.0.1", port))
            client.login(address, PASSWORD)
            client.select()
            return client

        yield open_client


def test_mail_by_smtp_wakes_an_idle_on_another_process(deployment, ports):
    deployment.add_account("smtp@example.org")
    smtp_in = deployment.start("smtp-in")
    idlers = [Idler(port, "smtp@example.org") for port in ports]
    with smtplib.SMTP("127.0.0.1", smtp_in.ports["smtp"]) as sender:
        for number in range(1, 4):
            sender.sendmail("a@example.net", ["smtp@example.org"], b"Subject: x\r\n\r\nx\r\n")
            for idler in idlers:
                idler.read_until(b"* %d RECENT" % number)
    assert [idler.done() for idler in idlers] == [b"t OK IDLE terminated"] * 2


def test_what_one_session_does_wakes_those_of_both_processes(deployment, ports, client):
    deployment.add_account("both@example.org")
    actor = client(ports[1], "both@example.org")
    idlers = [Idler(port, "both@example.org") for port in ports]

    def told(line: bytes) -> None:
        for idler in idlers:
            idler.read_until(line)

    actor.append("INBOX", "", None, b"Subject: x\r\n\r\nx\r\n")
    told(b"* 1 EXISTS")
    actor.select()
    actor.store("1", "+FLAGS", "\\Flagged")
    for idler in idlers:
        while not (line := idler.read()).startswith(b"* 1 FETCH (UID 1 FLAGS (\\Flagged"):
            assert line == b"* 1 RECENT"
    actor.copy("1", "INBOX")
    told(b"* 2 EXISTS")
    actor.store("1", "+FLAGS", "\\Deleted")
    actor.expunge()
    told(b"* 1 EXPUNGE")
    actor.uid("MOVE", "2", "Trash")
    told(b"* 1 EXPUNGE")
    for idler in idlers:
        idler.done()


def test_without_nats_an_idle_looks_by_itself(deployment, ports, client):
    deployment.add_account("alone@example.org")
    alone = deployment.start(
        "imap", IMAP__POLL_SECONDS="0.1", NATS__URL=f"nats://127.0.0.1:{free_port()}"
    )
    idler = Idler(alone.ports["imap"], "alone@example.org")
    actor = client(ports[0], "alone@example.org")
    actor.append("INBOX", "", None, b"Subject: x\r\n\r\nx\r\n")
    idler.read_until(b"* 1 EXISTS")
    # And its own changes are told to the others when these look.
    other = client(alone.ports["imap"], "alone@example.org")
    other.append("INBOX", "", None, b"Subject: y\r\n\r\ny\r\n")
    idler.read_until(b"* 2 EXISTS")
    actor.noop()
    assert actor.untagged_responses["EXISTS"][-1] == b"2"
    idler.done()


@pytest.fixture
def own_nats(scratch: Path):
    server = EmbeddedNats(scratch / "own-nats", port=free_port(), log=scratch / "own-nats.log")
    server.prepare()
    server.start()
    asyncio.run(server.wait_ready())
    yield server
    server.stop()


def test_what_was_missed_is_told_when_nats_is_back(deployment, ports, client, own_nats):
    deployment.add_account("back@example.org")
    process = deployment.start("imap", IMAP__POLL_SECONDS=NEVER, NATS__URL=own_nats.url)
    idler = Idler(process.ports["imap"], "back@example.org")
    own_nats.stop()
    # Nobody tells this process, which hears nobody.
    actor = client(ports[0], "back@example.org")
    actor.append("INBOX", "", None, b"Subject: x\r\n\r\nx\r\n")
    own_nats.start()
    asyncio.run(own_nats.wait_ready())
    idler.read_until(b"* 1 EXISTS")
    idler.done()


def test_many_changes_at_once_are_all_told(deployment, ports, client):
    deployment.add_account("burst@example.org")
    idlers = [Idler(port, "burst@example.org") for port in ports]
    actor = client(ports[0], "burst@example.org")
    for _ in range(100):
        actor.append("INBOX", "", None, b"Subject: x\r\n\r\nx\r\n")
    for idler in idlers:
        lines = idler.read_until(b"* 100 EXISTS")
        numbers = [int(line.split()[1]) for line in lines if line.endswith(b"EXISTS")]
        assert numbers == sorted(numbers)
    actor.select()
    actor.store("1:100", "+FLAGS.SILENT", "\\Deleted")
    actor.expunge()
    left = [100, 100]
    deadline = time.monotonic() + DEADLINE_SECONDS
    for number, idler in enumerate(idlers):
        while left[number]:
            left[number] -= idler.read().endswith(b"EXPUNGE")
            assert time.monotonic() < deadline
        idler.done()
