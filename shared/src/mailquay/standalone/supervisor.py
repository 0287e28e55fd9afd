"""Starts everything, keeps it running, and stops it in order."""

import asyncio
import contextlib
import fcntl
import ipaddress
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mailquay.runtime.settings import DatabaseSettings
from mailquay.standalone.certificates import LocalCertificates, make_certificates
from mailquay.standalone.demo import DEMO_DOMAIN, DemoUser, make_demo
from mailquay.standalone.nats import EmbeddedNats
from mailquay.standalone.ports import SERVICES, PortPlan
from mailquay.standalone.postgres import EmbeddedPostgres
from mailquay.standalone.processes import Child, StandaloneError
from mailquay.store import Store, migrations

__all__ = ["Options", "Standalone"]

_LOG: Final = logging.getLogger(__name__)
_MODULES: Final = {name: "mailquay_" + name.replace("-", "_") for name in SERVICES}
_PORT_SETTINGS: Final = {
    "smtp": "SMTP_IN__MX_PORT",
    "submission": "SMTP_IN__SUBMISSION_PORT",
    "submissions": "SMTP_IN__SUBMISSIONS_PORT",
    "lmtp": "SMTP_IN__LMTP_PORT",
    "imap": "IMAP__PORT",
    "imaps": "IMAP__TLS_PORT",
    "pop3": "POP3__PORT",
    "pop3s": "POP3__TLS_PORT",
    "http": "WEB__PORT",
}
_START_SECONDS: Final = 60
_DRAIN_SECONDS: Final = 2.0
#: A child that dies at once again is started after longer and longer waits.
_BACKOFF: Final = (0.1, 0.5, 1, 2, 5)


@dataclass(frozen=True, slots=True)
class Options:
    """What `mailquay standalone` is told."""

    data: Path
    ports: str = "auto"
    bind: str = "127.0.0.1"
    ready_file: Path | None = None
    demo: bool = True
    workers: int = 1


@dataclass(slots=True)
class _Watched:
    child: Child
    deaths: int = 0
    started_at: float = 0.0
    start_at: float | None = None


