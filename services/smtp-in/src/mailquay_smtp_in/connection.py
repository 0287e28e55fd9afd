"""A client's connection on aiosmtpd's protocol: lines and chunks in, replies out, time-outs.

aiosmtpd begins and ends the connection and keeps its clock. Bytes are kept in the chunks in which
they come, so that a message is not copied on its way in, and replies leave together when there is
nothing more to read: what was pipelined is answered in one write (RFC 2920 §3.2).
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final

from aiosmtpd.smtp import SMTP
from aiosmtpd.smtp import Session as PeerSession

from mailquay.net.channel import Channel, describe_channel
from mailquay.net.limits import Slot
from mailquay.net.peer import Peer
from mailquay.net.stream import CLOSE_SECONDS, HANDSHAKE_SECONDS, describe_tls
from mailquay.runtime.settings import SmtpInSettings
from mailquay_smtp_in.data import DataReader
from mailquay_smtp_in.replies import ConnectionEnd, Reply

__all__ = ["AUTH_LINE_MAX", "LINE_MAX", "Connection", "LineTooLong"]

#: RFC 5321 §4.5.3.1.4 asks for 512 bytes, and extensions for more.
LINE_MAX: Final = 4 * 1024
#: RFC 4954 §4 asks for 12,288 bytes.
AUTH_LINE_MAX: Final = 12 * 1024
#: Past this much unread input the client is no longer read from.
_UNREAD_BYTES: Final = 512 * 1024
#: Lines that are served before others have their turn.
_LINES_AT_ONCE: Final = 64


class LineTooLong(Exception):
    """The line was longer than it may be; it has been read to its end."""


class Connection(SMTP):
    """One client's connection."""

    def __init__(
        self,
        peer: Peer,
        slot: Slot,
        serve: Callable[["Connection"], Coroutine[Any, Any, None]],
        settings: SmtpInSettings,
    ) -> None:
        """Make what aiosmtpd's kept methods need.

        Its own start-up looks at each method of the class, for every connection.
        """
        self.loop = asyncio.get_running_loop()
        # Without a reader: bytes are kept here, in chunks.
        asyncio.StreamReaderProtocol.__init__(self, None, None, self.loop)  # type: ignore[arg-type]
        self.session: PeerSession | None = None
        self.envelope: Any = None
        self.transport: asyncio.Transport | None = None
        self._original_transport = None
        self._tls_protocol = None
        self._timeout_handle: asyncio.TimerHandle | None = None
        self._timeout_duration = settings.command_timeout_seconds
        self._handler_coroutine: asyncio.Task[None] | None = None
        self._handle_hooks: dict[str, Any] = {}

        self.peer = peer
        #: The reply with which the conversation is to end after the command that runs.
        self.farewell: bytes | None = None
        self._slot = slot
        self._serve = serve
        self._settings = settings
        self._chunks: deque[bytes] = deque()
        self._unread = 0
        self._line = bytearray()
        self._lines = 0
        self._replies: list[bytes] = []
        self._waiting: asyncio.Future[None] | None = None
        self._is_between_commands = False
        self._is_eof = False
        self._is_paused = False
        self._closing: asyncio.TimerHandle | None = None

    # asyncio's side

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        self._chunks.append(data)
        self._unread += len(data)
        if self._unread > _UNREAD_BYTES and not self._is_paused and self.transport is not None:
            self._is_paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """The client says no more; what it has said is answered still, but for inside TLS."""
        self._is_eof = True
        self._wake()
        return self.tls is None

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone."""
        self._slot.release()
        if self._closing is not None:
            self._closing.cancel()
        super().connection_lost(error)

    def _timeout_cb(self) -> None:
        """Nothing was heard for too long, or nothing was taken."""
        self.end_now(Reply.TIMED_OUT)

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def _handle_client(self) -> None:
        try:
            await self._serve(self)
        finally:
            self.close()

    # replies

    def say(self, reply: bytes) -> None:
        """Queue a reply."""
        self._replies.append(reply)

    def flush(self) -> None:
        """Send what was said."""
        if self._replies and self.transport is not None and self._closing is None:
            self.transport.write(b"\r\n".join(self._replies) + b"\r\n")
        self._replies.clear()

    # reading

    async def next_line(self, limit: int = LINE_MAX) -> bytes:
        """The next line with its end, whatever that is (RFC 5321 §2.3.8).

        Raises:
            LineTooLong: it has more than ``limit`` bytes.
            ConnectionEnd: nothing more will come.
        """
        self._lines += 1
        if self._lines % _LINES_AT_ONCE == 0:
            await asyncio.sleep(0)
        deadline = self.loop.time() + self._settings.command_timeout_seconds
        searched = dropped = 0
        while (end := self._line.find(b"\n", searched)) < 0:
            if len(self._line) > limit:
                dropped += len(self._line)
                self._line.clear()
            searched = len(self._line)
            self._is_between_commands = True
            try:
                self._line += await self._read(deadline)
            finally:
                self._is_between_commands = False
        line = bytes(self._line[: end + 1])
        del self._line[: end + 1]
        if dropped + len(line) > limit:
            raise LineTooLong
        return line

    async def read_message(self, reader: DataReader) -> None:
        """Read a message to its end, and no further.

        Raises:
            ConnectionEnd: nothing more will come.
        """
        settings = self._settings
        deadline = self.loop.time() + settings.data_timeout_seconds
        chunk = bytes(self._line)
        self._line.clear()
        while not reader.feed(chunk):
            stall = self.loop.time() + settings.command_timeout_seconds
            chunk = await self._read(min(deadline, stall))
        self._line += reader.leftover

    async def _read(self, deadline: float) -> bytes:
        """One chunk; before it is waited for, everything that was said goes out."""
        while not self._chunks:
            if self._is_eof:
                raise ConnectionEnd
            self._reset_timeout(max(deadline - self.loop.time(), 0.001))
            self.flush()
            await self._drain_helper()  # type: ignore[attr-defined]  # asyncio's own, inherited
            await self._wait()
        chunk = self._chunks.popleft()
        self._unread -= len(chunk)
        if self._is_paused and self._unread <= _UNREAD_BYTES // 2 and self.transport is not None:
            self._is_paused = False
            self.transport.resume_reading()
        return chunk

    async def _wait(self) -> None:
        if not self._chunks and not self._is_eof:
            self._waiting = self.loop.create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None
        assert self._timeout_handle is not None, "it was set before"
        self._timeout_handle.cancel()

    # TLS

    @property
    def tls(self) -> str | None:
        """Version and cipher, None in the clear."""
        return None if self.transport is None else describe_tls(self.transport)

    @property
    def channel(self) -> Channel:
        """What signing in may build on."""
        return describe_channel(self.transport)

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Go on inside TLS.

        What came in the clear behind the command is no part of the secure conversation, and is
        dropped (RFC 3207 §4.2).

        Raises:
            OSError, ssl.SSLError, TimeoutError: the handshake failed.
        """
        self.flush()
        await self._drain_helper()  # type: ignore[attr-defined]  # asyncio's own, inherited
        assert self.transport is not None
        self._line.clear()
        self._chunks.clear()
        self._unread, self._is_paused = 0, False
        transport = await self.loop.start_tls(
            self.transport,
            self,
            context,
            server_side=True,
            ssl_handshake_timeout=HANDSHAKE_SECONDS,
        )
        if transport is None:
            raise ConnectionResetError("the connection was lost in the handshake")
        self.transport = transport

    # the end

    def end_soon(self, farewell: bytes) -> None:
        """End the conversation after the command that runs, or now when none does."""
        if self.farewell is None:
            self.farewell = farewell
        if self._is_between_commands and self._waiting is not None:
            self.end_now(self.farewell)

    def end_now(self, farewell: bytes) -> None:
        """End the conversation, whatever runs."""
        self.say(farewell)
        self.close()

    def close(self) -> None:
        """Close when what was said has been sent, and at the latest after `CLOSE_SECONDS`."""
        self.flush()
        if self.transport is not None and self._closing is None:
            self._closing = self.loop.call_later(CLOSE_SECONDS, self.transport.abort)
            self.transport.close()
