"""Makes ``debian:bookworm-slim`` on a machine that has no registry to pull it from.

From Debian's own packages, by debootstrap, and then without what the slim image has not. It is what
the images are built in, and from: nothing in the Dockerfile knows the difference.
"""

import os
import shutil
import subprocess
from pathlib import Path

from tools.images.builders import BuilderError

BASE = "docker.io/library/debian:bookworm-slim"

_SOURCES = """\
Types: deb
URIs: {mirror}
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: {mirror}-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""
#: What is there after debootstrap and is not in the slim image, or is this machine's.
_REMOVED = (
    "etc/hostname",
    "etc/machine-id",
    "etc/resolv.conf",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/man",
    "var/cache/apt",
    "var/cache/debconf",
    "var/cache/ldconfig",
    "var/lib/apt/lists",
    "var/log",
)
#: What those folders' programs want to find again.
_EMPTY = ("var/cache/apt/archives/partial", "var/cache/debconf", "var/lib/apt/lists", "var/log")


def make_base(folder: Path, *, epoch: int) -> Path:
    """Make the root file system below ``folder``; returns the tar file of it.

    Args:
        folder: an empty one.
        epoch: no file is younger, in seconds.

    Raises:
        BuilderError: debootstrap is missing, failed, or may not do what only root may.
    """
    if shutil.which("debootstrap") is None:
        raise BuilderError(
            f"{BASE} cannot be pulled, and debootstrap, which could make it, is not installed"
        )
    if os.geteuid() != 0:
        raise BuilderError(f"{BASE} cannot be pulled; as root it could be made by debootstrap")
    root = folder / "root"
    command = ("debootstrap", "--variant=minbase", "--merged-usr", "bookworm", root)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise BuilderError(f"debootstrap failed:\n{done.stdout[-2000:]}")
    _slim(root)
    return _pack(root, folder / "root.tar", epoch)


def _slim(root: Path) -> None:
    # One line, of where debootstrap has had it all from.
    written = root / "etc/apt/sources.list"
    mirror = written.read_text().split()[1].rstrip("/")
    written.unlink()
    (root / "etc/apt/sources.list.d/debian.sources").write_text(_SOURCES.format(mirror=mirror))
    for name in _REMOVED:
        path = root / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for name in _EMPTY:
        (root / name).mkdir(parents=True, exist_ok=True)
    for path in (root / "usr/share/doc").rglob("*"):
        if not path.is_dir() and path.name != "copyright":
            path.unlink()


def _pack(root: Path, packed: Path, epoch: int) -> Path:
    command = (
        *("tar", "--create", "--file", packed, "--directory", root, "--sort=name"),
        *("--numeric-owner", "--xattrs", f"--mtime=@{epoch}", "--clamp-mtime", "."),
    )
    if subprocess.run(command, check=False).returncode:
        raise BuilderError(f"tar could not pack {root}")
    return packed
