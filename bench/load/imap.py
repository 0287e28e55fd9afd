"""An IMAP client for load: whole responses, one command in flight, next to no cost of its own."""

import asyncio
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bench.load.loopback import check_host

__all__ = ["ImapClient", "ImapError", "ImapServer"]

_LITERAL: Final = re.compile(rb"\{(\d+)\+?\}$")
_CLOSING_BRACE: Final = 0x7D
_STAR: Final = 0x2A
_PLUS: Final = 0x2B


class ImapError(Exception):
    """The server said NO or BAD, or went away."""


@dataclass(frozen=True, slots=True)
class ImapServer:
    """Where to connect; with TLS the certificate is not checked."""

    host: str
    port: int
    tls: bool = False

    async def connect(self) -> "ImapClient":
        """Connect, and wait for the greeting."""
        check_host(self.host)
        context = None
        if self.tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        loop = asyncio.get_running_loop()
        _, client = await loop.create_connection(ImapClient, self.host, self.port, ssl=context)
        await client.greeting
        return client

    async def sign_in(self, user: str, password: str) -> "ImapClient":
        """Connect and LOGIN."""
        client = await self.connect()
        await client.login(user, password)
        return client


class ImapClient(asyncio.Protocol):
    """One connection. Responses are cut out of the input without looking at what is in them."""

    def __init__(self) -> None:
        self.greeting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        #: Hears every untagged response, without its line's end.
        self.untagged: Callable[[bytes], None] | None = None
        self.messages = 0  # as the last SELECT told it
        self.capabilities = b""
        self._buffer = bytearray()
        self._start = 0  # of the response at hand
        self._searched = 0  # where to look for the next line's end
        self._number = 0
        self._tag = b""
        self._reply: asyncio.Future[bytes] | None = None
        self._go_on: asyncio.Future[None] | None = None

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        for future in (self._reply, self._go_on, self.greeting):
            if future is not None and not future.done():
                future.set_exception(ImapError("the connection was lost"))

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        while True:
            end = buffer.find(b"\r\n", self._searched)
            if end < 0:
                self._searched = max(self._start, len(buffer) - 1, self._searched)
                break
            if end and buffer[end - 1] == _CLOSING_BRACE:
                literal = _LITERAL.search(buffer, max(self._start, end - 24), end)
                if literal is not None:
                    self._searched = end + 2 + int(literal[1])
                    if self._searched > len(buffer):
                        break
                    continue
            self._response(end)
            self._start = self._searched = end + 2
        if self._start > 1 << 16 or self._start == len(buffer):
            del buffer[: self._start]
            self._searched -= self._start
            self._start = 0

    def _response(self, end: int) -> None:
        buffer, start = self._buffer, self._start
        first = buffer[start]
        if first == _STAR:
            if not self.greeting.done():
                self.greeting.set_result(None)
            elif self.untagged is not None:
                self.untagged(bytes(buffer[start:end]))
        elif first == _PLUS:
            if self._go_on is not None and not self._go_on.done():
                self._go_on.set_result(None)
        elif self._tag and buffer.startswith(self._tag, start):
            line = bytes(buffer[start:end])
            if self._go_on is not None and not self._go_on.done():
                self._go_on.set_exception(ImapError(line.decode(errors="replace")))
                self._go_on = None
            if self._reply is not None and not self._reply.done():
                self._reply.set_result(line)

    # commands

    def start(self, command: bytes, *, goes_on: bool = False) -> None:
        """Send a command; `finish` waits for its end, `gone_on` for its continuation."""
        self._number += 1
        self._tag = b"a%d " % self._number
        loop = asyncio.get_running_loop()
        self._reply = loop.create_future()
        self._go_on = loop.create_future() if goes_on else None
        self._transport.write(self._tag + command + b"\r\n")

    async def gone_on(self) -> None:
        """Wait for the server's ``+``."""
        assert self._go_on is not None
        await self._go_on

    async def finish(self) -> bytes:
        """The tagged reply.

        Raises:
            ImapError: it is not OK.
        """
        assert self._reply is not None
        line = await self._reply
        if not line[len(self._tag) :].upper().startswith(b"OK"):
            raise ImapError(line.decode(errors="replace"))
        return line

    async def command(self, command: bytes) -> bytes:
        """Send a command and wait for its end."""
        self.start(command)
        return await self.finish()

    async def login(self, user: str, password: str) -> None:
        """LOGIN, and learn the capabilities."""
        line = await self.command(b'LOGIN "%b" "%b"' % (user.encode(), password.encode()))
        self.capabilities = line.upper()
        if b"CAPABILITY" not in self.capabilities:
            told = await self.ask(b"CAPABILITY")
            self.capabilities = b" ".join(told).upper()

    async def ask(self, command: bytes) -> list[bytes]:
        """Send a command; its untagged responses."""
        told: list[bytes] = []
        self.untagged = told.append
        try:
            await self.command(command)
        finally:
            self.untagged = None
        return told

    async def select(self, mailbox: bytes) -> None:
        """SELECT, and remember how many messages there are."""
        for line in await self.ask(b"SELECT " + mailbox):
            if line.endswith(b" EXISTS"):
                self.messages = int(line.split()[1])

    async def append(self, mailbox: bytes, message: bytes) -> None:
        """APPEND a message, without a round trip for the literal where the server can."""
        size = len(message)
        if b"LITERAL+" in self.capabilities:
            await self.command(b"APPEND %b {%d+}\r\n%b" % (mailbox, size, message))
            return
        self.start(b"APPEND %b {%d}" % (mailbox, size), goes_on=True)
        await self.gone_on()
        self._transport.write(message + b"\r\n")
        await self.finish()

    async def idle(self) -> None:
        """Enter IDLE; the server is in it when this returns."""
        self.start(b"IDLE", goes_on=True)
        await self.gone_on()

    async def done(self) -> None:
        """Leave IDLE."""
        self._transport.write(b"DONE\r\n")
        await self.finish()

    def close(self) -> None:
        """Close the connection."""
        for future in (self._reply, self._go_on):
            if future is not None and not future.done():
                future.cancel()
        self._transport.close()
