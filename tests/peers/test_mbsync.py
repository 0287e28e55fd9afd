"""mbsync: a Maildir and an account, kept in step in both directions."""

import itertools
import mailbox
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from imapclient import IMAPClient

from mailquay.testing.deployment import PASSWORD

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(shutil.which("mbsync") is None, reason="mbsync is not installed"),
]

_NUMBERS = itertools.count(1)


def message(number: int, body: bytes = b"Hello.\r\n") -> bytes:
    return (
        b"From: a@example.net\r\nTo: mbsync@example.org\r\nSubject: Message %d\r\n"
        b"Date: Mon, 2 Feb 2026 10:00:00 +0100\r\nMessage-ID: <%d@example.net>\r\n\r\n%b"
        % (number, number, body)
    )


@dataclass
class Side:
    """The Maildir, and how mbsync reaches the account."""

    folder: Path
    environment: dict[str, str]

    def sync(self) -> str:
        """Run mbsync; returns what it says of what it did."""
        done = subprocess.run(
            ["mbsync", "-V", "-c", str(self.folder / "mbsyncrc"), "all"],
            capture_output=True, text=True, timeout=100, check=False, env=self.environment,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def maildir(self, name: str = "INBOX") -> mailbox.Maildir:
        return mailbox.Maildir(self.folder / "mail" / name, factory=None, create=False)

    def contents(self, name: str = "INBOX") -> dict[bytes, str]:
        """Messages with their flags; line ends as IMAP has them."""
        maildir = self.maildir(name)
        found = {}
        for key in maildir.keys():  # noqa: SIM118  # it is no dictionary
            raw = maildir.get_bytes(key).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            found[_without_tuid(raw)] = maildir.get_message(key).get_flags()
        return found


def _without_tuid(raw: bytes) -> bytes:
    """Without the field by which mbsync finds again what it has stored."""
    lines = raw.split(b"\r\n")
    return b"\r\n".join(line for line in lines if not line.startswith(b"X-TUID: "))


_CONFIGURATION = """
IMAPAccount account
Host localhost
Port {port}
User {address}
Pass "{password}"
SSLType {tls}
SystemCertificates no
CertificateFile {ca_file}
AuthMechs {mechanism}
PipelineDepth 50

IMAPStore far
Account account

MaildirStore near
Path {folder}/mail/
Inbox {folder}/mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns * !Archive
Create Both
Remove Both
Expunge Both
CopyArrivalDate yes
SyncState {folder}/state/
"""


@pytest.fixture(scope="module")
def ports(deployment):
    return deployment.start("imap").ports


@pytest.fixture
def address(deployment) -> str:
    address = f"mbsync{next(_NUMBERS)}@example.org"
    deployment.add_account(address)
    return address


@pytest.fixture(params=[("IMAPS", "PLAIN"), ("STARTTLS", "SCRAM-SHA-256"), ("STARTTLS", "LOGIN")])
def side(request, deployment, ports, address, tmp_path) -> Side:
    tls, mechanism = request.param
    (tmp_path / "mail").mkdir()
    (tmp_path / "state").mkdir()
    control = tmp_path / "mbsyncrc"
    port = ports["imaps"] if tls == "IMAPS" else ports["imap"]
    control.write_text(
        _CONFIGURATION.format(
            port=port, address=address, password=PASSWORD, tls=tls, ca_file=deployment.ca_file,
            mechanism=mechanism, folder=tmp_path,
        )
    )  # fmt: skip
    control.chmod(0o600)
    return Side(tmp_path, {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"})


@pytest.fixture
def account(ports, address) -> Iterator[IMAPClient]:
    """The account from its other end."""
    with IMAPClient("127.0.0.1", ports["imap"], ssl=False) as client:
        client.login(address, PASSWORD)
        yield client


def far_contents(account: IMAPClient, name: str = "INBOX") -> dict[bytes, set[bytes]]:
    account.select_folder(name, readonly=True)
    found = account.fetch("1:*", ["BODY.PEEK[]", "FLAGS"]) if account.search() else {}
    account.unselect_folder()
    return {_without_tuid(data[b"BODY[]"]): set(data[b"FLAGS"]) for data in found.values()}


def test_both_sides_end_equal(side, account):
    for number in range(1, 6):
        account.append("INBOX", message(number), flags=[b"\\Seen"] if number == 2 else [])
    side.sync()
    assert side.contents() == {
        message(number): "S" if number == 2 else "" for number in range(1, 6)
    }

    # Changes of every kind on both sides, then one run.
    maildir = side.maildir()
    for key, found in list(maildir.items()):
        if found["Subject"] == "Message 1":
            found.set_flags("RS")
            found.set_subdir("cur")
            maildir[key] = found
        elif found["Subject"] == "Message 3":
            maildir.remove(key)
    maildir.add(mailbox.MaildirMessage(message(6).replace(b"\r\n", b"\n")))
    account.select_folder("INBOX")
    account.add_flags([4], [b"\\Flagged"])
    account.delete_messages([5])
    account.expunge()
    account.unselect_folder()
    account.append("INBOX", message(7))
    side.sync()
    expected = {1: "RS", 2: "S", 4: "F", 6: "", 7: ""}
    assert side.contents() == {message(n): flags for n, flags in expected.items()}
    letters = {"R": b"\\Answered", "S": b"\\Seen", "F": b"\\Flagged"}
    far = {text: flags - {b"\\Recent"} for text, flags in far_contents(account).items()}
    assert far == {
        message(n): {letters[letter] for letter in flags} for n, flags in expected.items()
    }

    # Nothing is left to be done.
    before = (side.contents(), far_contents(account))
    side.sync()
    assert (side.contents(), far_contents(account)) == before


def test_folders_come_and_go_on_both_sides(side, account):
    account.create_folder("Entwürfe & mehr")
    account.append("Entwürfe & mehr", message(1))
    side.sync()
    # mbsync keeps the name as rev1 has it.
    assert side.contents("Entw&APw-rfe &- mehr") == {message(1): ""}
    mailbox.Maildir(side.folder / "mail" / "Von hier", create=True).add(
        message(2).replace(b"\r\n", b"\n")
    )
    side.sync()
    assert list(far_contents(account, "Von hier")) == [message(2)]
    account.delete_folder("Von hier")
    account.select_folder("Entwürfe & mehr")
    account.delete_messages("1:*")
    account.expunge()
    account.unselect_folder()
    side.sync()
    assert side.contents("Entw&APw-rfe &- mehr") == {}


def test_much_mail_and_odd_mail_comes_over_whole(side, account):
    odd = [
        message(1, b""),
        message(2, "Grüße\r\n".encode("latin-1")),
        message(3, b"x" * 300_000 + b"\r\n"),
        message(4, b".\r\n..\r\nFrom here\r\n\r\n\r\n"),
        b"Subject: no body\r\n\r\n",
        *(message(number) for number in range(5, 150)),
    ]
    account.multiappend("INBOX", odd)
    side.sync()
    assert set(side.contents()) == set(odd)
    # All at once the other way.
    maildir = side.maildir()
    for key in list(maildir.keys()):
        maildir.remove(key)
    side.sync()
    assert far_contents(account) == {}
