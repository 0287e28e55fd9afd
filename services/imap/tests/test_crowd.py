"""Several clients do whatever they like in one mailbox, over two processes, all at once.

Each believes only what it is told. Nobody may be told what does not fit, and all end equal.
"""

import random
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from mailquay.testing.deployment import PASSWORD
from mailquay.testing.transcripts import Connection

CLIENTS, COMMANDS = 6, 120
_UNTAGGED = re.compile(rb"\* (\d+) (EXISTS|RECENT|EXPUNGE|FETCH \((.*)\))")
_UID = re.compile(rb"\bUID (\d+)")
_FLAGS = re.compile(rb"\bFLAGS \(([^)]*)\)")
_KEEPS_NUMBERS = (b"FETCH", b"STORE", b"SEARCH")


class Client:
    """A client with its picture: a uid and flags for each number, None where it has not asked."""

    def __init__(self, port: int, address: str, seed: int) -> None:
        self._connection = Connection("127.0.0.1", port)
        self._connection.read_line()
        self._chance = random.Random(seed)
        self.uids: list[int | None] = []
        self.flags: list[frozenset[bytes] | None] = []
        for command in (f'LOGIN {address} "{PASSWORD}"', "ENABLE IMAP4rev2", "SELECT INBOX"):
            self.say(command.encode())

    def close(self) -> None:
        self._connection.close()

    def say(self, command: bytes) -> bytes:
        """Give a command, and believe what is told meanwhile; returns its status."""
        self._connection.send(b"t " + command + b"\r\n")
        while (line := self._connection.read_line()) is not None:
            if line.startswith(b"t "):
                return line[2:].split()[0]
            self._hear(line, command)
        raise AssertionError(f"the connection ended in {command!r}")

    def _hear(self, line: bytes, command: bytes) -> None:
        match = _UNTAGGED.fullmatch(line)
        if match is None:
            return
        number = int(match[1])
        if match[2] == b"EXISTS":
            assert number >= len(self.uids), (line, command)
            missing = number - len(self.uids)
            self.uids += [None] * missing
            self.flags += [None] * missing
        elif match[2] == b"EXPUNGE":
            assert not command.startswith(_KEEPS_NUMBERS), (line, command)
            del self.uids[number - 1]
            del self.flags[number - 1]
        elif match[3] is not None:
            uid = int(_UID.search(match[3])[1])
            assert self.uids[number - 1] in (None, uid), (line, command)
            self.uids[number - 1] = uid
            if flags := _FLAGS.search(match[3]):
                self.flags[number - 1] = frozenset(flags[1].split())

    def act(self) -> None:
        """Something at random."""
        count = len(self.uids)
        first = self._chance.randint(1, max(count, 1))
        numbers = b"%d:%d" % (first, min(count, first + self._chance.randint(0, 3)))
        uids = b"%d:%d" % (first, first + self._chance.randint(0, 40))
        flag = self._chance.choice([b"\\Seen", b"\\Flagged", b"\\Deleted", b"$Tea"])
        change = self._chance.choice([b"+", b"-", b""])
        silent = self._chance.choice([b"", b".SILENT"])
        anywhere = [
            b"APPEND INBOX {14+}\r\nSubject: x\r\n\r\n", b"NOOP", b"EXPUNGE",
            b"UID STORE %b %bFLAGS%b (%b)" % (uids, change, silent, flag),
            b"UID FETCH %b (FLAGS)" % uids, b"UID EXPUNGE %b" % uids, b"UID SEARCH UNSEEN",
            b"UID COPY %b INBOX" % b"%d" % first, b"STATUS INBOX (MESSAGES)",
        ]  # fmt: skip
        by_number = [
            b"STORE %b %bFLAGS%b (%b)" % (numbers, change, silent, flag),
            b"FETCH %b (UID FLAGS)" % numbers, b"SEARCH DELETED", b"MOVE %d INBOX" % first,
            b"FETCH %d (UID FLAGS BODY[])" % first,
        ]  # fmt: skip
        command = self._chance.choice(anywhere + by_number * 2 if count else anywhere)
        if self.say(command) == b"OK" and b"FLAGS.SILENT" in command:
            # A client that stores silently works out what comes of it; this one rather asks.
            self.say(b"UID FETCH 1:* (FLAGS)")

    def finish(self) -> list[tuple[int | None, frozenset[bytes] | None]]:
        """What it believes at last, once it has been told everything and asked for the rest."""
        self.say(b"NOOP")
        if None in self.uids or None in self.flags:
            self.say(b"UID FETCH 1:* (FLAGS)")
            self.say(b"NOOP")
        return list(zip(self.uids, self.flags, strict=True))


@pytest.mark.parametrize("seed", range(3))
def test_a_crowd_ends_with_one_picture(deployment, seed):
    address = f"crowd{seed}@example.org"
    deployment.add_account(address)
    processes = [s for s in deployment.services if "imap" in s.ports]
    while len(processes) < 2:
        processes.append(deployment.start("imap"))
    clients = [
        Client(processes[number % 2].ports["imap"], address, seed * 100 + number)
        for number in range(CLIENTS)
    ]

    def run(client: Client) -> None:
        for _ in range(COMMANDS):
            client.act()

    with ThreadPoolExecutor(CLIENTS) as threads:
        for done in [threads.submit(run, client) for client in clients]:
            done.result(100)
    pictures = [client.finish() for client in clients]
    assert None not in [uid for uid, _ in pictures[0]]
    assert all(picture == pictures[0] for picture in pictures)
    asked = Client(processes[0].ports["imap"], address, 0)
    if asked.uids:
        asked.say(b"FETCH 1:* (UID FLAGS)")
    assert asked.finish() == pictures[0]
    for client in (*clients, asked):
        client.close()
