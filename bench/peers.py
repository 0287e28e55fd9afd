"""Other servers, where they are installed: Postfix, Dovecot, aiosmtpd, pymap.

Each is started for this benchmark alone, from a scratch folder, on free loopback ports; what the
system runs of them is left alone. Postfix and Dovecot need root, as they change their user.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Final

from bench.targets import PASSWORD, Target
from mailquay.standalone.certificates import make_certificates
from mailquay.testing.ports import free_port

__all__ = ["aiosmtpd_sink", "missing", "postfix_and_dovecot", "pymap"]

_TEMPLATES: Final = Path(__file__).parent / "etc"
_POSTFIX: Final = Path("/usr/sbin/postfix")
_POSTFIX_DAEMONS: Final = Path("/usr/lib/postfix/sbin")
_DOVECOT: Final = Path("/usr/sbin/dovecot")
_START_SECONDS: Final = 30


def missing() -> str | None:
    """Why Postfix and Dovecot cannot be measured here; None when they can."""
    found = {"postfix": _POSTFIX.exists() and _POSTFIX_DAEMONS.exists(), "dovecot-imapd, "
             "dovecot-lmtpd, dovecot-pop3d": _DOVECOT.exists()}  # fmt: skip
    absent = [name for name, is_there in found.items() if not is_there]
    if absent:
        return f"not installed: {', '.join(absent)} (Debian's packages)"
    if os.geteuid() != 0:
        return "Postfix and Dovecot start as root only"
    return None


@contextmanager
def postfix_and_dovecot(folder: Path) -> Iterator[Target]:
    """Postfix that hands to Dovecot by LMTP, mail kept as mdbox; the most usual pair."""
    folder.mkdir()
    folder.chmod(0o755)
    ports = {name: free_port() for name in ("smtp", "lmtp", "imap", "imaps", "pop3")}
    with _dovecot(folder / "dovecot", ports) as dovecot, _postfix(folder / "postfix", ports) as pid:
        yield Target(
            name="Postfix+Dovecot",
            version=f"Postfix {_postfix_version()}, Dovecot {_dovecot_version()}",
            ports=ports,
            roots=lambda: [pid, dovecot],
            notes=(
                "no checks of content or sender, passwords compared in the clear",
                "STORE is not fsynced, IDLE waits half a second on purpose",
            ),
        )


@contextmanager
def _dovecot(folder: Path, ports: dict[str, int]) -> Iterator[int]:
    folder.mkdir()
    mail = folder / "mail"
    mail.mkdir()
    os.chown(mail, 5000, 5000)
    certificates = make_certificates(folder / "tls", ["localhost", "127.0.0.1"])
    config = _render(
        "dovecot.conf", folder, ports,
        CERTIFICATE=certificates.certificate_file, KEY=certificates.key_file, PASSWORD=PASSWORD,
    )  # fmt: skip
    process = subprocess.Popen([_DOVECOT, "-F", "-c", config], stdin=subprocess.DEVNULL)
    try:
        _wait_for(ports["imap"], lambda: process.poll() is None)
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def _postfix(folder: Path, ports: dict[str, int]) -> Iterator[int]:
    folder.mkdir()
    for name in ("queue", "data"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix")
    _render("postfix-main.cf", folder, ports).rename(folder / "main.cf")
    _render("postfix-master.cf", folder, ports).rename(folder / "master.cf")
    command = [str(_POSTFIX), "-c", str(folder)]
    subprocess.run([*command, "start"], check=True, capture_output=True)
    try:
        _wait_for(ports["smtp"], lambda: True)
        yield int((folder / "queue" / "pid" / "master.pid").read_text())
    finally:
        subprocess.run([*command, "stop"], check=False, capture_output=True)


@contextmanager
def aiosmtpd_sink() -> Iterator[Target]:
    """aiosmtpd as it comes, which keeps nothing."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.sink", str(port)])
    try:
        _wait_for(port, lambda: process.poll() is None)
        yield Target(
            "aiosmtpd", f"aiosmtpd {version('aiosmtpd')}", {"smtp": port}, lambda: [process.pid],
            notes=("drops every message",),
        )  # fmt: skip
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def pymap(program: Path, login: tuple[str, str]) -> Iterator[Target]:
    """pymap, which keeps mail in memory and has one account.

    Args:
        program: the command; it lives in a venv of its own, as it wants other libraries than ours.
        login: of the account.
    """
    port = free_port()
    process = subprocess.Popen(
        [
            program, "--host", "127.0.0.1", "--port", str(port), "--no-tls",
            *("--no-service", "managesieve", "--no-service", "admin"),
            "dict", "--demo-user", login[0], "--demo-password", login[1],
        ],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait_for(port, lambda: process.poll() is None)
        yield Target(
            "pymap", "pymap", {"imap": port}, lambda: [process.pid], notes=("all in memory",)
        )
    finally:
        process.terminate()
        process.wait(20)


def _render(template: str, folder: Path, ports: dict[str, int], **values: object) -> Path:
    """A configuration file out of its template."""
    text = (_TEMPLATES / template).read_text()
    names = {name.upper(): port for name, port in ports.items()}
    for name, value in {"DIR": folder, **names, **values}.items():
        text = text.replace(f"@{name}@", str(value))
    path = folder / template
    path.write_text(text)
    return path


def _wait_for(port: int, is_alive: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and is_alive():
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")


def _postfix_version() -> str:
    done = subprocess.run(
        ["/usr/sbin/postconf", "-d", "-h", "mail_version"], capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    return done.stdout.strip() or "?"


def _dovecot_version() -> str:
    done = subprocess.run([_DOVECOT, "--version"], capture_output=True, text=True, check=False)
    return done.stdout.split(" ")[0] or "?"
