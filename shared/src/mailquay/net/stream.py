"""A connection of a line protocol: bytes in, bytes out, with bounds both ways.

Leaner than a StreamReader and a StreamWriter: an idle connection is one object and its buffer.
"""

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from typing import Any, Final, cast

from mailquay.net.channel import Channel, describe_channel
from mailquay.net.limits import Slot
from mailquay.net.peer import Peer

__all__ = ["CLOSE_SECONDS", "HANDSHAKE_SECONDS", "WRITE_SECONDS", "Stream", "describe_tls"]

#: Past this much unread input the client is no longer read from.
_BUFFER_BYTES: Final = 256 * 1024
#: A client that takes nothing for so long is cut off.
WRITE_SECONDS: Final = 120
#: What is written when the connection is closed is to be taken within this.
CLOSE_SECONDS: Final = 30
#: For TLS to begin.
HANDSHAKE_SECONDS: Final = 30


class Stream(asyncio.Protocol):
    """One client's connection."""

    __slots__ = (
        "_buffer", "_can_write", "_closing", "_is_eof", "_is_paused", "_on_open", "_reader",
        "_slot", "_task", "_transport", "is_closed", "peer",
    )  # fmt: skip

    def __init__(
        self, peer: Peer, slot: Slot, on_open: Callable[["Stream"], Coroutine[Any, Any, None]]
    ) -> None:
        self.peer = peer
        self.is_closed = False
        self._slot = slot
        self._on_open = on_open
        self._buffer = bytearray()
        self._reader: asyncio.Future[None] | None = None
        self._can_write: asyncio.Future[None] | None = None
        self._is_eof = False
        self._is_paused = False
        self._transport: asyncio.Transport | None = None
        self._closing: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is open, or open again inside TLS."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by its shape
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            await self._on_open(self)
        finally:
            self.close()

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        self._buffer += data
        if len(self._buffer) > _BUFFER_BYTES and not self._is_paused and self._transport:
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """The client says no more; what it has said is answered still, but for inside TLS."""
        self._is_eof = True
        self._wake()
        return self.tls is None

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.is_closed = True
        if self._closing is not None:
            self._closing.cancel()
        self._slot.release()
        self._wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        """The client reads slower than we write."""
        if self._can_write is None:
            self._can_write = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """It has caught up."""
        if self._can_write is not None:
            self._can_write.set_result(None)
            self._can_write = None

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    # the protocol's side

    async def read(self) -> bytes:
        """Whatever has come, at least a byte; ``b""`` once nothing more will."""
        if not self._buffer and not self._is_eof and not self.is_closed:
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        data = bytes(self._buffer)
        self._buffer.clear()
        if self._is_paused and self._transport is not None and not self.is_closed:
            self._is_paused = False
            self._transport.resume_reading()
        return data

    def write(self, data: bytes) -> None:
        """Queue bytes; `drain` before queueing much more."""
        if not self.is_closed and self._closing is None and self._transport is not None:
            self._transport.write(data)

    async def drain(self) -> None:
        """Wait until the client has taken most of what was written.

        Raises:
            TimeoutError: it takes nothing; the connection is cut.
        """
        if self._can_write is None:
            return
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                while self._can_write is not None:
                    await asyncio.shield(self._can_write)  # others may wait for it too
        except TimeoutError:
            self.abort()
            raise

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Go on inside TLS; what came in the clear after the command is thrown away.

        Raises:
            OSError, ssl.SSLError, TimeoutError: the handshake failed.
        """
        assert self._transport is not None
        self._buffer.clear()
        self._is_paused = False
        loop = asyncio.get_running_loop()
        transport = await loop.start_tls(
            self._transport,
            self,
            context,
            server_side=True,
            ssl_handshake_timeout=HANDSHAKE_SECONDS,
        )
        if transport is None:
            raise ConnectionResetError("the connection was lost in the handshake")
        self._transport = transport

    @property
    def tls(self) -> str | None:
        """Version and cipher, None in the clear."""
        return None if self._transport is None else describe_tls(self._transport)

    @property
    def channel(self) -> Channel:
        """What signing in may build on."""
        return describe_channel(self._transport)

    def close(self) -> None:
        """Close when what is written has been sent, and at the latest after `CLOSE_SECONDS`."""
        if self._transport is not None and not self.is_closed and self._closing is None:
            loop = asyncio.get_running_loop()
            self._closing = loop.call_later(CLOSE_SECONDS, self._transport.abort)
            self._transport.close()

    def abort(self) -> None:
        """Close now."""
        if self._transport is not None and not self.is_closed:
            self._transport.abort()


def describe_tls(transport: asyncio.BaseTransport) -> str | None:
    """A connection's TLS version and cipher; None in the clear."""
    found: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
    if found is None:
        return None
    cipher = found.cipher()
    return f"{found.version()} cipher {cipher[0]}" if cipher else str(found.version())
