"""What runs in the cluster without an end: each process has a log, and is watched as it starts."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tools.cluster.errors import ClusterError
from tools.cluster.namespaces import Host

__all__ = ["Processes", "wait_until"]

_LOG_LINES: Final = 25
_POLL_SECONDS: Final = 0.1


class Processes:
    """Those that were started here. They outlive this process; they end with their host."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(
        self,
        name: str,
        *command: str | Path,
        host: Host | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start one.

        Args:
            name: of its log.
            command: what to run.
            host: where, if not here.
            environment: variables beside those of this process.
        """
        words = host.command(*command) if host else [str(word) for word in command]
        with self._log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **(environment or {})},
            )  # fmt: skip

    def check(self) -> None:
        """Raise ClusterError, with its last words, if one of them has ended."""
        for name, process in self._running.items():
            if (status := process.poll()) is not None:
                raise ClusterError(f"{name} ended with status {status}:\n{self.tail(name)}")

    def wait_for(self, what: str, is_done: Callable[[], bool], *, seconds: float = 60) -> None:
        """Wait until something holds, while all of them run.

        Raises:
            ClusterError: one ended, or it took too long.
        """

        def holds() -> bool:
            self.check()
            return is_done()

        wait_until(what, holds, seconds=seconds)

    def tail(self, name: str) -> str:
        """The end of its log."""
        lines = self._log(name).read_text(errors="replace").splitlines()
        return "\n".join(lines[-_LOG_LINES:])

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"


def wait_until(what: str, is_done: Callable[[], bool], *, seconds: float = 60) -> None:
    """Wait until something holds.

    Raises:
        ClusterError: it took longer than that.
    """
    deadline = time.monotonic() + seconds
    while not is_done():
        if time.monotonic() > deadline:
            raise ClusterError(f"waited {seconds:.0f} seconds in vain for {what}")
        time.sleep(_POLL_SECONDS)
