"""How a command ends: OK, NO or BAD, with its response code (RFC 9051 §7.1, RFC 5530).

What goes wrong below a handler becomes a reply here and nowhere else.
"""

from typing import Final

import structlog

from mailquay.blobs import BlobError, BlobUnavailable
from mailquay.delivery import Unavailable as DeliveryUnavailable
from mailquay.store import (
    AlreadyExists,
    HasInferiors,
    LimitReached,
    NotFound,
    OverQuota,
    Refused,
    RoleTaken,
    StoreUnavailable,
)
from mailquay_imap.protocol.errors import BadCharset, ProtocolError
from mailquay_imap.views import MailboxGone

__all__ = ["Bad", "No", "Ok", "refusal"]

_LOG: Final = structlog.get_logger(__name__)


class Ok:
    """The command succeeded; ``text`` begins with the response code where there is one."""

    __slots__ = ("text",)

    def __init__(self, text: str = "", *, code: str = "") -> None:
        self.text: Final = f"[{code}] {text or 'Completed'}" if code else text


class No(Exception):
    """The command failed."""

    def __init__(self, text: str, *, code: str = "") -> None:
        super().__init__(text)
        self.text: Final = f"[{code}] {text}" if code else text


class Bad(Exception):
    """The command makes no sense here."""

    def __init__(self, text: str, *, code: str = "") -> None:
        super().__init__(text)
        self.text: Final = f"[{code}] {text}" if code else text


#: Failures that the client or its user can do something about, the narrower before the wider.
_CODES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (BadCharset, "BADCHARSET (UTF-8 US-ASCII)"),
    (NotFound, "NONEXISTENT"),
    (AlreadyExists, "ALREADYEXISTS"),
    (HasInferiors, "HASCHILDREN"),
    (LimitReached, "LIMIT"),
    (RoleTaken, "USEATTR"),  # RFC 6154 §3
    (Refused, "CANNOT"),
    (OverQuota, "OVERQUOTA"),
)


def refusal(error: Exception) -> No | Bad:
    """What a command ends with that raised this."""
    if isinstance(error, No | Bad):
        return error
    if isinstance(error, ProtocolError):
        return Bad(str(error))
    for kind, code in _CODES:
        if isinstance(error, kind):
            return No(str(error), code=code)
    if isinstance(error, MailboxGone):
        return No("the selected mailbox is gone", code="NONEXISTENT")
    if isinstance(error, StoreUnavailable | BlobUnavailable | DeliveryUnavailable):
        _LOG.warning("storage is away", reason=str(error))
        return No("the storage cannot be reached, try again later", code="UNAVAILABLE")
    if isinstance(error, BlobError):
        _LOG.error("a body cannot be read", reason=str(error))
        return No("the message's body cannot be read", code="SERVERBUG")
    _LOG.error("a command failed", exc_info=error)
    return No("something went wrong here", code="SERVERBUG")
