"""What `mailquay standalone` is told holds; what cannot be is refused in a sentence."""

import http.client
import imaplib
import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailquay.standalone.ports import METRICS, SERVICES, STANDARD
from mailquay.testing.platform import RunningPlatform, start_platform
from mailquay.testing.ports import free_port

PATIENCE_SECONDS = 60


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., RunningPlatform]]:
    """Starts a platform with more arguments, and stops it."""
    running: list[RunningPlatform] = []

    def start(*arguments: str) -> RunningPlatform:
        running.append(start_platform(tmp_path / "data", *arguments))
        return running[-1]

    yield start
    for platform in running:
        platform.stop()


def refusal(*arguments: str) -> str:
    """What standalone says when it does not start; 69 is EX_UNAVAILABLE."""
    command = [sys.executable, "-m", "mailquay.cli", "standalone", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 69, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def free_base() -> int:
    """A number that may be added to every port that there is."""
    every = [*STANDARD.values(), *METRICS.values()]
    while True:
        base = free_port() - STANDARD["smtp"]
        if base + max(every) > 65535:
            continue
        try:
            for port in every:
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", base + port))
        except OSError:
            continue
        return base


def test_ready_file_says_how_to_connect(started):
    running = started()
    facts = running.facts
    assert set(facts) == {
        "host", "pid", "ports", "users", "admin", "ca_file", "database_url", "nats_url", "pids",
    }  # fmt: skip
    assert set(facts["ports"]) == {*STANDARD, "metrics"}
    assert set(facts["ports"]["metrics"]) == set(SERVICES)
    assert facts["pid"] == running.process.pid
    assert all(set(user) == {"address", "password"} for user in [*facts["users"], facts["admin"]])
    assert running.ready_file.stat().st_mode & 0o077 == 0, "there are passwords in it"
    assert Path(facts["ca_file"]).read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert running.data.stat().st_mode & 0o077 == 0


def test_base_is_added_to_every_standard_port(started):
    base = free_base()
    ports = started("--ports", str(base)).facts["ports"]
    assert ports == {
        **{name: base + port for name, port in STANDARD.items()},
        "metrics": {name: base + port for name, port in METRICS.items()},
    }
    with smtplib.SMTP("127.0.0.1", ports["smtp"]) as client:
        assert client.noop()[0] == 250


def test_without_demo_there_is_nobody(started):
    facts = started("--no-demo").facts
    assert facts["users"] == []
    assert facts["admin"] is None


def test_bind_moves_mail_and_leaves_metrics_on_loopback(started):
    facts = started("--bind", "127.0.0.2").facts
    assert facts["host"] == "127.0.0.2"
    imaplib.IMAP4("127.0.0.2", facts["ports"]["imap"]).logout()
    with pytest.raises(ConnectionRefusedError):
        imaplib.IMAP4("127.0.0.1", facts["ports"]["imap"])
    connection = http.client.HTTPConnection("127.0.0.1", facts["ports"]["metrics"]["imap"])
    connection.request("GET", "/readyz")
    assert connection.getresponse().status == 200
    connection.close()


def test_workers_share_their_ports_and_one_that_dies_is_replaced(started):
    running = started("--workers", "2")
    pids = running.facts["pids"]
    assert {name: len(pids[name]) for name in SERVICES} == dict.fromkeys(SERVICES, 2)

    os.kill(pids["imap"][0], signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while running.facts["pids"]["imap"][0] == pids["imap"][0]:
        assert time.monotonic() < deadline, "the worker was not replaced"
        time.sleep(0.05)
    assert running.facts["pids"]["imap"][1] == pids["imap"][1]
    imaplib.IMAP4("127.0.0.1", running.facts["ports"]["imap"]).logout()


def test_second_start_on_one_folder_is_refused(started):
    running = started()
    assert "another Mailquay runs on" in refusal("--data", str(running.data))
    assert running.ready_file.exists(), "the first one is not disturbed"


def test_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    told = refusal("--data", str(tmp_path / "file" / "data"))
    assert str(tmp_path / "file") in told
    assert "--data" in told


def test_ready_file_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    ready_file = tmp_path / "file" / "ready.json"
    told = refusal("--data", str(tmp_path / "data"), "--ready-file", str(ready_file))
    assert f"--ready-file {ready_file}: " in told


def test_port_that_is_taken_is_told(tmp_path):
    base = free_base()
    with socket.socket() as other:
        other.bind(("127.0.0.1", base + STANDARD["imap"]))
        other.listen()
        told = refusal("--data", str(tmp_path / "data"), "--ports", str(base))
    assert f"port {base + STANDARD['imap']} (imap) is taken" in told


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--bind", "localhost", "give an IP address"),
        ("--bind", "192.0.2.1", "this machine has no such address"),
        ("--ports", "many", "give auto, standard, or a number"),
        ("--ports", "65000", "give auto, standard, or a number"),
    ],
)
def test_what_makes_no_sense_is_told(tmp_path, option, value, told):
    assert told in refusal("--data", str(tmp_path / "data"), option, value)


def test_what_is_wrong_is_json_when_json_is_asked_for(tmp_path):
    told = refusal("--data", str(tmp_path / "data"), "--bind", "localhost", "--json")
    assert json.loads(told)["error"] == "unavailable"
