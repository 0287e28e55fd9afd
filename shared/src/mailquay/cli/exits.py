"""The command's exit statuses, the same for every subcommand, and the errors that lead to them.

They are sysexits' where one fits; ``docs/cli.md`` is rendered from here.
"""

from enum import IntEnum
from typing import Final

from mailquay.blobs import BlobUnavailable
from mailquay.declared.errors import DocumentError, PasswordMissing, PlanError
from mailquay.identity import AddressError
from mailquay.runtime.settings import SettingsError
from mailquay.standalone.processes import StandaloneError
from mailquay.store import AlreadyExists, NotFound, Refused, StoreUnavailable

__all__ = ["MEANINGS", "CommandFailed", "Exit", "exit_of"]


class Exit(IntEnum):
    """How a command ended."""

    OK = 0
    CHECK_FAILED = 1
    USAGE = 2
    MALFORMED = 65  # EX_DATAERR
    NOT_FOUND = 66  # EX_NOINPUT
    UNAVAILABLE = 69  # EX_UNAVAILABLE
    BUG = 70  # EX_SOFTWARE
    EXISTS = 73  # EX_CANTCREAT
    TRY_LATER = 75  # EX_TEMPFAIL
    REFUSED = 77  # EX_NOPERM
    SETTINGS = 78  # EX_CONFIG
    INTERRUPTED = 130


MEANINGS: Final = {
    Exit.OK: "It is done.",
    Exit.CHECK_FAILED: "A check found something wrong, `apply --diff` found changes, or a server "
    "refused the message for good.",
    Exit.USAGE: "The command line makes no sense.",
    Exit.MALFORMED: "An address, a domain, a size or a file of settings is malformed.",
    Exit.NOT_FOUND: "What was named is not there.",
    Exit.UNAVAILABLE: "Postgres, object storage or a server cannot be reached, or cannot start.",
    Exit.BUG: "A fault of Mailquay's own; a traceback is on standard error.",
    Exit.EXISTS: "The name is taken.",
    Exit.TRY_LATER: "A server said to try again later.",
    Exit.REFUSED: "It is not allowed: the domain still has accounts, the file is not readable, "
    "what a file of settings asks for cannot be, …",
    Exit.SETTINGS: "The settings are wrong, or there are none.",
    Exit.INTERRUPTED: "Ctrl-C.",
}


class CommandFailed(Exception):
    """A command cannot go on; the message says why, and what to do."""

    def __init__(self, status: Exit, message: str) -> None:
        super().__init__(message)
        self.status = status


_STATUSES: Final[tuple[tuple[type[Exception], Exit], ...]] = (
    (AddressError, Exit.MALFORMED),
    (DocumentError, Exit.MALFORMED),
    (PlanError, Exit.REFUSED),
    (PasswordMissing, Exit.NOT_FOUND),
    (NotFound, Exit.NOT_FOUND),
    (AlreadyExists, Exit.EXISTS),
    (Refused, Exit.REFUSED),
    (StoreUnavailable, Exit.UNAVAILABLE),
    (BlobUnavailable, Exit.UNAVAILABLE),
    (StandaloneError, Exit.UNAVAILABLE),
    (PermissionError, Exit.REFUSED),
    (SettingsError, Exit.SETTINGS),
)


def exit_of(error: Exception) -> Exit:
    """The status that an error leads to; `Exit.BUG` where nobody foresaw it."""
    if isinstance(error, CommandFailed):
        return error.status
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), Exit.BUG)
