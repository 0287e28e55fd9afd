"""Accounts for mail clients: filled, changed and read by one way that none of them is."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from imapclient import IMAPClient

from mailquay.testing.deployment import PASSWORD, Deployment

_NUMBERS = itertools.count(1)
#: How many messages one APPEND carries.
_TOGETHER = 500


def make_message(number: int, body: bytes = b"") -> bytes:
    """A message, another for each number, with a body that not every client carries over."""
    return (
        b"From: Ann <ann@example.net>\r\nTo: bob@example.org\r\nSubject: Message %d\r\n"
        b"Date: Mon, 2 Feb 2026 10:00:00 +0100\r\nMessage-ID: <%d@example.net>\r\n\r\n%b"
        % (number, number, body or b"Gr\xc3\xbc\xc3\x9fe, number %d.\r\n" % number)
    )


#: What messages are flagged with, in turn.
FLAGS = (
    (),
    (b"\\Seen",),
    (b"\\Flagged",),
    (b"\\Seen", b"\\Answered"),
    (b"\\Draft",),
    (b"\\Seen", b"\\Flagged", b"\\Answered"),
)


@dataclass
class Account:
    """An account, and a connection to it."""

    address: str
    ports: dict[str, int]
    client: IMAPClient

    def append(self, name: str, *numbers: int) -> None:
        """Put those messages into a mailbox, flagged by their numbers."""
        for start in range(0, len(numbers), _TOGETHER):
            self.client.multiappend(
                name,
                [
                    {"msg": make_message(number), "flags": FLAGS[number % len(FLAGS)]}
                    for number in numbers[start : start + _TOGETHER]
                ],
            )

    def names(self) -> set[str]:
        """Every mailbox that can be selected."""
        listed = self.client.list_folders()
        return {name for attributes, _, name in listed if b"\\Noselect" not in attributes}

    def contents(self, name: str = "INBOX") -> dict[bytes, frozenset[str]]:
        """A mailbox's messages, byte for byte, with their flags; `\\Recent` is nobody's."""
        self.client.select_folder(name, readonly=True)
        found = self.client.fetch("1:*", ["BODY.PEEK[]", "FLAGS"])
        self.client.unselect_folder()
        texts = {
            data[b"BODY[]"]: frozenset(f.decode() for f in data[b"FLAGS"] if f != b"\\Recent")
            for data in found.values()
        }
        assert len(texts) == len(found), "a message is there twice"
        return texts

    def everything(self) -> dict[str, dict[bytes, frozenset[str]]]:
        """All mailboxes with their messages."""
        return {name: self.contents(name) for name in self.names()}

    def expunge(self, name: str, *numbers: int) -> None:
        """Remove the messages of those numbers in a mailbox that has them in order."""
        self.client.select_folder(name)
        uids = self._uids(numbers)
        self.client.delete_messages(uids)
        self.client.uid_expunge(uids)
        self.client.unselect_folder()

    def change_flags(self, name: str, numbers: range, *, add: str = "", remove: str = "") -> None:
        """Set and clear a flag of the messages of those numbers."""
        self.client.select_folder(name)
        uids = self._uids(numbers)
        if add:
            self.client.add_flags(uids, [add], silent=True)
        if remove:
            self.client.remove_flags(uids, [remove], silent=True)
        self.client.unselect_folder()

    def move(self, name: str, to: str, *numbers: int) -> None:
        """Move the messages of those numbers."""
        self.client.select_folder(name)
        self.client.move(self._uids(numbers), to)
        self.client.unselect_folder()

    def _uids(self, numbers: "tuple[int, ...] | range") -> list[int]:
        wanted = {b"<%d@example.net>" % number for number in numbers}
        found = self.client.fetch("1:*", ["ENVELOPE"])
        return [uid for uid, data in found.items() if data[b"ENVELOPE"].message_id in wanted]


@pytest.fixture(scope="module")
def ports(deployment: Deployment) -> dict[str, int]:
    """Where IMAP listens."""
    return deployment.start("imap").ports


@pytest.fixture
def account(deployment: Deployment, ports: dict[str, int]) -> Iterator[Account]:
    """An account of the test's own, with its usual mailboxes, empty."""
    address = f"peer{next(_NUMBERS)}@example.org"
    deployment.add_account(address)
    with IMAPClient("127.0.0.1", ports["imap"], ssl=False) as client:
        client.login(address, PASSWORD)
        yield Account(address, ports, client)


@pytest.fixture
def message() -> Callable[[int], bytes]:
    """The message of a number."""
    return make_message
