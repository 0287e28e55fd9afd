"""``python -m mailquay.standalone.trial postgres|nats``: an embedded server in a pod of its own.

For the chart's trials: one process, one volume, no copy. It listens on all addresses, behind the
password in ``MAILQUAY_TRIAL_PASSWORD``, or in the file that ``MAILQUAY_TRIAL_PASSWORD_FILE`` names.
Its log is the pod's. It ends in good order on SIGTERM, and with the server when that dies.
"""

import argparse
import fcntl
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mailquay.standalone.nats import EmbeddedNats
from mailquay.standalone.postgres import EmbeddedPostgres
from mailquay.standalone.processes import Child, StandaloneError

__all__ = ["main", "run"]

_PASSWORD: Final = "MAILQUAY_TRIAL_PASSWORD"  # noqa: S105  # the variable's name
_PORTS: Final = {"postgres": 5432, "nats": 4222}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one server until told to stop."""
    parser = argparse.ArgumentParser(prog="trial", description="Run an embedded server in a pod.")
    parser.add_argument("server", choices=sorted(_PORTS))
    parser.add_argument("--data", type=Path, default=Path("/var/lib/mailquay"), metavar="FOLDER")
    parser.add_argument("--port", type=int, help="instead of 5432, 4222")
    options = parser.parse_args(arguments)
    try:
        status = run(options.server, options.data, port=options.port or _PORTS[options.server])
    except (StandaloneError, OSError) as error:
        sys.exit(f"trial: {error}")
    sys.exit(status)


def run(server: str, data: Path, *, port: int) -> int:
    """Run ``postgres`` or ``nats`` on a folder; returns the exit status, 0 when told to stop.

    Raises:
        StandaloneError: there is no password, or another process has the folder.
        OSError: the folder cannot be written.
    """
    told: list[int] = []
    child: Child | None = None

    def stop(number: int, _frame: object) -> None:
        told.append(number)
        if child is not None:
            child.ask_to_stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    data.mkdir(parents=True, exist_ok=True)
    lock = _lock(data / "lock")
    try:
        prepared = _prepare(server, data, port=port, password=_password())
        if told:  # while the cluster was made
            return 0
        prepared.start()
        child = prepared
        if told:  # before anyone could have asked it
            child.ask_to_stop()
        status = child.wait()
        return 0 if told else status or 1
    finally:
        os.close(lock)


def _prepare(server: str, data: Path, *, port: int, password: str) -> Child:
    everywhere = "0.0.0.0"  # noqa: S104  # what a NetworkPolicy lets in is what a Service sends
    if server == "nats":
        nats = EmbeddedNats(data / "nats", port=port, log=None, host=everywhere, password=password)
        nats.prepare()
        return nats.child
    postgres = EmbeddedPostgres(
        data / "postgres", port=port, log=None, host=everywhere, password=password
    )
    postgres.prepare()
    return postgres.child


def _password() -> str:
    """The password that clients show.

    Raises:
        StandaloneError: there is none.
    """
    if file := os.environ.get(f"{_PASSWORD}_FILE"):
        password = Path(file).read_text().strip()
    else:
        password = os.environ.get(_PASSWORD, "")
    if not password:
        raise StandaloneError(f"{_PASSWORD} or {_PASSWORD}_FILE is needed")
    return password


def _lock(path: Path) -> int:
    """Hold the folder for as long as we run.

    Raises:
        StandaloneError: another process has it.
    """
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise StandaloneError(f"another process runs on {path.parent} already") from error
    return lock


if __name__ == "__main__":
    main()
