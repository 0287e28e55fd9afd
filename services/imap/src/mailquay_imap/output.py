"""What a connection says: gathered, and sent to a client that is waited for."""

from typing import Final

from mailquay.net.stream import Stream
from mailquay_imap.deflate import Deflated

__all__ = ["Output"]

#: Written to the client at once; between two its reading is waited for.
_CHUNK_BYTES: Final = 128 * 1024


class Output:
    """The sending side of a connection."""

    __slots__ = ("_out", "_out_bytes", "stream")

    def __init__(self, stream: Stream) -> None:
        self.stream: Stream | Deflated = stream
        self._out: list[bytes] = []
        self._out_bytes = 0

    def write(self, data: bytes) -> None:
        """Say something; it is sent with what else is said in this command."""
        self._out.append(data)
        self._out_bytes += len(data)

    async def write_large(self, data: bytes) -> None:
        """Say something that may be one of many: a slow client is waited for, not buffered for."""
        self.write(data)
        if self._out_bytes > _CHUNK_BYTES:
            await self.flush()

    def flush_now(self) -> None:
        """Hand everything that was said to the connection."""
        if self._out:
            self.stream.write(b"".join(self._out))
            self._out.clear()
            self._out_bytes = 0

    async def flush(self) -> None:
        """Send everything that was said.

        Raises:
            TimeoutError: the client takes nothing.
        """
        if self._out:
            self.flush_now()
            await self.stream.drain()
