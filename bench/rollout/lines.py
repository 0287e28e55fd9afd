"""A connection of a line protocol whose end is part of what is measured."""

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass
from typing import Final

__all__ = ["Endpoint", "LineConnection", "Lost", "Refused"]

CONNECT_SECONDS: Final = 15
ANSWER_SECONDS: Final = 60


class Refused(Exception):
    """There was no connection: refused, reset, or no answer."""


class Lost(Exception):
    """The connection has ended; every line that came before has been read."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a service is; ``tls`` from the first byte on, with a certificate for ``name``."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    name: str = "localhost"


class LineConnection(asyncio.Protocol):
    """Lines in, bytes out. Unlike a StreamReader it hands out what came before a reset."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._lines: deque[bytes] = deque()
        self._rest = b""
        self._waiting: asyncio.Future[None] | None = None
        self.is_lost = False
        #: By the loop's clock.
        self.lost_at = 0.0

    @classmethod
    async def open(cls, endpoint: Endpoint) -> "LineConnection":
        """Connect.

        Raises:
            Refused: it was not to be had.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, connection = await loop.create_connection(
                    cls,
                    endpoint.host,
                    endpoint.port,
                    ssl=endpoint.tls,
                    server_hostname=endpoint.name if endpoint.tls else None,
                )
        except (OSError, TimeoutError) as error:
            raise Refused(f"{type(error).__name__}: {error}") from error
        return connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream's

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\r\n")
        self._lines += lines
        if lines:
            self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        self.lost_at = asyncio.get_running_loop().time()
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    @property
    def has_line(self) -> bool:
        """Whether a line has come that nobody has read."""
        return bool(self._lines)

    async def line(self, seconds: float | None = ANSWER_SECONDS) -> bytes:
        """The next line without its end.

        Raises:
            Lost: there is none any more.
            TimeoutError: none came.
        """
        async with asyncio.timeout(seconds):
            while not self._lines:
                if self.is_lost:
                    raise Lost
                self._waiting = asyncio.get_running_loop().create_future()
                await self._waiting
        return self._lines.popleft()

    def write(self, data: bytes) -> None:
        """Send bytes; to who has gone they are lost, as with any socket."""
        if self._transport is not None and not self.is_lost:
            self._transport.write(data)

    def close(self) -> None:
        """Let go."""
        if self._transport is not None:
            self._transport.close()
