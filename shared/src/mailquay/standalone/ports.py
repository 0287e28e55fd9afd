"""Which port serves what: free ones, the standard ones, or standard ones above a base."""

import errno
import json
import socket
from pathlib import Path
from typing import Final

from mailquay.standalone.files import write_whole
from mailquay.standalone.processes import StandaloneError

__all__ = ["LOOPBACK", "METRICS", "SERVICES", "PortPlan"]

#: The ports of the mail protocols by their names in the ready file.
STANDARD: Final = {
    "smtp": 25, "submission": 587, "submissions": 465, "lmtp": 24, "imap": 143, "imaps": 993,
    "pop3": 110, "pop3s": 995, "http": 80,
}  # fmt: skip
#: The services, with the ports of their metrics.
METRICS: Final = {
    "smtp-in": 9101, "smtp-out": 9102, "imap": 9103, "pop3": 9104, "webmail-api": 9105,
}  # fmt: skip
SERVICES: Final = tuple(METRICS)
LOOPBACK: Final = "127.0.0.1"
_INNER: Final = {"postgres": 5432, "nats": 4222}


class PortPlan:
    """Ports that are ours for as long as the plan lives.

    Each is bound by a socket that never listens, with SO_REUSEPORT: workers share it, and a worker
    that restarts finds it free.
    """

    def __init__(self, choice: str, bind: str, remembered: Path) -> None:
        """Choose the ports.

        Args:
            choice: ``auto``, ``standard``, or the number that is added to the standard ones.
            bind: the address of the mail ports; metrics, Postgres and NATS stay on loopback.
            remembered: a file with what ``auto`` took the last time.

        Raises:
            StandaloneError: a port is taken, or not ours to have.
        """
        self._held: list[socket.socket] = []
        self._last: dict[str, int] = {}
        if choice == "auto" and remembered.exists():
            self._last = json.loads(remembered.read_text())
        base = self._base(choice)
        self.mail = {name: self._hold(name, bind, port, base) for name, port in STANDARD.items()}
        self.metrics = {
            name: self._hold(f"{name} metrics", LOOPBACK, port, base)
            for name, port in METRICS.items()
        }
        # Nobody outside needs to know these: free ones, unless a base says where everything is.
        inner_base = base if base and choice.isdigit() else None
        self.inner = {name: self._pick(name, port, inner_base) for name, port in _INNER.items()}
        if choice == "auto":
            everything = {**self.mail, **self.inner}
            everything |= {f"{name} metrics": port for name, port in self.metrics.items()}
            write_whole(remembered, json.dumps(everything, indent=2) + "\n")

    @staticmethod
    def _base(choice: str) -> int | None:
        if choice == "auto":
            return None
        if choice == "standard":
            return 0
        if choice.isdigit() and 0 < int(choice) <= 65535 - max(METRICS.values()):
            return int(choice)
        raise StandaloneError(
            f"--ports {choice}: give auto, standard, or a number up to "
            f"{65535 - max(METRICS.values())} that is added to the standard ports"
        )

    def _hold(self, name: str, bind: str, standard: int, base: int | None) -> int:
        if base is not None:
            return self._bound(name, bind, standard + base)
        if name in self._last:
            try:
                return self._bound(name, bind, self._last[name])
            except StandaloneError:
                pass
        return self._bound(name, bind, 0)

    def _bound(self, name: str, bind: str, port: int) -> int:
        """Bind the port so that nobody else gets it."""
        holder = socket.socket(socket.AF_INET6 if ":" in bind else socket.AF_INET)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            # Without SO_REUSEPORT a port that someone else serves is refused.
            with socket.socket(holder.family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((bind, port))
                port = probe.getsockname()[1]
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            holder.bind((bind, port))
        except PermissionError as error:
            holder.close()
            raise StandaloneError(
                f"port {port} ({name}) needs more rights; choose another base, such as "
                "--ports 10000, or let --ports auto find free ones"
            ) from error
        except OSError as error:
            holder.close()
            if error.errno == errno.EADDRNOTAVAIL:
                raise StandaloneError(f"--bind {bind}: this machine has no such address") from error
            raise StandaloneError(
                f"port {port} ({name}) is taken; choose another base, such as --ports 20000, or "
                "let --ports auto find free ones"
            ) from error
        self._held.append(holder)
        return port

    def _pick(self, name: str, standard: int, base: int | None) -> int:
        """A port for a server that wants it for itself."""
        wanted = self._last.get(name, 0) if base is None else standard + base
        for port in (wanted, 0):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((LOOPBACK, port))
                except OSError:
                    continue
                number: int = probe.getsockname()[1]
                return number
        raise StandaloneError(f"no free port for {name}")

    def close(self) -> None:
        """Let the ports go."""
        for holder in self._held:
            holder.close()
