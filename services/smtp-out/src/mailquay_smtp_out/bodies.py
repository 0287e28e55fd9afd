"""Messages as they go out, read when they are needed, in bounded memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from mailquay.blobs import BlobStore
from mailquay.message.trace import without_return_path
from mailquay.store.queue import QueuedMessage
from mailquay_smtp_out.protocol.wire import dot_stuff

__all__ = ["Bodies", "WireMessage"]

#: What takes longer than a thread's hand-over to prepare is prepared in one.
_INLINE_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class WireMessage:
    """A message as DATA carries it; ``size`` is what SIZE declares (RFC 1870 §3)."""

    data: bytes
    size: int


class Bodies:
    """Reads messages for one process."""

    def __init__(self, blobs: BlobStore, *, memory_bytes: int) -> None:
        self._blobs = blobs
        self._memory_bytes = memory_bytes
        self._used_bytes = 0
        self._freed = asyncio.Condition()

    @asynccontextmanager
    async def open(self, message: QueuedMessage) -> AsyncIterator[WireMessage]:
        """Read a message; it counts against the memory until the context's end.

        Raises:
            BlobError: it cannot be read.
        """
        async with self._room(message.size):
            raw = await self._blobs.get(message)
            if len(raw) <= _INLINE_BYTES:
                wire = _prepare(raw)
            else:
                wire = await asyncio.to_thread(_prepare, raw)
            del raw
            yield wire

    @asynccontextmanager
    async def _room(self, size: int) -> AsyncIterator[None]:
        """Wait until there is room; what would never fit goes alone."""
        async with self._freed:
            await self._freed.wait_for(
                lambda: not self._used_bytes or self._used_bytes + size <= self._memory_bytes
            )
            self._used_bytes += size
        try:
            yield
        finally:
            self._used_bytes -= size
            async with self._freed:
                self._freed.notify_all()


def _prepare(raw: bytes) -> WireMessage:
    message = without_return_path(raw)
    return WireMessage(dot_stuff(message), len(message))
