"""Clients in IDLE and mail that flows, from outside the cluster, by `bench.rollout`."""

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tools.cluster.processes import wait_until
from tools.cluster.release import Release

from mailquay.identity.passwords import PasswordHasher
from mailquay.runtime.settings import IdentitySettings

__all__ = ["LOAD_VALUES", "MailLoad", "mail_load"]

DOMAIN: Final = "mailquay.test"
PASSWORD: Final = "correct horse battery"  # noqa: S105  # of the load alone
#: What a release is installed with that is to bear it: all clients have one address, and two cores
#: that run two nodes do not take hundreds of sign-ins within a few seconds.
LOAD_VALUES: Final[dict[str, Any]] = {
    "settings": {"net": {"max_connections_per_address": 5000, "drain_seconds": 45}},
    "imap": {"service": {"type": "LoadBalancer"}},
    "smtpIn": {"service": {"type": "LoadBalancer"}},
}
_READY_SECONDS: Final = 180
_END_SECONDS: Final = 400


@dataclass(frozen=True, slots=True)
class MailLoad:
    """A load that goes on."""

    process: "subprocess.Popen[str]"
    report_file: Path

    def end(self) -> dict[str, Any]:
        """End it; returns what became of everything, as `bench.rollout.reckoning` says it."""
        self.signal(signal.SIGTERM)
        printed, _ = self.process.communicate(timeout=_END_SECONDS)
        print(printed)
        report: dict[str, Any] = json.loads(self.report_file.read_text())
        return report

    def signal(self, number: int) -> None:
        """Signal the load itself, and not only what has entered its namespaces."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


@contextmanager
def mail_load(
    release: Release, folder: Path, *, clients: int, accounts: int, per_second: float = 10
) -> Iterator[MailLoad]:
    """Begin, once all clients are in IDLE.

    Args:
        release: installed with `LOAD_VALUES`.
        folder: for the load's own files.
        clients: how many idle, spread over so many ``accounts``.
        accounts: which are made if need be.
        per_second: messages.
    """
    addresses = [f"load{number}@{DOMAIN}" for number in range(accounts)]
    _make_accounts(release, addresses)
    listed, ca_file = folder / "accounts.json", folder / "ca.pem"
    listed.write_text(json.dumps([{"address": a, "password": PASSWORD} for a in addresses]))
    secret = release.cluster.get("secret", f"{release.name}-tls", namespace=release.namespace)
    ca_file.write_bytes(base64.b64decode(secret["data"]["ca.crt"]))
    ready, report = folder / "ready", folder / "report.json"
    command = [
        sys.executable, "-m", "bench.rollout", "--accounts", listed, "--json", report,
        "--imap", f"{release.address('imap')}:993", "--imap-tls", ca_file,
        "--name", f"mail.{DOMAIN}", "--smtp", f"{release.address('smtp-in')}:25",
        "--clients", clients, "--rate", per_second, "--ready", ready,
    ]  # fmt: skip
    words = release.cluster.outside.command(*map(str, command))
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True)
    load = MailLoad(process, report)
    try:
        wait_until(
            "clients in IDLE",
            lambda: ready.exists() or process.poll() is not None,
            seconds=_READY_SECONDS,
        )
        assert process.poll() is None, "the load has ended by itself"
        yield load
    finally:
        load.signal(signal.SIGKILL)
        process.wait()


def _make_accounts(release: Release, addresses: list[str]) -> None:
    made = PasswordHasher(IdentitySettings()).hash(PASSWORD)
    accounts = [{"address": a, "passwordHash": made.password_hash} for a in addresses]
    release.cluster.kubectl(
        "exec", "--stdin", f"--namespace={release.namespace}",
        f"deployment/{release.name}-webmail-api", "--", "mailquay", "apply", "-f", "-",
        stdin=json.dumps({"accounts": accounts}),
    )  # fmt: skip
