"""The socket under the dialogue: carries out its actions, each with a deadline."""

import asyncio
import contextlib
import ssl
from collections.abc import Generator
from typing import Final, TypeVar

from mailquay_smtp_out.protocol.dialogue import (
    Action,
    Envelope,
    Read,
    RecipientResult,
    Session,
    SessionPolicy,
    Upgrade,
    Wait,
    Write,
    WriteBody,
    greet,
    reset,
    send_message,
)
from mailquay_smtp_out.protocol.replies import Reply, ReplyError, ReplyParser
from mailquay_smtp_out.routing import Host

__all__ = ["ConnectionFailed", "HostConnection", "NotConnected", "TlsFailed"]

T = TypeVar("T")
#: One write to the transport; between them the peer's reading is waited for.
CHUNK_BYTES: Final = 256 * 1024
_QUIT_SECONDS: Final = 5


class ConnectionFailed(Exception):
    """The connection could not be made, broke, or said nothing in time.

    ``body_sent`` says that the final dot was on its way, so that the peer may have the message;
    ``status`` is the failure's in RFC 3463.
    """

    status = "4.4.2"  # bad connection

    def __init__(self, why: str, *, body_sent: bool = False) -> None:
        super().__init__(why)
        self.body_sent = body_sent


class NotConnected(ConnectionFailed):
    """There is no connection."""

    status = "4.4.1"  # no answer from host


class TlsFailed(ConnectionFailed):
    """The peer offered TLS, and the handshake failed."""

    status = "4.7.5"  # cryptographic failure


class HostConnection:
    """One connection to one host: `connect`, then sessions and messages, then `close`."""

    def __init__(
        self,
        host: Host,
        *,
        tls: ssl.SSLContext,
        connect_seconds: float,
        command_seconds: float,
        transaction_seconds: float,
    ) -> None:
        self.host = host
        self._tls = tls
        self._connect_seconds = connect_seconds
        self._command_seconds = command_seconds
        self._transaction_seconds = transaction_seconds
        self._parser = ReplyParser()
        self._body = b""
        self._body_sent = False
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    @property
    def is_body_sent(self) -> bool:
        """Whether the last message's final dot is on its way."""
        return self._body_sent

    async def connect(self) -> None:
        """Make the connection.

        Raises:
            NotConnected: there is none.
        """
        try:
            async with asyncio.timeout(self._connect_seconds):
                self._reader, self._writer = await asyncio.open_connection(
                    self.host.address, self.host.port
                )
        except (OSError, TimeoutError) as error:
            raise NotConnected(f"cannot connect: {str(error) or 'time-out'}") from error

    def close(self) -> None:
        """Drop the connection; what a peer should hear of it is `quit`'s to say."""
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None

    async def open_session(self, policy: SessionPolicy) -> Session:
        """Run the greeting, EHLO, STARTTLS and AUTH.

        Raises:
            Refused: the peer will not have us.
            ConnectionFailed: the connection is of no use any more.
        """
        return await self._run(greet(policy))

    async def send(
        self, session: Session, envelope: Envelope, body: bytes
    ) -> tuple[RecipientResult, ...]:
        """Run one mail transaction; ``body`` is dot-stuffed already.

        Raises:
            Refused: the peer said 421.
            ConnectionFailed: with ``body_sent`` when it broke after the final dot.
        """
        self._body, self._body_sent = body, False
        try:
            async with asyncio.timeout(self._transaction_seconds):
                return await self._run(send_message(session, envelope))
        except TimeoutError as error:
            raise ConnectionFailed("it took too long", body_sent=self._body_sent) from error
        finally:
            self._body = b""

    async def reset(self) -> None:
        """Make ready for another message.

        Raises:
            Refused: the peer wants no other.
            ConnectionFailed: it is gone.
        """
        self._body_sent = False
        await self._run(reset())

    async def quit(self) -> None:
        """Say QUIT, wait briefly for the answer, and close; what is delivered is delivered."""
        try:
            with contextlib.suppress(ConnectionFailed, ReplyError, TimeoutError):
                async with asyncio.timeout(_QUIT_SECONDS):
                    await self._write(b"QUIT\r\n")
                    await self._read(Wait.COMMAND)
        finally:
            self.close()

    async def _run(self, dialogue: Generator[Action, Reply | None, T]) -> T:
        answer: Reply | None = None
        try:
            while True:
                action = dialogue.send(answer)
                answer = None
                match action:
                    case Write(data):
                        await self._write(data)
                    case WriteBody():
                        await self._write_body()
                    case Read(wait):
                        answer = await self._read(wait)
                    case Upgrade():
                        await self._upgrade()
        except StopIteration as done:
            result: T = done.value
            return result
        except ReplyError as error:
            raise ConnectionFailed(str(error), body_sent=self._body_sent) from error
        finally:
            dialogue.close()

    async def _write(self, data: bytes) -> None:
        assert self._writer is not None
        try:
            async with asyncio.timeout(self._command_seconds):
                self._writer.write(data)
                await self._writer.drain()
        except (OSError, ssl.SSLError, TimeoutError) as error:
            raise ConnectionFailed(
                f"cannot write: {str(error) or 'time-out'}", body_sent=self._body_sent
            ) from error

    async def _write_body(self) -> None:
        view = memoryview(self._body)
        for start in range(0, len(view), CHUNK_BYTES):
            # From the moment the last bytes leave, the peer may hold the message.
            self._body_sent = start + CHUNK_BYTES >= len(view)
            await self._write(bytes(view[start : start + CHUNK_BYTES]))

    async def _read(self, wait: Wait) -> Reply:
        assert self._reader is not None
        try:
            async with asyncio.timeout(min(wait.seconds, self._command_seconds)):
                while (reply := self._parser.next_reply()) is None:
                    data = await self._reader.read(16 * 1024)
                    if not data:
                        raise ConnectionFailed(
                            f"the peer closed the connection at {wait.label}",
                            body_sent=self._body_sent,
                        )
                    self._parser.receive_data(data)
        except (OSError, ssl.SSLError, TimeoutError) as error:
            raise ConnectionFailed(
                f"no reply at {wait.label}: {str(error) or 'time-out'}", body_sent=self._body_sent
            ) from error
        return reply

    async def _upgrade(self) -> None:
        assert self._writer is not None
        if self._parser.has_leftover or await self._has_unread():
            raise TlsFailed("bytes follow STARTTLS's reply in the clear")
        name = self.host.address if self.host.name.startswith("[") else self.host.name
        try:
            async with asyncio.timeout(self._command_seconds):
                await self._writer.start_tls(self._tls, server_hostname=name)
        except (OSError, ssl.SSLError, TimeoutError, ValueError) as error:
            raise TlsFailed(f"TLS failed: {str(error) or 'time-out'}") from error

    async def _has_unread(self) -> bool:
        """Whether bytes lie in the reader: they would be taken for what comes after TLS."""
        assert self._reader is not None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0):
                return bool(await self._reader.read(1))
        return False
