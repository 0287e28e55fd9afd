"""Hosts that are namespaces of this one: of mounts, processes, networks, names and IPC.

The kernel ends every process of a process namespace with its first one, and drops the mounts,
interfaces and rules of the others with the last that is in them. So ending one process ends a
host, whatever it ran; nothing is left on the machine.
"""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.cluster.errors import ClusterError

__all__ = ["Host"]

_START_SECONDS: Final = 10
_END_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Host:
    """Namespaces that a process holds open."""

    name: str
    #: Of that process, as it is seen from where the host was made.
    pid: int
    #: The program that it runs, by which it is told from a later process of the same number.
    holder: Path

    @classmethod
    def create(cls, name: str, holder: Path) -> "Host":
        """Make the namespaces.

        Args:
            name: what the host calls itself.
            holder: a program that waits until it is ended, and reaps what is orphaned.
        """
        unshare = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--mount-proc",
             "--kill-child", "--", str(holder)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        host = cls(name, _only_child(unshare), holder)
        host._wait_for_holder()
        host.run("hostname", name)
        host.run("mount", "--make-rshared", "/")
        # Locks and sockets of the same names as those of other hosts.
        host.run("mount", "-t", "tmpfs", "tmpfs", "/run")
        host.run("ip", "link", "set", "lo", "up")
        return host

    def command(self, *command: str | Path) -> list[str]:
        """What runs that command on the host, and ends it if it is ended itself."""
        namespaces = ["--mount", "--pid", "--net", "--uts", "--ipc"]
        return [
            "nsenter", "--target", str(self.pid), *namespaces, "--",
            "setpriv", "--pdeathsig=TERM", "env", f"--chdir={Path.cwd()}",
            *(str(word) for word in command),
        ]  # fmt: skip

    def run(self, *command: str | Path, stdin: str | None = None) -> str:
        """Run a command to its end.

        Returns:
            What it wrote.

        Raises:
            ClusterError: it failed.
        """
        done = subprocess.run(
            self.command(*command), check=False, text=True, input=stdin,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if done.returncode:
            words = " ".join(str(word) for word in command)
            raise ClusterError(f"failed on {self.name}: {words}\n{done.stdout}")
        return done.stdout

    def is_alive(self) -> bool:
        """Whether it is still there."""
        try:
            return os.readlink(f"/proc/{self.pid}/exe").startswith(str(self.holder))
        except OSError:
            return False

    def end(self) -> None:
        """End every process on it, without a warning."""
        if not self.is_alive():
            return
        os.kill(self.pid, signal.SIGKILL)
        deadline = time.monotonic() + _END_SECONDS
        while self.is_alive():
            if time.monotonic() > deadline:
                raise ClusterError(f"{self.name} (process {self.pid}) does not end")
            time.sleep(0.05)

    def _wait_for_holder(self) -> None:
        """Until then, /proc may still be that of the processes outside."""
        deadline = time.monotonic() + _START_SECONDS
        while not self.is_alive():
            if time.monotonic() > deadline:
                raise ClusterError(f"{self.name}: {self.holder} did not start")
            time.sleep(0.01)


def _only_child(unshare: "subprocess.Popen[bytes]") -> int:
    """The first process of the new namespace, once it is there."""
    children = Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children")
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and unshare.poll() is None:
        if pids := children.read_text().split():
            return int(pids[0])
        time.sleep(0.01)
    unshare.kill()
    reason = unshare.communicate()[1].decode().strip()
    raise ClusterError(f"no namespaces can be made here, as in most containers: {reason}")
