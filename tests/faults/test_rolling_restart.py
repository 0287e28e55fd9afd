"""Services are replaced one after the other under load: every client is told, nothing is lost."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mailquay.testing.deployment import PASSWORD, Deployment, ServiceProcess

ACCOUNTS = 6
CLIENTS = 60
PATIENCE_SECONDS = 60
#: The ports that processes of a service share.
SHARED = {
    "imap": {"IMAP__PORT": "imap", "IMAP__TLS_PORT": "imaps"},
    "smtp-in": {"SMTP_IN__MX_PORT": "smtp", "SMTP_IN__LMTP_PORT": "lmtp"},
    "smtp-out": {},
    "pop3": {"POP3__PORT": "pop3"},
    "webmail-api": {"WEB__PORT": "http"},
}

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


def start_beside(deployment: Deployment, service: str, first: ServiceProcess) -> ServiceProcess:
    """Another process on the same ports."""
    ports = {name: str(first.ports[port]) for name, port in SHARED[service].items()}
    return deployment.start(service, **ports)


@pytest.fixture
def running(deployment: Deployment) -> dict[str, list[ServiceProcess]]:
    """Two processes of each service, which share their ports."""
    both = {}
    for service in SHARED:
        first = deployment.start(service)
        both[service] = [first, start_beside(deployment, service, first)]
    return both


@pytest.fixture
def load(
    deployment: Deployment, running: dict[str, list[ServiceProcess]], tmp_path: Path
) -> Iterator[Callable[[], dict[str, Any]]]:
    """Clients in IDLE and mail that flows; ends it, and returns the report."""
    accounts = [f"user{number}@rolling.test" for number in range(ACCOUNTS)]
    for address in accounts:
        deployment.add_account(address)
    listed = tmp_path / "accounts.json"
    listed.write_text(json.dumps([{"address": a, "password": PASSWORD} for a in accounts]))
    ports = {**running["imap"][0].ports, **running["smtp-in"][0].ports}
    command = [
        sys.executable, "-m", "bench.rollout", "--clients", str(CLIENTS), "--rate", "20",
        "--imap", f"127.0.0.1:{ports['imap']}", "--smtp", f"127.0.0.1:{ports['smtp']}",
        "--accounts", str(listed), "--connections", "4", "--per-connection", "10",
        "--ready", str(tmp_path / "ready"), "--json", str(tmp_path / "report.json"),
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2])
    try:
        until(lambda: (tmp_path / "ready").exists() or process.poll() is not None)
        assert process.poll() is None

        def end() -> dict[str, Any]:
            process.terminate()
            process.wait(PATIENCE_SECONDS)
            report: dict[str, Any] = json.loads((tmp_path / "report.json").read_text())
            return report

        yield end
    finally:
        process.kill()
        process.wait(10)


def test_a_rolling_restart_loses_nothing_and_every_client_is_back(
    deployment: Deployment,
    running: dict[str, list[ServiceProcess]],
    load: Callable[[], dict[str, Any]],
) -> None:
    for service, processes in running.items():
        for old in processes:
            replacement = start_beside(deployment, service, old)
            old.child.ask_to_stop()
            until(lambda old=old: not old.child.is_running)
            assert old.child.poll() == 0, old.child.last_words()
            assert "not everything was finished" not in old.child.last_words()
            assert replacement.child.is_running
    report = load()
    mail, clients = report["mail"], report["clients"]
    assert report["holds"], report
    assert mail["acknowledged"] == mail["sent"] > 0
    assert clients["sent_away"] >= CLIENTS, "each was on a process that went"
    assert clients["with_bye"] == clients["sent_away"]
    assert set(mail["troubles"]) <= {"421 4.3.2"}, "a sender is never cut off without a word"
