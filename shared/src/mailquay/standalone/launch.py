"""Becomes another program: as another user if need be, and ended by the kernel with its parent.

``python -I -S launch.py PARENT SIGNAL UID GID PROGRAM [ARGUMENT ...]``; UID and GID are -1 to stay
who we are. Run as a program of its own, as code between fork and exec may hang where the parent has
threads. The standard library only: it starts before every process of a standalone.
"""

import ctypes
import os
import sys
from typing import Final

__all__ = ["become"]

_PR_SET_PDEATHSIG: Final = 1
_FAILED: Final = 126


def become(parent: int, number: int, uid: int, gid: int, command: list[str]) -> None:
    """Replace this process; returns never.

    Args:
        parent: the process that started us.
        number: the signal that we get when it ends.
        uid: whom to be, with ``gid`` and no other group; -1 for no change.
        gid: see ``uid``.
        command: the program's path and its arguments.
    """
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform.startswith("linux"):
        # Only now: a change of user takes it back.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it ended before we got here
        sys.exit(_FAILED)
    os.execv(command[0], command)  # noqa: S606  # our own programs, no shell


if __name__ == "__main__":
    _parent, _number, _uid, _gid = map(int, sys.argv[1:5])
    become(_parent, _number, _uid, _gid, sys.argv[5:])
