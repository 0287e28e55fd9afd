"""One POP3 connection: reads commands, runs their handlers, writes what they say.

Errors become replies here and nowhere else.
"""

import asyncio
import contextlib
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import Final

import structlog

from mailquay.blobs import BlobError, BlobUnavailable
from mailquay.identity import Unavailable
from mailquay.net.stream import Stream
from mailquay.runtime import metrics
from mailquay.store import NotFound, StoreUnavailable
from mailquay_pop3.maildrop import MailDrop, NoSuchMessage
from mailquay_pop3.protocol.commands import Command, LineReader, SyntaxFault, parse_command
from mailquay_pop3.replies import ConnectionEnd, Refused
from mailquay_pop3.server import Server

__all__ = ["Handler", "Session", "State"]

_LOG: Final = structlog.get_logger(__name__)
#: Commands that make no sense, after which the connection ends.
_BAD_MAX: Final = 20
#: Written to the client at once; between two its reading is waited for.
_CHUNK_BYTES: Final = 128 * 1024
#: Commands that are served before others have their turn.
_COMMANDS_AT_ONCE: Final = 64
Handler = Callable[["Session", Command], Awaitable[None]]


class State(Enum):
    """Where a command may be given (RFC 1939 §3). UPDATE is QUIT's own, and takes none."""

    AUTHORIZATION = "authorization"
    TRANSACTION = "transaction"
    ANY = "any"


class Session:
    """A client's connection."""

    def __init__(
        self, server: Server, stream: Stream, handlers: Mapping[str, tuple[State, Handler]]
    ) -> None:
        self.server = server
        self.stream = stream
        self.username: str | None = None  # of USER, for PASS
        self.drop: MailDrop | None = None
        self._handlers = handlers
        self._lines = LineReader()
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._is_idle = False
        self._farewell: str | None = None
        self._bad = 0
        self._served = 0

    # the conversation

    async def run(self) -> None:
        """Serve the connection until it ends."""
        self.server.sessions.add(self)
        ended = "dropped"
        try:
            await self._converse()
        except ConnectionEnd as end:
            ended = str(end) or ended
        except (OSError, ssl.SSLError, TimeoutError) as error:
            _LOG.debug("connection lost", client=self.stream.peer.address, reason=str(error))
        except Exception:
            _LOG.exception("session failed", client=self.stream.peer.address)
            self.say("-ERR [SYS/TEMP] something went wrong here")
        finally:
            metrics.POP3_SESSIONS.labels(ended).inc()
            self.server.sessions.discard(self)
            with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
                await self.flush()

    async def _converse(self) -> None:
        if self.server.is_draining:
            self._farewell = "[SYS/TEMP] the service is restarting, please come back"
        else:
            self.say("+OK Mailquay is ready")
        while self._farewell is None:
            await self._command(await self.next_line())
            if self._out_bytes > _CHUNK_BYTES:
                await self.flush()
        self.say(f"-ERR {self._farewell}")

    async def _command(self, line: bytes) -> None:
        try:
            await self._run(parse_command(line))
        except SyntaxFault as error:
            self.say(f"-ERR {error}")
            self._bad += 1
            if self._bad >= _BAD_MAX:
                self._farewell = "too many commands that make no sense"
        except Refused as error:
            self.say(f"-ERR {error}")
        except NoSuchMessage:
            self.say("-ERR no such message")
        except NotFound:
            self._farewell = "[AUTH] the account is gone"
        except (StoreUnavailable, BlobUnavailable, Unavailable) as error:
            _LOG.warning("storage is away", reason=str(error))
            self.say("-ERR [SYS/TEMP] the storage cannot be reached, try again later")
        except BlobError as error:
            _LOG.error("a body cannot be read", reason=str(error))
            self.say("-ERR [SYS/PERM] the message cannot be read")

    async def _run(self, command: Command) -> None:
        found = self._handlers.get(command.keyword)
        if found is None:
            raise SyntaxFault("command not recognized")
        state, handler = found
        if self.drop is None and state is State.TRANSACTION:
            raise Refused("sign in first")
        if self.drop is not None:
            if state is State.AUTHORIZATION:
                raise Refused("you are signed in already")
            if not await self.server.authenticator.is_unchanged(self.drop.account):
                self._farewell = "[AUTH] the account was changed, please sign in again"
                return
        begun = time.perf_counter()
        try:
            await handler(self, command)
        finally:  # QUIT, which deletes, ends the connection
            self.server.seconds[command.keyword].observe(time.perf_counter() - begun)

    async def next_line(self) -> bytes:
        """The client's next line without its end; what was said so far goes out first.

        Raises:
            ConnectionEnd: there is none any more.
            TimeoutError: none came in time; RFC 1939 §3 wants the connection closed in silence.
        """
        self._served += 1
        if self._served % _COMMANDS_AT_ONCE == 0:
            await asyncio.sleep(0)
        while True:
            try:
                line = self._lines.next_line()
            except SyntaxFault as error:
                self.say(f"-ERR {error}")
                raise ConnectionEnd from None
            if line is not None:
                return line
            await self.flush()
            self._is_idle = True
            try:
                async with asyncio.timeout(self.server.settings.pop3.idle_timeout_seconds):
                    data = await self.stream.read()
            finally:
                self._is_idle = False
            if not data:
                raise ConnectionEnd
            self._lines.receive_data(data)

    def end_soon(self, farewell: str) -> None:
        """End the connection after the command that runs, or now when none does.

        Nothing is deleted: that is QUIT's alone (RFC 1939 §6).
        """
        if self._farewell is None:
            self._farewell = farewell
        if self._is_idle:
            self.end_now(self._farewell)

    def end_now(self, farewell: str) -> None:
        """End the connection, whatever runs."""
        self.say(f"-ERR {farewell}")
        self.stream.write(b"".join(self._out))
        self._out.clear()
        self.stream.close()

    # what handlers use

    @property
    def may_sign_in(self) -> bool:
        """Whether passwords are taken here and now: over TLS."""
        return self.stream.tls is not None or self.server.settings.pop3.allow_plaintext_auth

    @property
    def may_start_tls(self) -> bool:
        """Whether STLS is offered here and now."""
        return self.stream.tls is None and self.server.tls.is_configured and self.drop is None

    @property
    def maildrop(self) -> MailDrop:
        """The maildrop of who has signed in."""
        assert self.drop is not None, "the state table asks for it"
        return self.drop

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Go on inside TLS; nothing that was said in the clear counts (RFC 2595 §4)."""
        await self.flush()
        self._lines.discard()
        self.username = None
        await self.stream.start_tls(context)

    def say(self, line: str) -> None:
        """Say a line."""
        self.write(line.encode("utf-8", "replace") + b"\r\n")

    def write(self, data: bytes) -> None:
        """Say bytes; they are sent with what else is said in this command."""
        self._out.append(data)
        self._out_bytes += len(data)

    async def write_large(self, data: bytes) -> None:
        """Say bytes that may be some of many: a slow client is waited for, not buffered for."""
        self.write(data)
        if self._out_bytes > _CHUNK_BYTES:
            await self.flush()

    async def flush(self) -> None:
        """Send everything that was said.

        Raises:
            TimeoutError: the client takes nothing.
        """
        if self._out:
            self.stream.write(b"".join(self._out))
            self._out.clear()
            self._out_bytes = 0
            await self.stream.drain()
