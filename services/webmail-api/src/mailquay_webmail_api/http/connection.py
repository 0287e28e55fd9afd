"""One HTTP connection: uvicorn's, with bounds on what a client may make it hold or wait for."""

import asyncio
from typing import Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from mailquay.net.listener import Peer, Slot

__all__ = ["HttpConnection"]

#: A request's line and header fields; what nginx takes by default.
HEAD_MAX_BYTES: Final = 32 * 1024
_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)


class HttpConnection(HttpToolsProtocol):
    """uvicorn bounds neither a request's head nor how long a client may take over anything.

    A head must be complete within ``head_seconds``, and what is sent must be taken within
    ``write_seconds``; how long a body may take is the matter of whoever reads it.
    """

    def __init__(
        self,
        config: Config,
        state: ServerState,
        *,
        peer: Peer,
        slot: Slot,
        head_seconds: float,
        write_seconds: float,
    ) -> None:
        super().__init__(config, state, {})
        self._peer = peer
        self._slot = slot
        self._head_seconds = head_seconds
        self._write_seconds = write_seconds
        self._is_last = False
        self._is_in_head = True
        #: Whether what has just come holds nothing else.
        self._is_all_head = True
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is here."""
        super().connection_made(transport)
        self.client = (self._peer.address, self._peer.port)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        super().connection_lost(exc)
        for timer in (self._head_timer, self._write_timer):
            if timer is not None:
                timer.cancel()
        self._slot.release()

    def data_received(self, data: bytes) -> None:
        """Take bytes; a head that does not end is not held."""
        if self._is_in_head and self._head_timer is None:
            self._await_head()
        self._is_all_head = self._is_in_head
        super().data_received(data)
        if self._is_all_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_MAX_BYTES and not self.transport.is_closing():
                self.transport.write(_TOO_LARGE)
                self.transport.close()

    def on_message_begin(self) -> None:
        """A head begins."""
        self._is_in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head is complete."""
        self._is_in_head = self._is_all_head = False
        self._head_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        super().on_headers_complete()
        if self._is_last:
            self._close_after_cycle()

    def on_message_complete(self) -> None:
        """What follows is the next head; how long it may be waited for is keep-alive's matter."""
        self._is_in_head = True
        super().on_message_complete()

    def close_after_response(self) -> None:
        """Answer one more request at most, and say so (RFC 9112 §9.6).

        An idle connection stays open for it: closing that might cross with a request, which the
        client may not be free to repeat.
        """
        self._is_last = True
        self._close_after_cycle()

    def _close_after_cycle(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False

    def pause_writing(self) -> None:
        """The client takes nothing."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(self._write_seconds, self._give_up)

    def resume_writing(self) -> None:
        """The client takes something."""
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _unsupported_upgrade_warning(self) -> None:
        """Whoever asks for another protocol is answered in this one; that needs no warning."""

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self._head_seconds, self._give_up)

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.abort()
