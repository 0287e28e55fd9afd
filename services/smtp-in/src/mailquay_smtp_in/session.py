"""One SMTP or LMTP connection, on aiosmtpd's protocol.

aiosmtpd keeps the connection: its life, its time-outs, its writer. Reading, the command table and
DATA are ours: commands that are pipelined are answered in one write, and a message is read in
chunks instead of lines.
"""

import asyncio
import base64
import binascii
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, Final

import structlog
from aiosmtpd.smtp import SMTP
from aiosmtpd.smtp import Session as PeerSession

from mailquay.delivery.recipients import RecipientCache, ResolvedRecipient, Verdict
from mailquay.delivery.submission import may_send_as
from mailquay.identity import (
    AddressError,
    Authenticator,
    AuthError,
    Throttled,
    Unavailable,
    normalise_address,
)
from mailquay.identity.authenticator import MECHANISMS
from mailquay.net.listener import Peer, Slot
from mailquay.net.tls import TlsContexts, TlsError
from mailquay.runtime import metrics
from mailquay.runtime.settings import Settings
from mailquay.store import Store, StoreUnavailable
from mailquay.store.accounts import Account
from mailquay_smtp_in.acceptance import Acceptance, Arrival, Envelope
from mailquay_smtp_in.data import DataFault, DataReader
from mailquay_smtp_in.replies import Reply
from mailquay_smtp_in.syntax import SyntaxFault, parse_path

__all__ = ["Role", "Server", "SmtpSession"]

_LOG: Final = structlog.get_logger(__name__)
#: RFC 5321 §4.5.3.1.4 asks for 512; AUTH and long addresses need more (RFC 4954 §4).
_LINE_MAX: Final = 12 * 1024
_READ_BYTES: Final = 128 * 1024


class Role(Enum):
    """What a port is for."""

    MX = "mx"
    SUBMISSION = "submission"
    LMTP = "lmtp"


@dataclass(slots=True)
class Server:
    """What the sessions of a process share."""

    settings: Settings
    store: Store
    recipients: RecipientCache
    acceptance: Acceptance
    authenticator: Authenticator
    tls: TlsContexts
    sessions: "set[SmtpSession]"


class _ConnectionEnd(Exception):
    """The conversation is over; the replies so far are sent."""


