"""Runs a program in an unpacked image as a pod would, with util-linux alone: needs root.

Read-only, as the image's user, as process 1 of its own process namespace, with an empty ``/tmp``
and at most one volume, on the machine's own network.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tools.images.archives import BuiltImage

#: Where a volume is mounted.
VOLUME: Final = "/run/data"
_USER: Final = 65532
_ENTER: Final = f"""
root=$0 volume=$1; shift
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
if [ -n "$volume" ]; then
    mount -t tmpfs tmpfs "$root/run"
    mkdir "$root{VOLUME}"
    mount --bind "$volume" "$root{VOLUME}"
fi
exec "$@"
"""


def start(
    image: BuiltImage,
    arguments: Sequence[str] = (),
    *,
    program: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    volume: Path | None = None,
) -> subprocess.Popen[str]:
    """Start the image's program; its child is the process in there, and ends with it.

    Args:
        image: whose files are below a folder.
        arguments: what the program is given.
        program: another one than the image's.
        environment: besides the image's.
        volume: a folder to be opened to the pod's group.
    """
    if volume is not None:
        os.chown(volume, 0, _USER)
        volume.chmod(0o2770)
    variables = [*image.config["Env"], *(f"{k}={v}" for k, v in (environment or {}).items())]
    command = [
        *("unshare", "--mount", "--pid", "--fork", "--kill-child"),
        *("sh", "-euc", _ENTER, str(image.root), str(volume or "")),
        *("/usr/bin/env", "--ignore-environment", *variables),
        *("/usr/sbin/chroot", f"--userspec={_USER}:{_USER}", f"--groups={_USER}", str(image.root)),
        *(program or image.config["Entrypoint"]),
        *arguments,
    ]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
