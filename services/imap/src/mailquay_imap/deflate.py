"""A connection inside DEFLATE (RFC 4978), with bounds on what it takes.

What comes is inflated a piece at a time, when it is asked for: a bomb fills no memory, and meets
the same limits as what is sent in the clear.
"""

import asyncio
import zlib
from typing import Final

from mailquay.net.channel import Channel
from mailquay.net.peer import Peer
from mailquay.net.stream import Stream

__all__ = ["Deflated"]

#: Inflated at once.
_PIECE_BYTES: Final = 64 * 1024
#: What is larger is deflated in a thread, as others would wait for it.
_INLINE_BYTES: Final = 128 * 1024
#: 8 KiB of window and small tables, of which each connection has its own: 64 KiB where zlib would
#: take 256, for mail that is a tenth larger.
_WINDOW_BITS: Final = -13
_MEMORY_LEVEL: Final = 6
_ANY_WINDOW: Final = -15
#: The end of what was flushed (RFC 4978 §4): the client may end its compression behind one.
_FLUSHED: Final = b"\x00\x00\xff\xff"
#: A last block with nothing in it, as zlib writes it where everything was flushed.
_EMPTY_END: Final = b"\x03\x00"


class Deflated:
    """A stream's interface, with raw DEFLATE between it and the client."""

    __slots__ = ("_coming", "_deflate", "_inflate", "_large", "_start", "_stream")

    def __init__(self, stream: Stream, received: bytes) -> None:
        """Go on inside DEFLATE.

        Args:
            stream: the connection.
            received: what has come already.
        """
        self._stream = stream
        self._coming = received  # and is not inflated yet, from the start on
        self._start = 0
        self._inflate = zlib.decompressobj(_ANY_WINDOW)
        self._deflate = zlib.compressobj(
            level=6, method=zlib.DEFLATED, wbits=_WINDOW_BITS, memLevel=_MEMORY_LEVEL
        )
        self._large: list[bytes] = []  # waits to be deflated, in its order

    @property
    def peer(self) -> Peer:
        """The client."""
        return self._stream.peer

    @property
    def tls(self) -> str | None:
        """Version and cipher, None in the clear."""
        return self._stream.tls

    @property
    def channel(self) -> Channel:
        """What signing in may build on."""
        return self._stream.channel

    async def read(self) -> bytes:
        """Whatever has come, at least a byte; ``b""`` once nothing more will.

        Raises:
            ConnectionAbortedError: it is no DEFLATE.
        """
        while not self._inflate.eof:
            # Of a piece that was full, more may be left inside.
            data = self._take()
            if data:
                return data
            if self._start == len(self._coming) and not self._inflate.eof:
                self._coming, self._start = await self._stream.read(), 0
                if not self._coming:
                    return b""
        return b""

    def _take(self) -> bytes:
        """What is inside up to the next flush; what follows that may be in the clear."""
        found = self._coming.find(_FLUSHED, self._start)
        end = len(self._coming) if found < 0 else found + len(_FLUSHED)
        try:
            data = self._inflate.decompress(self._coming[self._start : end], _PIECE_BYTES)
        except zlib.error as error:
            raise ConnectionAbortedError("that is no DEFLATE") from error
        left = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
        self._start = end - len(left)
        return data

    def write(self, data: bytes) -> None:
        """Queue bytes; `drain` before queueing much more."""
        if self._large or len(data) > _INLINE_BYTES:
            self._large.append(data)
        else:
            self._stream.write(self._pack(data))

    def _pack(self, data: bytes) -> bytes:
        return self._deflate.compress(data) + self._deflate.flush(zlib.Z_SYNC_FLUSH)

    async def drain(self) -> None:
        """Wait until the client has taken most of what was written.

        Raises:
            TimeoutError: it takes nothing; the connection is cut.
        """
        while self._large:
            whole = self._large[0]
            for start in range(0, len(whole), _INLINE_BYTES):
                piece = whole[start : start + _INLINE_BYTES]
                self._stream.write(await asyncio.to_thread(self._pack, piece))
                await self._stream.drain()
            del self._large[0]
        await self._stream.drain()

    def end(self) -> tuple[Stream, bytes]:
        """The stream without DEFLATE, and what has come there behind the end of the client's.

        A client need not end its stream: what is behind its last flush is in the clear then.
        """
        rest = self._coming[self._start :]
        return self._stream, rest if self._inflate.eof else rest.removeprefix(_EMPTY_END)

    def close(self) -> None:
        """Close when what is written has been sent."""
        self._stream.close()

    def abort(self) -> None:
        """Close now."""
        self._stream.abort()
