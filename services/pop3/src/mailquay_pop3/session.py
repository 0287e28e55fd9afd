"""One POP3 connection (RFC 1939, RFC 2449, RFC 2595, RFC 5034)."""

import asyncio
import base64
import binascii
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import structlog

from mailquay.blobs import BlobError, BlobStore
from mailquay.events import AccountChanged, Bus
from mailquay.identity import Authenticator, AuthError, Throttled, Unavailable
from mailquay.identity.authenticator import MECHANISMS
from mailquay.net.stream import Stream
from mailquay.net.tls import TlsContexts, TlsError
from mailquay.runtime import metrics
from mailquay.runtime.settings import Settings
from mailquay.store import Store, StoreUnavailable
from mailquay.store.accounts import Account
from mailquay_pop3.maildrop import MailDrop, NoSuchMessage
from mailquay_pop3.protocol.commands import Command, LineReader, SyntaxFault, parse_command
from mailquay_pop3.protocol.multiline import multiline, top

__all__ = ["Server", "Session"]

_LOG: Final = structlog.get_logger(__name__)
_BAD_MAX: Final = 20
_CHUNK_BYTES: Final = 128 * 1024


@dataclass(slots=True)
class Server:
    """What the sessions of a process share."""

    settings: Settings
    store: Store
    blobs: BlobStore
    bus: Bus
    authenticator: Authenticator
    tls: TlsContexts
    sessions: set["Session"] = field(default_factory=set)
    is_stopping: bool = False


class _ConnectionEnd(Exception):
    """The connection ends; what was written is still sent."""


class _Refusal(Exception):
    """``-ERR`` with that text."""


