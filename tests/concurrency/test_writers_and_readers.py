"""Many write into one mailbox while many follow it: all see the same, in order, once."""

import smtplib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from imapclient import IMAPClient

from mailquay.testing.deployment import PASSWORD, Deployment

ADDRESS = "shared@example.test"
WRITERS = 8
READERS = 8
MESSAGES_EACH = 40
TOTAL = WRITERS * MESSAGES_EACH
DEADLINE_SECONDS = 90
BUFFERED_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Ports:
    """Two processes of each service, so that nothing is known by being in the same one."""

    smtp: list[int]
    imap: list[int]


@pytest.fixture(scope="module")
def ports(deployment: Deployment) -> Ports:
    deployment.add_account(ADDRESS)
    return Ports(
        [deployment.start("smtp-in").ports["smtp"] for _ in range(2)],
        [deployment.start("imap").ports["imap"] for _ in range(2)],
    )


def _write(port: int, writer: int) -> None:
    """Deliver messages, a few on each connection."""
    for start in range(0, MESSAGES_EACH, 10):
        with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
            for number in range(start, start + 10):
                client.sendmail(
                    f"writer{writer}@elsewhere.test",
                    [ADDRESS],
                    f"Message-ID: <{writer}.{number}@elsewhere.test>\r\n"
                    f"Subject: {writer}/{number}\r\n\r\nHello\r\n".encode(),
                )


@dataclass(slots=True)
class Reader:
    """A client that idles, and asks for what is newer than it has seen (RFC 7162 §3.1.4)."""

    port: int
    uids: list[int] = field(default_factory=list)
    modseq: int = 0
    wakes: int = 0
    told: int = 0

    def follow(self, is_listening: threading.Barrier) -> None:
        client = IMAPClient("127.0.0.1", self.port, ssl=False, timeout=60)
        try:
            client.login(ADDRESS, PASSWORD)
            client.select_folder("INBOX", readonly=True)
            client.idle()
            is_listening.wait(60)
            while len(self.uids) < TOTAL:
                # It looks at the socket alone: what came in one packet with the continuation is in
                # its buffer, and told by `idle_done`.
                told = client.idle_check(timeout=BUFFERED_SECONDS)
                self.wakes += bool(told)
                _, rest = client.idle_done()
                self.told += sum(b"EXISTS" in line for line in [*told, *rest])
                self._catch_up(client)
                client.idle()
        finally:
            client.shutdown()  # LOGOUT would wait for an answer where a check failed within IDLE

    def _catch_up(self, client: IMAPClient) -> None:
        found = client.fetch("1:*", ["UID"], modifiers=[f"CHANGEDSINCE {self.modseq}"])
        news = sorted(uid for uid in found if uid not in set(self.uids))
        # A uid that becomes visible after a higher one was seen would be lost to every client.
        assert all(uid > (self.uids[-1] if self.uids else 0) for uid in news)
        assert len(set(found)) == len(news), "what has not changed was told again"
        self.uids += news
        self.modseq = max([self.modseq, *(data[b"MODSEQ"][0] for data in found.values())])


def _subjects(port: int) -> list[str]:
    with IMAPClient("127.0.0.1", port, ssl=False, timeout=60) as client:
        client.login(ADDRESS, PASSWORD)
        client.select_folder("INBOX", readonly=True)
        found = client.fetch("1:*", ["ENVELOPE"])
        return [data[b"ENVELOPE"].subject.decode() for data in found.values()]


def test_every_reader_ends_with_the_same_uids_in_order(ports: Ports) -> None:
    readers = [Reader(ports.imap[number % 2]) for number in range(READERS)]
    is_listening = threading.Barrier(READERS + 1)
    with ThreadPoolExecutor(WRITERS + READERS) as threads:
        following = [threads.submit(reader.follow, is_listening) for reader in readers]
        is_listening.wait(60)
        writing = [
            threads.submit(_write, ports.smtp[number % 2], number) for number in range(WRITERS)
        ]
        for done in (*writing, *following):
            done.result(DEADLINE_SECONDS)
    for reader in readers:
        assert reader.uids == list(range(1, TOTAL + 1))
        assert reader.wakes > 1
        assert reader.told >= reader.wakes
    assert len({reader.modseq for reader in readers}) == 1
    expected = {
        f"{writer}/{number}" for writer in range(WRITERS) for number in range(MESSAGES_EACH)
    }
    subjects = _subjects(ports.imap[0])
    assert len(subjects) == TOTAL
    assert set(subjects) == expected
