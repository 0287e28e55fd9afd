"""Child processes: started with their logs in a file, ended with their parent, never left over."""

import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from mailquay.standalone import launch

__all__ = ["Child", "StandaloneError", "User", "popen_identity", "service_user"]

#: A log that is larger is begun anew at the next start; the old one is kept beside it.
LOG_MAX_BYTES = 32 * 1024 * 1024


class StandaloneError(Exception):
    """The platform cannot start; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class User:
    """A user to run as."""

    uid: int
    gid: int


def service_user(folder: Path) -> User | None:
    """Whom Postgres runs as: None for ourselves, who are not root, else whoever owns the folder.

    Postgres refuses root, so that a fault of its own is not root's.
    """
    if os.geteuid() != 0:
        return None
    if folder.exists() and (stat := folder.stat()).st_uid != 0:
        return User(stat.st_uid, stat.st_gid)
    entry = pwd.getpwnam("nobody")
    return User(entry.pw_uid, entry.pw_gid)


def popen_identity(user: User | None) -> dict[str, Any]:
    """What `subprocess` is told to run a program as ``user``."""
    if user is None:
        return {}
    return {"user": user.uid, "group": user.gid, "extra_groups": []}


class Child:
    """One process that we started; what it says goes to its log, or with none to ours."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path | None,
        env: Mapping[str, str] | None = None,
        user: User | None = None,
        pass_fds: Sequence[int] = (),
        stop_signal: int = signal.SIGTERM,
    ) -> None:
        self.name = name
        self._command = list(command)
        self._log = log
        self._env = env
        self._user = user
        self._pass_fds = tuple(pass_fds)
        self._stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process' id.

        Raises:
            StandaloneError: it was never started.
        """
        if self._process is None:
            raise StandaloneError(f"{self.name} was not started")
        return self._process.pid

    def start(self) -> None:
        """Start it; from the main thread, as the kernel ties the child to the thread."""
        with self._open_log() as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own programs, no shell
                self._launched(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._env,
                start_new_session=True,
                pass_fds=self._pass_fds,
            )

    def _open_log(self) -> AbstractContextManager[BinaryIO | None]:
        if self._log is None:
            return nullcontext()
        self._log.parent.mkdir(parents=True, exist_ok=True)
        if self._log.exists() and self._log.stat().st_size > LOG_MAX_BYTES:
            self._log.replace(self._log.with_suffix(".log.1"))
        return self._log.open("ab")

    def _launched(self) -> list[str]:
        """The command, so that not even ``kill -9`` of ourselves leaves it behind."""
        user = self._user or User(-1, -1)
        own = (os.getpid(), int(self._stop_signal), user.uid, user.gid)
        launcher = [sys.executable, "-I", "-S", launch.__file__]
        return [*launcher, *map(str, own), *self._command]

    def poll(self) -> int | None:
        """Its exit status; None while it runs."""
        return None if self._process is None else self._process.poll()

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def signal(self, number: int) -> None:
        """Send it a signal; nothing happens when it has ended."""
        if self._process is not None:
            self._process.send_signal(number)

    def wait(self) -> int:
        """Its exit status, when it has ended by itself or been asked to. Blocks."""
        if self._process is None:
            raise StandaloneError(f"{self.name} was not started")
        return self._process.wait()

    def ask_to_stop(self) -> None:
        """Ask it to end in good order."""
        self.signal(self._stop_signal)

    def stop(self, seconds: float) -> None:
        """Wait for it to end after it was asked to; past the time it is killed."""
        if self._process is None:
            return
        deadline = time.monotonic() + seconds
        self.ask_to_stop()
        try:
            self._process.wait(max(0.05, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)

    def last_words(self, lines: int = 12) -> str:
        """The end of its log, for the message that says why it died."""
        if self._log is None:
            return "(see above)"
        try:
            text = self._log.read_bytes()[-8192:].decode("utf-8", "replace")
        except OSError:
            return "(no log)"
        return "\n".join(text.splitlines()[-lines:])