class Session:
    """A client's connection."""

    def __init__(self, server: Server, stream: Stream) -> None:
        self._server = server
        self.stream = stream
        self.is_idle = False
        self._lines = LineReader()
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._username: str | None = None
        self._drop: MailDrop | None = None
        self._bad = 0

    async def run(self) -> None:
        """Serve the connection until it ends."""
        self._server.sessions.add(self)
        ended = "dropped"
        try:
            self._say("+OK Mailquay is ready")
            while True:
                await self._command(await self._next_line())
                if self._server.is_stopping:
                    self.say_goodbye()
                    break
        except _ConnectionEnd as end:
            ended = str(end) or "dropped"
        except (OSError, ssl.SSLError, TimeoutError) as error:
            _LOG.debug("connection lost", client=self.stream.peer.address, reason=str(error))
        except Exception:
            _LOG.exception("session failed", client=self.stream.peer.address)
            self._say("-ERR [SYS/TEMP] something went wrong here")
        finally:
            metrics.POP3_SESSIONS.labels(ended).inc()
            self._server.sessions.discard(self)
            with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
                await self.flush()

    def say_goodbye(self) -> None:
        """The service goes down; nothing is deleted without QUIT."""
        self._say("-ERR [SYS/TEMP] the service is restarting, please come back")

    def _say(self, line: str) -> None:
        self._write(line.encode("utf-8", "replace") + b"\r\n")

    def _write(self, data: bytes) -> None:
        self._out.append(data)
        self._out_bytes += len(data)

    async def flush(self) -> None:
        """Send everything that was said."""
        if self._out:
            self.stream.write(b"".join(self._out))
            self._out.clear()
            self._out_bytes = 0
            await self.stream.drain()

    async def _next_line(self) -> bytes:
        while True:
            try:
                line = self._lines.next_line()
            except SyntaxFault as error:
                self._say(f"-ERR {error}")
                raise _ConnectionEnd from None
            if line is not None:
                return line
            await self.flush()
            self.is_idle = True
            try:
                async with asyncio.timeout(self._server.settings.pop3.idle_timeout_seconds):
                    data = await self.stream.read()
            finally:
                self.is_idle = False
            if not data:
                raise _ConnectionEnd
            self._lines.receive_data(data)

    async def _command(self, line: bytes) -> None:
        try:
            command = parse_command(line)
            handler = self._TABLE.get(command.keyword)
            if handler is None:
                raise SyntaxFault("command not recognized")
            if command.keyword in _TRANSACTION and self._drop is None:
                raise _Refusal("sign in first")
            await handler(self, command)
        except SyntaxFault as error:
            self._bad += 1
            self._say(f"-ERR {error}")
            if self._bad > _BAD_MAX:
                raise _ConnectionEnd from None
        except _Refusal as error:
            self._say(f"-ERR {error}")
        except NoSuchMessage:
            self._say("-ERR no such message")
        except (StoreUnavailable, BlobError) as error:
            _LOG.warning("storage is away", reason=str(error))
            self._say("-ERR [SYS/TEMP] the storage cannot be reached, try again later")
        if self._out_bytes > _CHUNK_BYTES:
            await self.flush()

    # before signing in

    def _may_sign_in(self) -> bool:
        return self.stream.tls is not None or self._server.settings.pop3.allow_plaintext_auth

    def _may_start_tls(self) -> bool:
        return self.stream.tls is None and self._server.tls.is_configured and self._drop is None

    async def _capa(self, _command: Command) -> None:
        """CAPA (RFC 2449 §5)."""
        names = ["TOP", "UIDL", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE", "EXPIRE NEVER"]
        names += ["LOGIN-DELAY 0", "UTF8", "IMPLEMENTATION Mailquay"]
        if self._may_start_tls():
            names.append("STLS")
        if self._may_sign_in():
            names += ["USER", "SASL " + " ".join(MECHANISMS)]
        self._say("+OK capabilities follow")
        self._write("".join(f"{name}\r\n" for name in names).encode() + b".\r\n")

    async def _stls(self, _command: Command) -> None:
        """STLS (RFC 2595 §4)."""
        if not self._may_start_tls():
            raise _Refusal("TLS is not available here")
        try:
            context = self._server.tls.server_context()
        except TlsError:
            raise _Refusal("TLS is not available") from None
        self._say("+OK begin TLS negotiation")
        await self.flush()
        self._lines.discard()
        self._username = None
        await self.stream.start_tls(context)

    async def _utf8(self, _command: Command) -> None:
        """UTF8 (RFC 6856): nothing was ever downgraded."""
        if self._drop is not None:
            raise _Refusal("only before signing in")
        self._say("+OK UTF8 enabled")

    def _require_unknown(self) -> None:
        if self._drop is not None:
            raise _Refusal("you are signed in already")
        if not self._may_sign_in():
            raise _Refusal("[AUTH] sign in over TLS")

    async def _user(self, command: Command) -> None:
        self._require_unknown()
        if not command.argument:
            raise SyntaxFault("a name is needed")
        self._username = command.argument
        self._say("+OK send PASS")

    async def _pass(self, command: Command) -> None:
        self._require_unknown()
        if self._username is None:
            raise _Refusal("send USER first")
        username, self._username = self._username, None
        try:
            account = await self._server.authenticator.verify_password(
                username, command.argument, remote=self.stream.peer.address
            )
        except AuthError as error:
            self._refuse(error)
        else:
            await self._open(account)

    async def _auth(self, command: Command) -> None:
        """AUTH (RFC 5034); without an argument it lists the mechanisms, as old clients expect."""
        if not command.argument:
            self._say("+OK")
            self._write("".join(f"{name}\r\n" for name in MECHANISMS).encode() + b".\r\n")
            return
        self._require_unknown()
        name, _, initial = command.argument.partition(" ")
        exchange = self._server.authenticator.sasl(name, remote=self.stream.peer.address)
        if exchange is None:
            raise _Refusal("that mechanism is not supported")
        try:
            response = _decode(initial) if initial else None
            while True:
                outcome = await exchange.step(response)
                if isinstance(outcome, Account):
                    break
                self._write(b"+ " + base64.b64encode(outcome) + b"\r\n")
                line = await self._next_line()
                if line == b"*":
                    raise _Refusal("authentication was cancelled")
                response = _decode(line.decode("ascii", "replace"))
        except AuthError as error:
            self._refuse(error)
        else:
            await self._open(outcome)

    def _refuse(self, error: AuthError) -> None:
        _LOG.info("sign-in failed", client=self.stream.peer.address, reason=str(error))
        if isinstance(error, Throttled):
            self._say("-ERR [SYS/TEMP] too many failed sign-ins, try again later")
            raise _ConnectionEnd("refused")
        if isinstance(error, Unavailable):
            raise _Refusal("[SYS/TEMP] the accounts cannot be read, try again later")
        raise _Refusal("[AUTH] name or password are wrong")

    async def _open(self, account: Account) -> None:
        self._drop = await MailDrop.open(self._server.store, account)
        count = len(self._drop.places)
        self._say(f"+OK {count} message{'' if count == 1 else 's'}")

    # the transaction

    @property
    def _maildrop(self) -> MailDrop:
        assert self._drop is not None, "the table asks for it"
        return self._drop

    async def _stat(self, _command: Command) -> None:
        present = self._maildrop.present()
        self._say(f"+OK {len(present)} {sum(place.size for _, place in present)}")

    async def _list(self, command: Command) -> None:
        numbers = command.numbers(0, 1)
        if numbers:
            self._say(f"+OK {numbers[0]} {self._maildrop.place(numbers[0]).size}")
            return
        present = self._maildrop.present()
        self._say(f"+OK {len(present)} messages")
        self._write("".join(f"{n} {p.size}\r\n" for n, p in present).encode() + b".\r\n")

    async def _uidl(self, command: Command) -> None:
        drop, numbers = self._maildrop, command.numbers(0, 1)
        if numbers:
            self._say(f"+OK {numbers[0]} {drop.unique_id(drop.place(numbers[0]))}")
            return
        emails = [place.email_id for place in drop.places]
        is_plain = len(set(emails)) == len(emails)
        lines = [
            f"{n} E{p.email_id}\r\n" if is_plain else f"{n} {drop.unique_id(p)}\r\n"
            for n, p in drop.present()
        ]
        self._say("+OK unique-ids follow")
        self._write("".join(lines).encode() + b".\r\n")

    async def _retr(self, command: Command) -> None:
        (number,) = command.numbers(1, 1)
        raw, _ = await self._maildrop.body(self._server.store, self._server.blobs, number)
        metrics.POP3_RETRIEVED.inc()
        self._say(f"+OK {len(raw)} octets")
        self._write(multiline(raw))

    async def _top(self, command: Command) -> None:
        number, lines = command.numbers(2, 2)
        raw, body = await self._maildrop.body(self._server.store, self._server.blobs, number)
        self._say("+OK top of message follows")
        self._write(multiline(top(raw, body.header_length, lines)))

    async def _dele(self, command: Command) -> None:
        (number,) = command.numbers(1, 1)
        self._maildrop.place(number)
        self._maildrop.deleted.add(number)
        self._say(f"+OK message {number} is marked as deleted")

    async def _rset(self, _command: Command) -> None:
        self._maildrop.deleted.clear()
        self._say("+OK")

    async def _noop(self, _command: Command) -> None:
        self._say("+OK")

    async def _quit(self, _command: Command) -> None:
        """QUIT: only now what was marked is removed (RFC 1939 §6)."""
        drop = self._drop
        if drop is not None:
            try:
                modseq = await drop.update(self._server.store)
            except StoreUnavailable:
                self._say("-ERR [SYS/TEMP] the deleted messages were not removed")
                raise _ConnectionEnd from None
            if modseq is not None:
                self._server.bus.publish(
                    AccountChanged(
                        account_id=drop.account.id,
                        modseq=modseq,
                        mailbox_ids=(drop.mailbox_id,),
                    )
                )
        self._say("+OK see you")
        raise _ConnectionEnd("quit")

    _TABLE: ClassVar[dict[str, Callable[["Session", Command], Awaitable[Any]]]] = {
        "CAPA": _capa, "STLS": _stls, "UTF8": _utf8, "USER": _user, "PASS": _pass, "AUTH": _auth,
        "STAT": _stat, "LIST": _list, "UIDL": _uidl, "RETR": _retr, "TOP": _top, "DELE": _dele,
        "RSET": _rset, "NOOP": _noop, "QUIT": _quit,
    }  # fmt: skip


_TRANSACTION: Final = frozenset(
    ("STAT", "LIST", "UIDL", "RETR", "TOP", "DELE", "RSET", "NOOP")
)  # fmt: skip


def _decode(text: str) -> bytes:
    if text == "=":
        return b""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SyntaxFault("that is not base64") from error