class SmtpSession(SMTP):
    """A connection on one of the ports."""

    def __init__(self, server: Server, role: Role, peer: Peer, slot: Slot) -> None:
        """Make what aiosmtpd's kept methods need.

        Its own start-up looks at each method of the class, for every connection.
        """
        self.loop = asyncio.get_running_loop()
        asyncio.StreamReaderProtocol.__init__(
            self,
            asyncio.StreamReader(limit=_READ_BYTES, loop=self.loop),
            client_connected_cb=self._cb_client_connected,
            loop=self.loop,
        )
        self.hostname = server.settings.hostname
        self.session: PeerSession | None = None
        self.envelope: Any = None
        self.transport: asyncio.Transport | None = None
        self._original_transport = None
        self._tls_protocol = None
        self._timeout_handle: asyncio.TimerHandle | None = None
        self._timeout_duration = server.settings.smtp_in.command_timeout_seconds
        self._handler_coroutine: asyncio.Task[None] | None = None
        self._handle_hooks: dict[str, Any] = {}

        self._server = server
        self._role = role
        self._client = peer
        self._slot = slot
        self._input = bytearray()
        self._replies: list[bytes] = []
        self._helo = ""
        self._is_extended = False
        self._account: Account | None = None
        self._own: set[str] = set()
        self._mail: Envelope | None = None
        self._errors = 0
        self._is_waiting = False
        self._is_draining = False
        server.sessions.add(self)

    # the connection

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone."""
        self._server.sessions.discard(self)
        self._slot.release()
        super().connection_lost(error)

    def eof_received(self) -> bool:
        """The client says no more; what it has said is answered still."""
        asyncio.StreamReaderProtocol.eof_received(self)
        return self._tls is None

    def _timeout_cb(self) -> None:
        if self.transport is not None:
            self.transport.write(Reply.TIMED_OUT + b"\r\n")
            self.transport.close()

    @property
    def _tls(self) -> ssl.SSLObject | None:
        return None if self.transport is None else self.transport.get_extra_info("ssl_object")

    def _tls_text(self) -> str | None:
        tls = self._tls
        if tls is None:
            return None
        cipher = tls.cipher()
        return f"{tls.version()} cipher {cipher[0]}" if cipher else str(tls.version())

    def drain_soon(self) -> None:
        """End the conversation after the command that runs, or now when none does."""
        self._is_draining = True
        if self._is_waiting and self.transport is not None:
            self.transport.write(Reply.GOING_DOWN + b"\r\n")
            self.transport.close()

    async def _handle_client(self) -> None:
        kind = b"LMTP" if self._role is Role.LMTP else b"ESMTP"
        self._replies.append(b"220 " + self.hostname.encode() + b" " + kind + b" Mailquay")
        try:
            while True:
                line = await self._next_line()
                self._reset_timeout()
                await self._command(line)
                if self._is_draining:
                    self._say(Reply.GOING_DOWN)
                    raise _ConnectionEnd
        except (_ConnectionEnd, asyncio.CancelledError):
            pass
        except (OSError, ssl.SSLError, TimeoutError) as error:
            _LOG.debug("connection lost", client=self._client.address, reason=str(error))
        except Exception:
            _LOG.exception("session failed", client=self._client.address)
            self._say(b"421 4.3.0 Something went wrong here, try again later")
        finally:
            with contextlib.suppress(OSError, ssl.SSLError):
                self._flush()
                if self.transport is not None:
                    self.transport.close()

    # reading and writing

    def _say(self, reply: bytes) -> None:
        self._replies.append(reply)

    def _fail(self, reply: bytes) -> None:
        """A reply that counts as an error of the client."""
        self._errors += 1
        self._say(reply)
        if self._errors >= self._server.settings.smtp_in.max_errors:
            self._say(Reply.TOO_MANY_ERRORS)
            raise _ConnectionEnd

    def _flush(self) -> None:
        if self._replies and self.transport is not None:
            self.transport.write(b"\r\n".join(self._replies) + b"\r\n")
        self._replies.clear()

    async def _read(self) -> bytes:
        """More bytes; everything that was said so far goes out first."""
        self._flush()
        await self._writer.drain()
        data = await self._reader.read(_READ_BYTES)
        if not data:
            raise _ConnectionEnd
        return data

    async def _next_line(self) -> bytes:
        """The next command line without its end (RFC 5321 §2.3.8)."""
        start = 0
        while (end := self._input.find(b"\n", start)) < 0:
            start = len(self._input)
            if start > _LINE_MAX:
                self._say(Reply.LINE_TOO_LONG)
                raise _ConnectionEnd
            self._is_waiting = True
            try:
                self._input += await self._read()
            finally:
                self._is_waiting = False
        line = bytes(self._input[: end + 1])
        del self._input[: end + 1]
        return line

    async def _command(self, line: bytes) -> None:
        if not line.endswith(b"\r\n"):
            self._fail(Reply.BARE_LINE_END)
            return
        verb, _, rest = line[:-2].partition(b" ")
        handler = self._TABLE.get(verb.upper())
        if handler is None:
            self._fail(Reply.NOT_RECOGNISED)
            return
        try:
            argument = rest.decode("utf-8").strip()
        except UnicodeDecodeError:
            self._fail(Reply.NOT_TEXT)
            return
        await handler(self, argument)

    # greeting

    async def _helo_command(self, argument: str) -> None:
        await self._hello(argument, is_extended=False, lmtp=False)

    async def _ehlo_command(self, argument: str) -> None:
        await self._hello(argument, is_extended=True, lmtp=False)

    async def _lhlo_command(self, argument: str) -> None:
        await self._hello(argument, is_extended=True, lmtp=True)

    async def _hello(self, argument: str, *, is_extended: bool, lmtp: bool) -> None:
        if lmtp is not (self._role is Role.LMTP):
            self._fail(Reply.SMTP_HELLO if lmtp else Reply.LMTP_HELLO)
            return
        if not argument or " " in argument or not argument.isprintable():
            self._fail(Reply.HELLO_SYNTAX)
            return
        self._helo = argument[:255]
        self._is_extended = is_extended
        self._mail = None
        if not is_extended:
            self._say(b"250 " + self.hostname.encode())
            return
        lines = [self.hostname, *self._extensions()]
        self._replies += [f"250-{line}".encode() for line in lines[:-1]]
        self._say(f"250 {lines[-1]}".encode())

    def _extensions(self) -> list[str]:
        """What EHLO offers here and now."""
        found = ["PIPELINING", f"SIZE {self._server.settings.smtp_in.max_message_bytes}"]
        if self._may_start_tls():
            found.append("STARTTLS")
        if self._may_sign_in():
            found.append("AUTH " + " ".join(MECHANISMS))
        return [*found, "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]

    def _may_start_tls(self) -> bool:
        return self._server.tls.is_configured and self._tls is None

    def _may_sign_in(self) -> bool:
        if self._role is not Role.SUBMISSION:
            return False
        return self._tls is not None or self._server.settings.smtp_in.allow_plaintext_auth

    async def _starttls_command(self, argument: str) -> None:
        if argument:
            self._fail(Reply.NO_ARGUMENT)
        elif self._tls is not None:
            self._fail(Reply.ALREADY_TLS)
        elif not self._may_start_tls():
            self._fail(Reply.NO_TLS)
        else:
            await self._start_tls()

    async def _start_tls(self) -> None:
        try:
            context = self._server.tls.server_context()
        except TlsError:
            self._say(Reply.NO_TLS)
            return
        # What came in the clear behind the command is no part of the secure conversation
        # (RFC 3207 §4.2).
        self._input.clear()
        self._say(Reply.START_TLS)
        self._flush()
        await self._writer.drain()
        self._reader._buffer.clear()  # type: ignore[attr-defined]
        assert self.transport is not None
        transport = await self.loop.start_tls(
            self.transport, self, context, server_side=True, ssl_handshake_timeout=30
        )
        if transport is None:
            raise _ConnectionEnd
        self.transport = transport
        self._reader._transport = transport  # type: ignore[attr-defined]
        self._writer._transport = transport  # type: ignore[attr-defined]
        self._helo, self._mail, self._account = "", None, None

    # authentication

    async def _auth_command(self, argument: str) -> None:
        if self._role is not Role.SUBMISSION:
            self._fail(Reply.NOT_IMPLEMENTED)
        elif not self._helo:
            self._fail(Reply.HELLO_FIRST)
        elif self._account is not None:
            self._fail(Reply.ALREADY_AUTHENTICATED)
        elif self._mail is not None:
            self._fail(Reply.AUTH_IN_MAIL)
        elif not self._may_sign_in():
            self._fail(Reply.TLS_REQUIRED)
        else:
            await self._sign_in(argument)

    async def _sign_in(self, argument: str) -> None:
        name, _, initial = argument.partition(" ")
        exchange = self._server.authenticator.sasl(name, remote=self._client.address)
        if exchange is None:
            self._fail(Reply.UNKNOWN_MECHANISM)
            return
        try:
            response = _initial_response(initial)
            while True:
                outcome = await exchange.step(response)
                if isinstance(outcome, Account):
                    break
                self._say(b"334 " + base64.b64encode(outcome))
                line = (await self._next_line()).rstrip(b"\r\n")
                if line == b"*":
                    self._fail(Reply.AUTH_CANCELLED)
                    return
                response = base64.b64decode(line, validate=True)
        except binascii.Error:
            self._fail(Reply.AUTH_SYNTAX)
        except Throttled:
            self._say(Reply.THROTTLED)
            raise _ConnectionEnd from None
        except Unavailable:
            self._say(Reply.AUTH_UNAVAILABLE)
        except AuthError:
            _LOG.info("sign-in failed", client=self._client.address, mechanism=exchange.mechanism)
            self._fail(Reply.AUTH_FAILED)
        else:
            self._account = outcome
            self._say(Reply.AUTHENTICATED)

    # the mail transaction

    async def _mail_command(self, argument: str) -> None:
        if not self._helo:
            self._fail(Reply.HELLO_FIRST)
            return
        if self._mail is not None:
            self._fail(Reply.NESTED_MAIL)
            return
        if self._role is Role.SUBMISSION and self._account is None:
            self._fail(Reply.AUTH_REQUIRED)
            return
        try:
            path = parse_path(argument, "FROM:")
        except SyntaxFault as error:
            self._fail(Reply.syntax(str(error)))
            return
        refusal = self._refuse_parameters(path.parameters)
        if refusal is not None:
            self._fail(refusal)
            return
        smtputf8 = "SMTPUTF8" in path.parameters
        if not path.address.isascii() and not smtputf8:
            self._fail(Reply.NEEDS_SMTPUTF8)
            return
        if path.address and (refusal := await self._refuse_sender(path.address)):
            self._fail(refusal)
            return
        self._mail = Envelope(path.address, smtputf8)
        self._say(Reply.SENDER_OK)

    def _refuse_parameters(self, parameters: dict[str, str]) -> bytes | None:
        if parameters and not self._is_extended:
            return Reply.PARAMETER
        for name, value in parameters.items():
            if name == "SIZE":
                if not value.isdecimal() or len(value) > 20:
                    return Reply.syntax("SIZE needs a number")
                if int(value) > self._server.settings.smtp_in.max_message_bytes:
                    return Reply.TOO_LARGE
            elif name == "BODY":
                if value.upper() not in ("7BIT", "8BITMIME"):
                    return Reply.syntax("BODY is 7BIT or 8BITMIME")
            elif name == "AUTH" and self._role is Role.SUBMISSION:
                continue  # RFC 4954 §5: taken, and not believed
            elif name != "SMTPUTF8" or value:
                return Reply.PARAMETER
        return None

    async def _refuse_sender(self, address: str) -> bytes | None:
        """A submission is from one of the account's own addresses."""
        try:
            normal = normalise_address(address)
        except AddressError:
            return Reply.BAD_SENDER
        if self._account is None:
            return None
        if normal in self._own:
            return None
        account, store = self._account, self._server.store
        try:
            if await may_send_as(store, account.id, account.address, normal):
                self._own.add(normal)
                return None
        except StoreUnavailable:
            return Reply.LOOKUP_UNAVAILABLE
        return Reply.NOT_YOUR_ADDRESS

    async def _rcpt_command(self, argument: str) -> None:
        if self._mail is None:
            self._fail(Reply.MAIL_FIRST)
            return
        try:
            path = parse_path(argument, "TO:")
        except SyntaxFault as error:
            self._fail(Reply.syntax(str(error)))
            return
        if path.parameters:
            self._fail(Reply.PARAMETER)
            return
        if len(self._mail.recipients) >= self._server.settings.smtp_in.max_recipients:
            metrics.SMTP_RECIPIENTS.labels("too_many").inc()
            self._say(Reply.TOO_MANY_RECIPIENTS)
            return
        address = path.address
        if address.lower() == "postmaster":  # RFC 5321 §4.1.1.3: without a domain it is ours
            address = f"postmaster@{self.hostname}"
        try:
            recipient = await self._server.recipients.resolve(address)
        except AddressError:
            self._fail(Reply.BAD_RECIPIENT)
            return
        except StoreUnavailable:
            metrics.SMTP_RECIPIENTS.labels("deferred").inc()
            self._say(Reply.LOOKUP_UNAVAILABLE)
            return
        self._add_recipient(recipient)

    def _add_recipient(self, recipient: ResolvedRecipient) -> None:
        assert self._mail is not None
        match recipient.verdict:
            case Verdict.ACCEPTED:
                self._mail.recipients.append(recipient)
            case Verdict.FOREIGN if self._account is not None:
                self._mail.recipients.append(recipient.relayed())
            case Verdict.FOREIGN:
                metrics.SMTP_RECIPIENTS.labels("relay_denied").inc()
                self._fail(Reply.RELAY_DENIED)
                return
            case Verdict.OVER_QUOTA:
                metrics.SMTP_RECIPIENTS.labels("over_quota").inc()
                self._say(Reply.OVER_QUOTA)
                return
            case Verdict.UNKNOWN | Verdict.DISABLED:
                metrics.SMTP_RECIPIENTS.labels("unknown").inc()
                is_unknown = recipient.verdict is Verdict.UNKNOWN
                self._fail(Reply.UNKNOWN_USER if is_unknown else Reply.DISABLED_USER)
                return
        metrics.SMTP_RECIPIENTS.labels("accepted").inc()
        self._say(Reply.RECIPIENT_OK)

    async def _data_command(self, argument: str) -> None:
        if argument:
            self._fail(Reply.NO_ARGUMENT)
            return
        if self._mail is None:
            self._fail(Reply.MAIL_FIRST)
            return
        if not self._mail.recipients:
            self._fail(Reply.RECIPIENT_FIRST)
            return
        envelope, self._mail = self._mail, None
        self._say(Reply.SEND_DATA)
        message = await self._read_message()
        if isinstance(message, DataFault):
            metrics.SMTP_MESSAGES.labels("rejected").inc()
            is_large = message is DataFault.TOO_LARGE
            reply = Reply.TOO_LARGE if is_large else Reply.BAD_BODY_LINE_END
            replies = [reply] * len(envelope.recipients)
        else:
            replies = await self._server.acceptance.accept(envelope, message, self._arrival())
        self._replies += replies if self._role is Role.LMTP else _one_reply(replies)

    async def _read_message(self) -> bytes | DataFault:
        settings = self._server.settings.smtp_in
        self._reset_timeout(settings.data_timeout_seconds)
        reader = DataReader(settings.max_message_bytes)
        data = bytes(self._input)
        self._input.clear()
        while not reader.feed(data):
            data = await self._read()
        self._input += reader.leftover
        self._reset_timeout(settings.data_timeout_seconds)
        return reader.message()

    def _arrival(self) -> Arrival:
        name = "LMTP" if self._role is Role.LMTP else "ESMTP" if self._is_extended else "SMTP"
        if self._is_extended:
            name += ("S" if self._tls else "") + ("A" if self._account else "")
        return Arrival(name, self._helo, self._client.address, self._tls_text(), self._account)

    async def _rset_command(self, _argument: str) -> None:
        self._mail = None
        self._say(Reply.RESET)

    # the rest

    async def _noop_command(self, _argument: str) -> None:
        self._say(Reply.OK)

    async def _help_command(self, _argument: str) -> None:
        self._say(Reply.HELP)

    async def _vrfy_command(self, argument: str) -> None:
        if argument:
            self._say(Reply.VRFY)
        else:
            self._fail(Reply.syntax("an address is needed"))

    async def _expn_command(self, _argument: str) -> None:
        self._fail(Reply.NOT_IMPLEMENTED)

    async def _quit_command(self, _argument: str) -> None:
        self._say(Reply.BYE)
        raise _ConnectionEnd

    _TABLE: ClassVar[dict[bytes, Callable[["SmtpSession", str], Awaitable[None]]]] = {
        b"HELO": _helo_command,
        b"EHLO": _ehlo_command,
        b"LHLO": _lhlo_command,
        b"STARTTLS": _starttls_command,
        b"AUTH": _auth_command,
        b"MAIL": _mail_command,
        b"RCPT": _rcpt_command,
        b"DATA": _data_command,
        b"RSET": _rset_command,
        b"NOOP": _noop_command,
        b"HELP": _help_command,
        b"VRFY": _vrfy_command,
        b"EXPN": _expn_command,
        b"QUIT": _quit_command,
    }


def _initial_response(text: str) -> bytes | None:
    """AUTH's initial response: none, ``=`` for an empty one, or base64 (RFC 4954 §4)."""
    if not text:
        return None
    return b"" if text == "=" else base64.b64decode(text, validate=True)


def _one_reply(replies: list[bytes]) -> list[bytes]:
    """SMTP has one reply for all: a success where any recipient has the message."""
    accepted = [reply for reply in replies if reply.startswith(b"2")]
    return (accepted or replies)[:1]
