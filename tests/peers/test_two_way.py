"""mbsync and offlineimap: 5,000 messages in step with a Maildir, whatever changes on which side."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from imapclient.imap_utf7 import encode

from mailquay.testing.deployment import PASSWORD

pytestmark = [pytest.mark.peers, pytest.mark.timeout(300)]

#: How many messages each mailbox begins with: 5,000 in all.
MAILBOXES = {"INBOX": 4_000, "日本語 & mehr": 600, "Ablage/2026/Ελληνικά": 400}
_LETTERS = {"D": "\\Draft", "F": "\\Flagged", "R": "\\Answered", "S": "\\Seen"}
#: What a client adds, to find again what it has stored.
_MARKS = (b"X-TUID: ", b"X-OfflineIMAP: ")

_MBSYNC = """
IMAPAccount account
Host localhost
Port {port}
User {address}
Pass "{password}"
SSLType IMAPS
SystemCertificates no
CertificateFile {ca_file}
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
Patterns *
Create Both
Remove Both
Expunge Both
SyncState {folder}/state/
"""
_OFFLINEIMAP = """
[general]
accounts = account
metadata = {folder}/state
fsync = no

[Account account]
localrepository = near
remoterepository = far
maxsyncaccounts = 1

[Repository near]
type = Maildir
localfolders = {folder}/mail
sep = /

[Repository far]
type = IMAP
remotehost = localhost
remoteport = {port}
remoteuser = {address}
remotepass = {password}
ssl = yes
sslcacertfile = {ca_file}
maxconnections = 2
folderfilter = lambda name: True
"""


@dataclass
class Near:
    """A folder of Maildirs, and what keeps it in step with an account."""

    folder: Path
    command: list[str]

    def sync(self) -> None:
        environment = {"HOME": str(self.folder), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        done = subprocess.run(
            self.command, capture_output=True, text=True, timeout=200, check=False, env=environment
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        assert "ERROR" not in said, said

    def maildir(self, name: str) -> Path:
        """The Maildir of a mailbox: both clients keep the name as IMAP4rev1 has it."""
        return self.folder / "mail" / rev1_name(name)

    def create(self, name: str) -> None:
        for part in ("cur", "new", "tmp"):
            (self.maildir(name) / part).mkdir(parents=True)

    def files(self, name: str) -> list[Path]:
        folder = self.maildir(name)
        return sorted([*folder.glob("cur/*"), *folder.glob("new/*")])

    def add(self, name: str, text: bytes, letters: str = "") -> None:
        target = self.maildir(name) / "cur" / f"{abs(hash(text))}.1.here:2,{letters}"
        target.write_bytes(text.replace(b"\r\n", b"\n"))

    def names(self) -> set[str]:
        mail = self.folder / "mail"
        return {str(cur.parent.relative_to(mail)) for cur in mail.glob("**/cur")}

    def contents(self, name: str) -> dict[bytes, frozenset[str]]:
        found = {}
        for file in self.files(name):
            letters = file.name.rpartition(":2,")[2] if ":2," in file.name else ""
            raw = file.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            found[unmarked(raw)] = frozenset(
                _LETTERS[letter] for letter in letters if letter in _LETTERS
            )
        return found


def rev1_name(name: str) -> str:
    """A name as IMAP4rev1 has it (RFC 3501 §5.1.3)."""
    return encode(name).decode()


def unmarked(raw: bytes) -> bytes:
    return b"\r\n".join(line for line in raw.split(b"\r\n") if not line.startswith(_MARKS))


@pytest.fixture(params=["mbsync", "offlineimap"])
def near(request, deployment, account, tmp_path) -> Near:
    name = request.param
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    (tmp_path / "mail").mkdir()
    (tmp_path / "state").mkdir()
    control = tmp_path / f"{name}rc"
    control.write_text(
        {"mbsync": _MBSYNC, "offlineimap": _OFFLINEIMAP}[name].format(
            port=account.ports["imaps"], address=account.address, password=PASSWORD,
            ca_file=deployment.ca_file, folder=tmp_path,
        )
    )  # fmt: skip
    control.chmod(0o600)
    options = ["-V", "-c", str(control), "all"]
    if name == "offlineimap":
        options = ["-o", "-u", "basic", "-c", str(control)]
    return Near(tmp_path, [name, *options])


@pytest.fixture
def same(account, near) -> Callable[[], dict[str, dict[bytes, frozenset[str]]]]:
    """Compares both sides by bytes; returns what both have."""

    def compare() -> dict[str, dict[bytes, frozenset[str]]]:
        far = {
            name: {unmarked(raw): flags for raw, flags in contents.items()}
            for name, contents in account.everything().items()
        }
        assert near.names() == {rev1_name(name) for name in far}
        for name, contents in far.items():
            assert near.contents(name) == contents, name
        return far

    return compare


def test_5000_messages_end_equal_on_both_sides(account, near, same, message):
    start = 1
    for name, count in MAILBOXES.items():
        if name != "INBOX":
            account.client.create_folder(name)
        account.append(name, *range(start, start + count))
        start += count
    near.sync()
    found = same()
    assert {name: len(found[name]) for name in MAILBOXES} == MAILBOXES

    # Far: flags, a move, mail removed, new mail, a mailbox renamed, one new in another script.
    account.change_flags("INBOX", range(1, 200), add="\\Seen", remove="\\Flagged")
    account.expunge("INBOX", *range(200, 300))
    account.move("INBOX", "日本語 & mehr", *range(300, 350))
    account.append("INBOX", *range(6_000, 6_100))
    account.client.create_folder("עברית")
    account.append("עברית", 6_500)
    # Near: flags, mail removed, new mail, a mailbox new in another script.
    by_number = {
        int(file.read_bytes().partition(b"\nMessage-ID: <")[2].partition(b"@")[0]): file
        for file in near.files("INBOX")
    }
    for number in range(1_000, 1_100):
        file = by_number[number]
        file.rename(file.parent.parent / "cur" / (file.name.partition(":")[0] + ":2,FS"))
    for number in range(1_100, 1_200):
        by_number[number].unlink()
    for number in range(7_000, 7_050):
        near.add("INBOX", message(number), "RS")
    near.create("Ablage/नया")
    near.add("Ablage/नया", message(7_500), "F")
    near.sync()
    near.sync()
    found = same()
    assert len(found["INBOX"]) == 4_000 - 100 - 50 + 100 - 100 + 50
    assert len(found["日本語 & mehr"]) == 650
    assert found["עברית"].keys() == {message(6_500)}
    assert found["Ablage/नया"] == {message(7_500): {"\\Flagged"}}
    assert found["INBOX"][message(1_005)] == {"\\Flagged", "\\Seen"}
    assert found["INBOX"][message(2)] == {"\\Seen"}
    assert found["INBOX"][message(7_001)] == {"\\Answered", "\\Seen"}
    near.sync()
    assert same() == found


def test_a_renamed_mailbox_comes_over_whole(account, near, same, message):
    """Neither client knows of renaming: what has the old name goes by hand."""
    account.client.create_folder("Alt")
    account.append("Alt", 1, 2)
    near.sync()
    account.client.rename_folder("Alt", "Neu/日本語")
    shutil.rmtree(near.maildir("Alt"))
    for _ in range(2):
        near.sync()
    found = same()
    assert found["Neu/日本語"].keys() == {message(1), message(2)}
