"""A connection of a line protocol: bytes in, bytes out, with bounds both ways.

Leaner than a StreamReader and a StreamWriter: an idle connection is one object and its buffer.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Coroutine
from typing import Any, Final

from mailquay.net.listener import Peer, Slot

__all__ = ["Stream"]

#: Past this much unread input the client is no longer read from.
_BUFFER_BYTES: Final = 256 * 1024
#: A client that takes nothing for so long is cut off.
_WRITE_SECONDS: Final = 120


class Stream(asyncio.Protocol):
    """One client's connection."""

    __slots__ = (
        "_buffer", "_can_write", "_is_paused", "_on_open", "_reader", "_slot", "_task",
        "_transport", "is_closed", "peer",
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
        self._is_paused = False
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is open, or open again inside TLS."""
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]  # uvloop's is one by shape
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
        """The client has closed its side; so do we."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.is_closed = True
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
            if not self._can_write.done():
                self._can_write.set_result(None)
            self._can_write = None

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    # the protocol's side

    async def read(self) -> bytes:
        """Whatever has come, at least a byte; ``b""`` once the connection is gone."""
        if not self._buffer and not self.is_closed:
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
        if not self.is_closed and self._transport is not None:
            self._transport.write(data)

    async def drain(self) -> None:
        """Wait until the client has taken most of what was written.

        Raises:
            TimeoutError: it takes nothing.
        """
        if self._can_write is not None:
            async with asyncio.timeout(_WRITE_SECONDS):
                await self._can_write

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Go on inside TLS; what came in the clear after the command is thrown away.

        Raises:
            OSError, ssl.SSLError, TimeoutError: the handshake failed.
        """
        assert self._transport is not None
        self._buffer.clear()
        loop = asyncio.get_running_loop()
        transport = await loop.start_tls(
            self._transport, self, context, server_side=True, ssl_handshake_timeout=30
        )
        if transport is None:
            raise ConnectionResetError("the connection was lost in the handshake")
        self._transport = transport

    @property
    def tls(self) -> str | None:
        """Version and cipher, None in the clear."""
        if self._transport is None:
            return None
        found = self._transport.get_extra_info("ssl_object")
        if found is None:
            return None
        cipher = found.cipher()
        return f"{found.version()} {cipher[0] if cipher else ''}".strip()

    def close(self) -> None:
        """Close when what is written has been sent."""
        if self._transport is not None and not self.is_closed:
            self._transport.close()

    def abort(self) -> None:
        """Close now."""
        if self._transport is not None and not self.is_closed:
            self._transport.abort()

    async def finish(self, seconds: float) -> None:
        """Wait for the connection's task to end; past the time it is cancelled."""
        if self._task is not None and not self._task.done():
            await asyncio.wait([self._task], timeout=seconds)
            if not self._task.done():
                self._task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self._task