@dataclass(slots=True)
class Running:
    """What runs, as the ready file tells it."""

    host: str
    ports: dict[str, Any]
    users: list[DemoUser]
    admin: DemoUser | None
    ca_file: Path
    database_url: str
    nats_url: str
    pids: dict[str, list[int]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The documented form: docs/operations.md."""
        people = [{"address": u.address, "password": u.password} for u in self.users]
        admin = self.admin
        return {
            "host": self.host,
            "pid": os.getpid(),
            "ports": self.ports,
            "users": people,
            "admin": None
            if admin is None
            else {"address": admin.address, "password": admin.password},
            "ca_file": str(self.ca_file),
            "database_url": self.database_url,
            "nats_url": self.nats_url,
            "pids": self.pids,
        }


class Standalone:
    """The whole platform on this machine."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._data = options.data.resolve()
        self._run = self._data / "run"
        self._logs = self._data / "logs"
        self._stop = asyncio.Event()
        self._watched: list[_Watched] = []
        self._lock: int | None = None
        self._running: Running | None = None

    def request_stop(self) -> None:
        """End everything."""
        self._stop.set()

    async def run(self, on_ready: Callable[[Running], None]) -> None:
        """Run until asked to stop.

        Raises:
            StandaloneError: it cannot start.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        self._take_data_folder()
        plan = PortPlan(self._options.ports, self._options.bind, self._data / "ports.json")
        names = self._names()
        certificates = make_certificates(self._data / "tls", names)
        postgres = EmbeddedPostgres(
            self._data / "postgres", port=plan.inner["postgres"], log=self._logs / "postgres.log"
        )
        nats = EmbeddedNats(
            self._data / "nats", port=plan.inner["nats"], log=self._logs / "nats.log"
        )
        try:
            running = await self._start(plan, certificates, postgres, nats)
            if running is None:
                return
            on_ready(running)
            await self._watch()
        finally:
            self._shut_down(postgres, nats)
            plan.close()
            if self._options.ready_file is not None:
                self._options.ready_file.unlink(missing_ok=True)
            if self._lock is not None:
                os.close(self._lock)

    def _take_data_folder(self) -> None:
        for folder in (self._data, self._run, self._logs, self._data / "blobs"):
            folder.mkdir(parents=True, exist_ok=True)
        self._data.chmod(0o755)
        self._run.chmod(0o700)
        self._lock = os.open(self._data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StandaloneError(f"another Mailquay runs on {self._data} already") from error

    def _names(self) -> list[str]:
        names = ["localhost", "127.0.0.1", "::1", f"mail.{DEMO_DOMAIN}"]
        bind = self._options.bind
        if bind not in names and not ipaddress.ip_address(bind).is_unspecified:
            names.append(bind)
        return names

    async def _start(
        self,
        plan: PortPlan,
        certificates: LocalCertificates,
        postgres: EmbeddedPostgres,
        nats: EmbeddedNats,
    ) -> Running | None:
        await asyncio.to_thread(postgres.prepare)
        nats.prepare()
        # Whoever dies is started again; the kernel ties them to this thread.
        for child in (postgres.child, nats.child):
            self._begin(child)
        await postgres.wait_ready()
        await nats.wait_ready()
        await migrations.upgrade(postgres.url())
        users: list[DemoUser] = []
        admin: DemoUser | None = None
        if self._options.demo:
            store = await Store.open(DatabaseSettings.model_validate({"url": postgres.url()}))
            try:
                users, admin = await make_demo(store, self._data / "demo.json")
            finally:
                await store.close()
        env = self._environment(plan, certificates, postgres.url(), nats.url)
        self._write_private(self._run / "environment.json", env)
        await self._start_services(plan, env)
        if self._stop.is_set():
            return None
        self._running = Running(
            host=self._options.bind,
            ports={**plan.mail, "metrics": plan.metrics},
            users=users,
            admin=admin,
            ca_file=certificates.ca_file,
            database_url=postgres.url(),
            nats_url=nats.url,
        )
        self._tell()
        return self._running

    def _tell(self) -> None:
        """Write the ready file, also when a process has another pid than before."""
        if self._running is not None and self._options.ready_file is not None:
            self._running.pids = self._pids()
            self._write_private(self._options.ready_file, self._running.as_json())

    def _pids(self) -> dict[str, list[int]]:
        pids: dict[str, list[int]] = {}
        for watched in self._watched:
            pids.setdefault(watched.child.name, []).append(watched.child.pid)
        return pids

    @staticmethod
    def _write_private(path: Path, content: object) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(content, file, indent=2)
        temporary.replace(path)

    def _environment(
        self, plan: PortPlan, certificates: LocalCertificates, database_url: str, nats_url: str
    ) -> dict[str, str]:
        """The services' settings; whatever MAILQUAY_* we were started with wins."""
        is_loopback = ipaddress.ip_address(self._options.bind).is_loopback
        trust = str(is_loopback).lower()
        settings = {
            "HOSTNAME": f"mail.{DEMO_DOMAIN}" if self._options.demo else None,
            "DATABASE__URL": database_url,
            "NATS__URL": nats_url,
            "BLOBS__URL": f"file://{self._data / 'blobs'}",
            "TLS__CERTIFICATE_FILE": str(certificates.certificate_file),
            "TLS__KEY_FILE": str(certificates.key_file),
            "NET__BIND": self._options.bind,
            "NET__DRAIN_SECONDS": str(_DRAIN_SECONDS),
            # What never leaves the machine needs no TLS; on any other address it does.
            "SMTP_IN__ALLOW_PLAINTEXT_AUTH": trust,
            "IMAP__ALLOW_PLAINTEXT_AUTH": trust,
            "POP3__ALLOW_PLAINTEXT_AUTH": trust,
            "WEB__SECURE_COOKIES": str(not is_loopback).lower(),
            **{_PORT_SETTINGS[name]: str(port) for name, port in plan.mail.items()},
        }
        ours = {f"MAILQUAY_{k}": v for k, v in settings.items() if v is not None}
        given = {k: v for k, v in os.environ.items() if k.startswith("MAILQUAY_")}
        return {**ours, **given}

    async def _start_services(self, plan: PortPlan, env: dict[str, str]) -> None:
        ready_files: dict[Path, Child] = {}
        for name in SERVICES:
            for number in range(self._options.workers):
                suffix = f"{name}-{number}" if self._options.workers > 1 else name
                ready = self._run / f"{suffix}.json"
                ready.unlink(missing_ok=True)
                child = Child(
                    name,
                    [sys.executable, "-m", _MODULES[name]],
                    log=self._logs / f"{suffix}.log",
                    env={
                        **{k: v for k, v in os.environ.items() if not k.startswith("MAILQUAY_")},
                        **env,
                        "MAILQUAY_READY_FILE": str(ready),
                        "MAILQUAY_METRICS__PORT": str(plan.metrics[name]),
                        **self._multiprocess(name),
                    },
                )
                ready_files[ready] = child
                self._begin(child)
        deadline = time.monotonic() + _START_SECONDS
        while ready_files and not self._stop.is_set():
            for path, child in list(ready_files.items()):
                if path.exists():
                    del ready_files[path]
                elif not child.is_running:
                    raise StandaloneError(f"{child.name} died:\n{child.last_words()}")
            if time.monotonic() > deadline:
                late = ", ".join(child.name for child in ready_files.values())
                raise StandaloneError(f"{late} did not start in time; see {self._logs}")
            await asyncio.sleep(0.02)

    def _multiprocess(self, name: str) -> dict[str, str]:
        """Where workers of one service add up their metrics."""
        if self._options.workers == 1:
            return {}
        folder = self._run / f"metrics-{name}"
        folder.mkdir(exist_ok=True)
        for stale in folder.glob("*.db"):
            with contextlib.suppress(OSError):
                if not self._pids().get(name):
                    stale.unlink()
        return {"PROMETHEUS_MULTIPROC_DIR": str(folder)}

    def _begin(self, child: Child) -> None:
        child.start()
        self._watched.append(_Watched(child, started_at=time.monotonic()))

    async def _watch(self) -> None:
        """Start again whatever dies."""
        while not self._stop.is_set():
            now = time.monotonic()
            for watched in self._watched:
                self._look_after(watched, now)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await self._stop.wait()

    def _look_after(self, watched: _Watched, now: float) -> None:
        child = watched.child
        if watched.start_at is not None:
            if now >= watched.start_at:
                watched.start_at = None
                watched.started_at = now
                child.start()
                self._tell()
            return
        status = child.poll()
        if status is None:
            return
        watched.deaths = watched.deaths + 1 if now - watched.started_at < 10 else 0
        wait = _BACKOFF[min(watched.deaths, len(_BACKOFF) - 1)]
        watched.start_at = now + wait
        _LOG.warning("%s ended (%s); starting it again in %s s", child.name, status, wait)

    def _shut_down(self, postgres: EmbeddedPostgres, nats: EmbeddedNats) -> None:
        """Services first, as they still have to say goodbye; then what they stand on."""
        services = [w.child for w in self._watched if w.child.name in SERVICES]
        for child in services:
            child.ask_to_stop()
        deadline = time.monotonic() + _DRAIN_SECONDS + 0.5
        for child in services:
            child.stop(max(0.05, deadline - time.monotonic()))
        nats.child.ask_to_stop()
        postgres.child.stop(1.7)
        nats.stop(0.3)
