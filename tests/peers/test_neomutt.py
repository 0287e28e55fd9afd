"""neomutt in a terminal: opens, flags, deletes, saves, copies and comes back by QRESYNC."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailquay.testing.deployment import PASSWORD

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(
        shutil.which("neomutt") is None or shutil.which("tmux") is None,
        reason="neomutt or tmux is not installed",
    ),
]
_SECONDS = 30
_CONFIGURATION = """
set folder = "imaps://localhost:{port}/"
set spoolfile = "+INBOX"
set imap_user = "{address}"
set imap_pass = "{password}"
set certificate_file = "{ca_file}"
set ssl_verify_dates = yes
set header_cache = "{folder}/cache"
set imap_condstore = yes
set imap_qresync = yes
set imap_idle = yes
set record = "+Sent"
set trash = ""
set delete = yes
set move = no
set confirmappend = no
set confirmcreate = no
set sort = mailbox-order
set quit = yes
set timeout = 1
set mail_check = 1
set wait_key = no
set use_threads = no
set index_format = "%C %Z %s"
set status_format = "==%f [%m msgs]=="
"""


class Neomutt:
    """A neomutt in a tmux of its own; keys go in, the screen comes out."""

    def __init__(self, folder: Path, control: Path) -> None:
        self._tmux = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null"]
        environment = {
            "HOME": str(folder), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "screen",
        }  # fmt: skip
        subprocess.run(
            [*self._tmux, "new-session", "-d", "-x", "150", "-y", "50",
             "neomutt", "-n", "-F", str(control)],
            check=True, env=environment, timeout=20,
        )  # fmt: skip

    def screen(self) -> str:
        done = subprocess.run(
            [*self._tmux, "capture-pane", "-p"], capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.stdout

    def wait(self, is_so: Callable[[str], bool]) -> str:
        """The screen once it shows that."""
        deadline = time.monotonic() + _SECONDS
        while not is_so(screen := self.screen()):
            assert time.monotonic() < deadline, screen
            time.sleep(0.05)
        return screen

    def see(self, text: str) -> str:
        return self.wait(lambda screen: text in screen)

    def keys(self, *keys: str) -> None:
        subprocess.run([*self._tmux, "send-keys", *keys], check=True, timeout=20)

    def ended(self) -> bool:
        done = subprocess.run([*self._tmux, "has-session"], capture_output=True, check=False)
        return done.returncode != 0

    def close(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, check=False)


@pytest.fixture
def start(deployment, account, tmp_path) -> Iterator[Callable[[], Neomutt]]:
    control = tmp_path / "neomuttrc"
    control.write_text(
        _CONFIGURATION.format(
            port=account.ports["imaps"], address=account.address, password=PASSWORD,
            ca_file=deployment.ca_file, folder=tmp_path,
        )
    )  # fmt: skip
    (tmp_path / "cache").mkdir()
    started: list[Neomutt] = []

    def run() -> Neomutt:
        started.append(Neomutt(tmp_path, control))
        return started[-1]

    yield run
    for one in started:
        one.close()


def eventually(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def leave(neomutt: Neomutt) -> None:
    neomutt.keys("q")
    eventually(neomutt.ended)


def test_a_session_and_the_way_back(start, account, message):
    account.append("INBOX", *range(1, 201))
    neomutt = start()
    neomutt.see("INBOX [200 msgs]")
    # To the first: flagged, then the second deleted, the third saved elsewhere.
    neomutt.keys("=", "F")
    neomutt.keys("2", "Enter", "d")
    neomutt.keys("3", "Enter", "s")
    neomutt.see("Save to mailbox")
    neomutt.keys("C-u", "=Archive", "Enter")
    eventually(lambda: len(account.contents("Archive")) == 1)
    neomutt.keys("$")
    neomutt.see("INBOX [198 msgs]")
    found = account.contents()
    assert "\\Flagged" in found[message(1)]
    assert not found.keys() & {message(2), message(3)}
    assert account.contents("Archive").keys() == {message(3)}
    # News come without a key.
    account.append("INBOX", 500)
    neomutt.see("INBOX [199 msgs]")
    # A mailbox in another script.
    account.client.create_folder("Ελληνικά")
    account.append("Ελληνικά", 600)
    neomutt.keys("c")
    neomutt.see("Open mailbox")
    neomutt.keys("C-u", "=Ελληνικά", "Enter")
    neomutt.see("[1 msgs]")
    leave(neomutt)

    # While it is away: what goes and what changes is what it shows when it comes back.
    account.expunge("INBOX", *range(100, 120))
    account.append("INBOX", 501)
    neomutt = start()
    screen = neomutt.see("INBOX [180 msgs]")
    assert "Message" in screen
    neomutt.keys("*")
    neomutt.see("Message 501")
    leave(neomutt)
    found = account.contents()
    assert found.keys() >= {message(500), message(501)}
    assert len(found) == 180
