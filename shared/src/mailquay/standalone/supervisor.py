"""Starts everything, keeps it running, and stops it in order."""

import asyncio
import contextlib
import fcntl
import ipaddress
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mailquay.net.bind import reached_at
from mailquay.runtime.settings import DatabaseSettings, SettingsError, load_settings
from mailquay.standalone.certificates import LocalCertificates, make_certificates
from mailquay.standalone.demo import DEMO_DOMAIN, DemoUser, make_demo
from mailquay.standalone.files import write_whole
from mailquay.standalone.nats import EmbeddedNats
from mailquay.standalone.ports import LOOPBACK, SERVICES, PortPlan
from mailquay.standalone.postgres import EmbeddedPostgres
from mailquay.standalone.processes import Child, StandaloneError
from mailquay.standalone.ready import Running
from mailquay.standalone.schedule import run_regularly
from mailquay.standalone.watching import Watch
from mailquay.store import Store, migrations

__all__ = ["Options", "Standalone"]

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
#: All of it together is to take less than five seconds: services, then what they stand on.
_DRAIN_SECONDS: Final = 2.0
_SERVICES_STOP_SECONDS: Final = 2.5
_POSTGRES_STOP_SECONDS: Final = 1.7
_NATS_STOP_SECONDS: Final = 0.3


@dataclass(frozen=True, slots=True)
class Options:
    """What `mailquay standalone` is told."""

    data: Path
    ports: str = "auto"
    bind: str = LOOPBACK
    ready_file: Path | None = None
    demo: bool = True
    workers: int = 1


