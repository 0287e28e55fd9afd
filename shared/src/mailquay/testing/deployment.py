"""Services as processes of their own, on one database, bus and folder of bodies.

What a test of one service, or of a few together, runs against; the whole platform with its
supervisor is `mailquay.testing.platform`.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from mailquay.identity.passwords import PasswordHasher
from mailquay.runtime.settings import DatabaseSettings, IdentitySettings
from mailquay.standalone.certificates import LocalCertificates, make_certificates
from mailquay.standalone.processes import Child
from mailquay.store import Store
from mailquay.store.accounts import Account

__all__ = ["PASSWORD", "Deployment", "ServiceProcess"]

_T = TypeVar("_T")
#: What every account of a deployment signs in with, unless the test says otherwise.
PASSWORD: Final = "correct horse battery"  # noqa: S105  # of tests
_START_SECONDS: Final = 60
#: Hashing that costs next to nothing: the tests' passwords protect nothing.
_CHEAP: Final = {"argon2_memory_kib": 8, "argon2_time_cost": 1, "scram_iterations": 4096}
_PORTS: Final = {
    "smtp-in": ("SMTP_IN__MX_PORT", "SMTP_IN__SUBMISSION_PORT", "SMTP_IN__SUBMISSIONS_PORT",
                "SMTP_IN__LMTP_PORT"),
    "smtp-out": (),
    "imap": ("IMAP__PORT", "IMAP__TLS_PORT"),
    "pop3": ("POP3__PORT", "POP3__TLS_PORT"),
    "webmail-api": ("WEB__PORT",),
}  # fmt: skip


def _run(work: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine to its end, whether or not a loop runs in this thread."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()


class ServiceProcess:
    """One running service; ``ports`` by the listener's name, ``metrics`` among them."""

    def __init__(self, child: Child, ports: dict[str, int]) -> None:
        self.child = child
        self.ports = ports

    def stop(self, seconds: float = 5) -> None:
        """End it in good order."""
        self.child.stop(seconds)


class Deployment:
    """Where services run; everything listens on loopback, on free ports."""

    def __init__(self, folder: Path, *, database_url: str, nats_url: str) -> None:
        self.folder = folder
        self.database_url = database_url
        self.nats_url = nats_url
        self.certificates: LocalCertificates = make_certificates(
            folder / "tls", ["localhost", "127.0.0.1"]
        )
        self.services: list[ServiceProcess] = []

    @property
    def ca_file(self) -> Path:
        """What clients trust the services' certificate by."""
        return self.certificates.ca_file

    def settings(self) -> dict[str, str]:
        """The environment that services on this deployment run with."""
        values = {
            "HOSTNAME": "mail.mailquay.test",
            "DATABASE__URL": self.database_url,
            "NATS__URL": self.nats_url,
            "BLOBS__URL": f"file://{self.folder / 'blobs'}",
            "TLS__CERTIFICATE_FILE": str(self.certificates.certificate_file),
            "TLS__KEY_FILE": str(self.certificates.key_file),
            "NET__DRAIN_SECONDS": "3",
            "METRICS__PORT": "0",
            "SMTP_IN__ALLOW_PLAINTEXT_AUTH": "true",
            "IMAP__ALLOW_PLAINTEXT_AUTH": "true",
            "POP3__ALLOW_PLAINTEXT_AUTH": "true",
            "WEB__SECURE_COOKIES": "false",
            **{f"IDENTITY__{name.upper()}": str(value) for name, value in _CHEAP.items()},
        }
        return {f"MAILQUAY_{name}": value for name, value in values.items()}

    def start(self, service: str, **settings: str) -> ServiceProcess:
        """Start a service and wait until it serves.

        Args:
            service: its folder's name, such as ``smtp-in``.
            settings: more of them, as ``IMAP__POLL_SECONDS="1"``.
        """
        number = len(self.services)
        ready = self.folder / f"{service}-{number}.json"
        ready.unlink(missing_ok=True)
        ports = {f"MAILQUAY_{name}": "0" for name in _PORTS[service]}
        given = {f"MAILQUAY_{name}": value for name, value in settings.items()}
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("MAILQUAY_")}
        child = Child(
            service,
            [sys.executable, "-m", "mailquay_" + service.replace("-", "_")],
            log=self.folder / f"{service}-{number}.log",
            env={
                **inherited, **self.settings(), **ports, **given,
                "MAILQUAY_READY_FILE": str(ready),
            },
        )  # fmt: skip
        child.start()
        deadline = time.monotonic() + _START_SECONDS
        while not ready.exists():
            if not child.is_running or time.monotonic() > deadline:
                child.stop(1)
                raise RuntimeError(f"{service} did not start:\n{child.last_words()}")
            time.sleep(0.02)
        process = ServiceProcess(child, json.loads(ready.read_text())["ports"])
        self.services.append(process)
        return process

    def add_account(self, address: str, *, password: str = PASSWORD, **more: Any) -> Account:
        """Make an account, and its domain where that is missing; more as `Accounts.add` takes."""
        return _run(self._add_account(address, password, more))

    async def _add_account(self, address: str, password: str, more: dict[str, Any]) -> Account:
        store = await Store.open(DatabaseSettings.model_validate({"url": self.database_url}))
        try:
            domain = address.partition("@")[2]
            if domain not in {known.name for known in await store.accounts.list_domains()}:
                await store.accounts.add_domain(domain)
            made = PasswordHasher(IdentitySettings.model_validate(_CHEAP)).hash(password)
            return await store.accounts.add(address, made.password_hash, made.scram_sha256, **more)
        finally:
            await store.close()

    def stop(self) -> None:
        """End every service."""
        for service in self.services:
            service.child.ask_to_stop()
        for service in self.services:
            service.stop()
