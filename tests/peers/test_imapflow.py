"""imapflow, of Node.js: download, change, move, search, IDLE, CONDSTORE and QRESYNC."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailquay.testing.deployment import PASSWORD

_FOLDER = Path(__file__).parent / "imapflow"
_NODE = _FOLDER.parents[2] / ".cache" / "node" / "node"

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(
        not (_FOLDER / "node_modules" / "imapflow").exists(),
        reason="imapflow is not installed: run `tools/setup peers`",
    ),
]


class Imapflow:
    """A session of imapflow, in a process of its own."""

    def __init__(self, address: str, port: int, ca_file: Path) -> None:
        path = os.pathsep.join((str(_NODE), os.environ["PATH"]))
        node = shutil.which("node", path=path)
        assert node is not None, "there is no Node.js"
        given = {"port": port, "address": address, "password": PASSWORD, "caFile": str(ca_file)}
        self._process = subprocess.Popen(
            [node, "session.mjs", json.dumps(given)], cwd=_FOLDER, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._line() == "ready"

    def _line(self) -> Any:
        return json.loads(self._process.stdout.readline())

    def begin(self, action: str, **given: object) -> None:
        """Ask for something."""
        self._process.stdin.write(json.dumps({"action": action, **given}) + "\n")
        self._process.stdin.flush()

    def end(self) -> Any:
        """What came of it."""
        answer = self._line()
        assert "error" not in answer, answer
        return answer["result"]

    def ask(self, action: str, **given: object) -> Any:
        self.begin(action, **given)
        return self.end()

    def close(self) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.terminate()
        self._process.wait(20)


@pytest.fixture
def flow(deployment, account) -> Iterator[Imapflow]:
    session = Imapflow(account.address, account.ports["imaps"], deployment.ca_file)
    yield session
    session.close()


def downloaded(flow: Imapflow) -> dict[bytes, frozenset[str]]:
    return {
        base64.b64decode(text): frozenset(flags) - {"\\Recent"}
        for text, flags in flow.ask("download")
    }


def test_it_sees_mailboxes_of_any_name_and_use(flow, account):
    assert flow.ask("enabled") == ["CONDSTORE", "IMAP4REV2", "QRESYNC", "UTF8=ACCEPT"]
    assert ["Trash", "\\Trash"] in flow.ask("list")
    assert flow.ask("create", name="Ablage/日本語 & mehr")
    assert "Ablage/日本語 & mehr" in account.names()
    assert flow.ask("rename", name="Ablage/日本語 & mehr", to="नया") == "नया"
    assert account.names() >= {"नया"}
    assert flow.ask("remove", name="नया") == "नया"
    assert "नया" not in account.names()


def test_it_downloads_and_changes(flow, account, message):
    account.append("INBOX", *range(1, 501))
    opened = flow.ask("open", name="INBOX")
    assert (opened["exists"], opened["uidNext"]) == (500, 501)
    assert downloaded(flow) == account.contents()
    assert flow.ask("search", query={"from": "ann@example.net", "uid": "490:*"}) == [
        *range(490, 501)
    ]
    assert flow.ask("add", uids="1:100", flags=["\\Flagged", "$Forwarded"])
    assert flow.ask("move", uids="101:150", to="Archive") == {
        str(uid): uid - 100 for uid in range(101, 151)
    }
    assert flow.ask("copy", uids="1:3", to="Archive") == {"1": 51, "2": 52, "3": 53}
    assert flow.ask("delete", uids="200:299")
    text = base64.b64encode(message(900)).decode()
    assert flow.ask("append", name="INBOX", text=text, flags=["\\Seen"]) == 501
    found = downloaded(flow)
    assert len(found) == 500 - 50 - 100 + 1
    assert found == account.contents()
    assert flow.ask("status", name="Archive")["messages"] == 53
    assert flow.ask("logout")


def test_it_hears_and_comes_back_to_what_has_changed(flow, account):
    account.append("INBOX", 1, 2, 3)
    since = flow.ask("open", name="INBOX")["modseq"]
    flow.begin("hear", kind="exists")
    account.append("INBOX", 4)
    assert {"exists": 4} in flow.end()
    account.change_flags("INBOX", range(2, 3), add="\\Answered")
    changed = dict(flow.ask("changed", since=since))
    assert "\\Answered" in changed[2]
    assert changed.keys() == {2, 4}
    flow.begin("hear", kind="expunge")
    account.expunge("INBOX", 1)
    assert any("expunge" in event for event in flow.end())
