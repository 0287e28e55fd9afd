"""Tells a client that waits that its command is still being worked on (RFC 9585)."""

import asyncio
from types import TracebackType
from typing import TYPE_CHECKING, Final

from mailquay_imap.protocol import commands as c

if TYPE_CHECKING:
    from mailquay_imap.session import Session

__all__ = ["Progress"]

#: Commands that may take long, and are not answered bit by bit.
_LONG: Final = (
    c.Append, c.Close, c.Copy, c.Expunge, c.List, c.MultiSearch, c.Replace, c.Search, c.Select,
    c.Sort, c.Status, c.Store, c.Thread,
)  # fmt: skip


class Progress:
    """While a command runs."""

    __slots__ = ("_is_long", "_session", "_timer")

    def __init__(self, session: "Session", command: c.Command) -> None:
        self._session = session
        self._is_long = isinstance(command, _LONG) and session.account is not None
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        """The command begins."""
        if self._is_long:
            self._wait()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """It has ended."""
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self) -> None:
        seconds = self._session.server.settings.imap.progress_seconds
        self._timer = asyncio.get_running_loop().call_later(seconds, self._tell)

    def _tell(self) -> None:
        """How much is left nobody knows (RFC 9585 §4: NIL)."""
        text = b'* OK [INPROGRESS ("%b" NIL NIL)] Still at it\r\n' % self._session.tag
        self._session.write(text)
        self._session.flush_now()
        self._wait()