class Standalone:
    """The whole platform on this machine."""

    def __init__(self, options: Options, tell: Callable[[str], None] = lambda _text: None) -> None:
        """Take the options; ``tell`` is told what is under way while it starts.

        Raises:
            StandaloneError: ``bind`` is no address, or the environment's settings are wrong.
        """
        try:
            self._settings = load_settings()
        except SettingsError as error:
            raise StandaloneError(str(error)) from error
        try:
            self._bind = ipaddress.ip_address(options.bind)
        except ValueError as error:
            raise StandaloneError(
                f"--bind {options.bind}: give an IP address, such as 127.0.0.1 or 0.0.0.0"
            ) from error
        self._options = options
        self._tell = tell
        self._data = options.data.resolve()
        self._run = self._data / "run"
        self._logs = self._data / "logs"
        self._stop = asyncio.Event()
        self._watch = Watch()
        self._running: Running | None = None

    async def run(self, on_ready: Callable[[Running], None]) -> None:
        """Run until SIGINT or SIGTERM.

        Raises:
            StandaloneError: it cannot start.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        with self._data_folder():
            plan = PortPlan(self._options.ports, self._options.bind, self._data / "ports.json")
            with contextlib.closing(plan):
                await self._run_on(plan, on_ready)

    @contextlib.contextmanager
    def _data_folder(self) -> Iterator[None]:
        """Make the folders, and hold the lock on them for as long as we run."""
        lock: int | None = None
        try:
            self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self._run, self._logs, self._data / "blobs"):
                folder.mkdir(mode=0o700, exist_ok=True)
            lock = os.open(self._data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StandaloneError(f"another Mailquay runs on {self._data} already") from error
        except OSError as error:
            raise StandaloneError(
                f"cannot write to {error.filename}: {error.strerror}; choose another folder by "
                "--data, or run it as the user who owns this one"
            ) from error
        try:
            self._clear_ready_file()
            yield
        finally:
            if self._options.ready_file is not None:
                with contextlib.suppress(OSError):
                    self._options.ready_file.unlink(missing_ok=True)
            os.close(lock)

    def _clear_ready_file(self) -> None:
        """Remove the ready file, also that of a platform that was killed; see that it can be made.

        Raises:
            StandaloneError: it cannot.
        """
        path = self._options.ready_file
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            with tempfile.TemporaryFile(dir=path.parent):
                pass
        except OSError as error:
            raise StandaloneError(f"--ready-file {path}: {error.strerror}") from error

    async def _run_on(self, plan: PortPlan, on_ready: Callable[[Running], None]) -> None:
        postgres = EmbeddedPostgres(
            self._data / "postgres", port=plan.inner["postgres"], log=self._logs / "postgres.log"
        )
        nats = EmbeddedNats(
            self._data / "nats", port=plan.inner["nats"], log=self._logs / "nats.log"
        )
        starting = asyncio.create_task(self._start(plan, postgres, nats))
        stopping = asyncio.create_task(self._stop.wait())
        cleaning: asyncio.Task[None] | None = None
        try:
            await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                self._running = starting.result()
                self._write_ready()
                on_ready(self._running)
                cleaning = asyncio.create_task(self._clean_up())
                await self._watch.run(
                    self._stop, on_death=self._forget_metrics, on_start=self._write_ready
                )
        finally:
            tasks = [task for task in (starting, stopping, cleaning) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            # Services first, as they still have to say goodbye; then what they stand on.
            self._watch.stop(SERVICES, _SERVICES_STOP_SECONDS)
            postgres.stop(_POSTGRES_STOP_SECONDS)
            nats.child.stop(_NATS_STOP_SECONDS)

    async def _start(
        self, plan: PortPlan, postgres: EmbeddedPostgres, nats: EmbeddedNats
    ) -> Running:
        certificates = make_certificates(self._data / "tls", self._names())
        self._tell("Starting Postgres and NATS …")
        await asyncio.to_thread(postgres.prepare)
        nats.prepare()
        for child in (postgres.child, nats.child):
            self._watch.begin(child)
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
        write_whole(self._run / "environment.json", json.dumps(env, indent=2) + "\n")
        self._tell("Starting the services …")
        await self._start_services(plan, env)
        return Running(
            host=reached_at(self._options.bind),
            ports={**plan.mail, "metrics": plan.metrics},
            users=users,
            admin=admin,
            ca_file=certificates.ca_file,
            database_url=postgres.url(),
            nats_url=nats.url,
        )

    def _names(self) -> list[str]:
        """The names and addresses that the certificate is for."""
        names = ["localhost", LOOPBACK, "::1", f"mail.{DEMO_DOMAIN}"]
        if str(self._bind) not in names and not self._bind.is_unspecified:
            names.append(str(self._bind))
        return names

    def _environment(
        self, plan: PortPlan, certificates: LocalCertificates, database_url: str, nats_url: str
    ) -> dict[str, str]:
        """The services' settings; whatever MAILQUAY_* we were started with wins."""
        trust = str(self._bind.is_loopback).lower()
        settings = {
            "HOSTNAME": f"mail.{DEMO_DOMAIN}" if self._options.demo else None,
            "DATABASE__URL": database_url,
            "NATS__URL": nats_url,
            "BLOBS__URL": f"file://{self._data / 'blobs'}",
            "TLS__CERTIFICATE_FILE": str(certificates.certificate_file),
            "TLS__KEY_FILE": str(certificates.key_file),
            "NET__BIND": self._options.bind,
            "NET__DRAIN_SECONDS": str(_DRAIN_SECONDS),
            "METRICS__BIND": LOOPBACK,
            # What never leaves the machine needs no TLS; on any other address it does.
            "SMTP_IN__ALLOW_PLAINTEXT_AUTH": trust,
            "IMAP__ALLOW_PLAINTEXT_AUTH": trust,
            "POP3__ALLOW_PLAINTEXT_AUTH": trust,
            "WEB__SECURE_COOKIES": str(not self._bind.is_loopback).lower(),
            **{_PORT_SETTINGS[name]: str(port) for name, port in plan.mail.items()},
        }
        ours = {f"MAILQUAY_{k}": v for k, v in settings.items() if v is not None}
        given = {k: v for k, v in os.environ.items() if k.startswith("MAILQUAY_")}
        return {**ours, **given}

    async def _start_services(self, plan: PortPlan, env: dict[str, str]) -> None:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("MAILQUAY_")}
        waiting: dict[Path, Child] = {}
        for name in SERVICES:
            more = self._multiprocess(name)
            for number in range(self._options.workers):
                suffix = f"{name}-{number}" if self._options.workers > 1 else name
                ready = self._run / f"{suffix}.json"
                ready.unlink(missing_ok=True)
                own = {
                    "MAILQUAY_READY_FILE": str(ready),
                    "MAILQUAY_METRICS__PORT": str(plan.metrics[name]),
                }
                child = Child(
                    name,
                    [sys.executable, "-m", "mailquay_" + name.replace("-", "_")],
                    log=self._logs / f"{suffix}.log",
                    env={**inherited, **env, **own, **more},
                )
                waiting[ready] = child
                self._watch.begin(child)
        await self._wait_for(waiting)

    async def _wait_for(self, waiting: dict[Path, Child]) -> None:
        """Wait until each service has written its file."""
        deadline = time.monotonic() + _START_SECONDS
        while waiting:
            for path, child in list(waiting.items()):
                if path.exists():
                    del waiting[path]
                elif not child.is_running:
                    raise StandaloneError(f"{child.name} died:\n{child.last_words()}")
            if time.monotonic() > deadline:
                late = ", ".join(child.name for child in waiting.values())
                raise StandaloneError(f"{late} did not start in time; see {self._logs}")
            await asyncio.sleep(0.02)

    async def _clean_up(self) -> None:
        settings = json.loads((self._run / "environment.json").read_text())
        env = {**os.environ, **settings}
        await asyncio.gather(
            run_regularly(
                ["blobs", "collect"],
                env=env,
                interval_seconds=self._settings.blobs.collect_interval_seconds,
                log=self._logs / "collection.log",
            ),
            run_regularly(
                ["trim"],
                env=env,
                interval_seconds=self._settings.retention.trim_interval_seconds,
                log=self._logs / "trimming.log",
            ),
        )

    def _write_ready(self) -> None:
        """Write the ready file, also when a process has another pid than before."""
        if self._running is not None and self._options.ready_file is not None:
            self._running.pids = self._watch.pids()
            self._running.write(self._options.ready_file)

    def _metrics_folder(self, name: str) -> Path:
        return self._run / f"metrics-{name}"

    def _multiprocess(self, name: str) -> dict[str, str]:
        """Where workers of one service add up their metrics."""
        if self._options.workers == 1:
            return {}
        folder = self._metrics_folder(name)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return {"PROMETHEUS_MULTIPROC_DIR": str(folder)}

    def _forget_metrics(self, name: str, pid: int) -> None:
        """What a worker that died had open is open no more; what it has counted still counts."""
        for path in self._metrics_folder(name).glob(f"gauge_live*_{pid}.db"):
            path.unlink(missing_ok=True)
