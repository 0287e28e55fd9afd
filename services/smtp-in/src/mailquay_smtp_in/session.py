"""One SMTP or LMTP conversation: reads commands, runs their handlers, says what they come to.

Errors become replies here and nowhere else.
"""

import re
import secrets
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from structlog.contextvars import bind_contextvars, unbind_contextvars

from mailquay.delivery.senders import OwnAddresses
from mailquay.identity import Unavailable
from mailquay.store import StoreUnavailable
from mailquay.store.accounts import Account
from mailquay_smtp_in.connection import AUTH_LINE_MAX, LINE_MAX, Connection, LineTooLong
from mailquay_smtp_in.envelope import Arrival, Envelope
from mailquay_smtp_in.replies import ConnectionEnd, Refused, Reply
from mailquay_smtp_in.server import Role, Server

__all__ = ["Handler", "Session"]

_LOG: Final = structlog.get_logger(__name__)
#: Never in a command; a bare CR and NUL are among them.
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
Handler = Callable[["Session", str], Awaitable[None]]


class Session:
    """A client's conversation, and where it stands."""

    def __init__(
        self,
        server: Server,
        role: Role,
        connection: Connection,
        handlers: Mapping[bytes, Handler],
    ) -> None:
        self.server = server
        self.role = role
        self.connection = connection
        self.helo = ""
        self.is_extended = False  # EHLO or LHLO, not HELO
        self.own: OwnAddresses | None = None
        self.envelope: Envelope | None = None
        self._handlers = handlers
        self._mistakes = 0
        self._farewell_after_mail: bytes | None = None

    # the conversation

    async def run(self) -> None:
        """Serve the connection until it ends."""
        self.server.sessions.add(self)
        bind_contextvars(client=self.connection.peer.address, port=self.role.value)
        try:
            await self._converse()
        except ConnectionEnd:
            pass
        except (OSError, ssl.SSLError, TimeoutError) as error:
            _LOG.debug("connection lost", reason=str(error))
        except Exception:
            _LOG.exception("session failed")
            self.say(Reply.SERVER_FAULT)
        finally:
            self.server.sessions.discard(self)

    async def _converse(self) -> None:
        kind = "LMTP" if self.role is Role.LMTP else "ESMTP"
        if self.server.is_draining:
            self.connection.farewell = Reply.GOING_DOWN
        else:
            self.say(f"220 {self.server.settings.hostname} {kind} Mailquay".encode())
        while self.connection.farewell is None:
            try:
                await self._command(await self.connection.next_line(AUTH_LINE_MAX))
            except LineTooLong:
                self._refuse(Refused(Reply.LINE_TOO_LONG))
            except Refused as refused:
                self._refuse(refused)
            except (StoreUnavailable, Unavailable) as error:
                _LOG.warning("the database is away", reason=str(error))
                self.say(Reply.LOOKUP_UNAVAILABLE)
        self.say(self.connection.farewell)

    async def _command(self, line: bytes) -> None:
        """Run a command line (RFC 5321 §2.3.8, §4.1.1)."""
        if not line.endswith(b"\r\n"):
            raise Refused(Reply.BARE_LINE_END)
        verb, _, rest = line[:-2].partition(b" ")
        verb = verb.rstrip(b"\t").upper()
        if len(line) > LINE_MAX and verb != b"AUTH":
            raise Refused(Reply.LINE_TOO_LONG)
        try:
            argument = rest.decode("utf-8").strip(" \t")
        except UnicodeDecodeError:
            raise Refused(Reply.NOT_TEXT) from None
        if _CONTROL.search(line, 0, len(line) - 2):
            raise Refused(Reply.CONTROL)
        handler = self._handlers.get(verb)
        if handler is None:
            raise Refused(Reply.NOT_RECOGNISED)
        await handler(self, argument)

    def end_soon(self, farewell: bytes) -> None:
        """End the conversation after the transaction that is under way, or the command."""
        if self.envelope is None:
            self.connection.end_soon(farewell)
        else:
            self._farewell_after_mail = farewell

    def say(self, reply: bytes) -> None:
        """Queue a reply."""
        self.connection.say(reply)

    def _refuse(self, refused: Refused) -> None:
        self.say(refused.reply)
        if refused.is_mistake:
            self._mistakes += 1
            if self._mistakes >= self.server.settings.smtp_in.max_errors:
                _LOG.info("too many errors", last=refused.reply.decode("utf-8", "replace"))
                self.connection.farewell = Reply.TOO_MANY_ERRORS

    # what handlers use

    @property
    def account(self) -> Account | None:
        """Who has signed in."""
        return None if self.own is None else self.own.account

    @property
    def may_start_tls(self) -> bool:
        """Whether STARTTLS is offered here and now."""
        return self.server.tls.is_configured and self.connection.tls is None

    @property
    def may_sign_in(self) -> bool:
        """Whether AUTH is offered here and now: for submission, and over TLS."""
        if self.role is not Role.SUBMISSION:
            return False
        allows_clear = self.server.settings.smtp_in.allow_plaintext_auth
        return allows_clear or self.connection.tls is not None

    @property
    def may_ask_reports(self) -> bool:
        """Whether DSN is offered here and now: for submission, whose senders we know."""
        return self.role is Role.SUBMISSION and self.is_extended

    def require_hello(self) -> None:
        """Refuse what comes before the client has said who it is (RFC 5321 §4.1.4)."""
        if not self.helo:
            raise Refused(Reply.HELLO_FIRST)

    def begin_mail(self, envelope: Envelope) -> None:
        """A mail transaction begins; what is logged from now on carries its trace id."""
        self.envelope = envelope
        bind_contextvars(trace_id=envelope.trace_id)

    def reset(self) -> None:
        """No mail transaction is under way any more."""
        if self.envelope is not None:
            self.envelope = None
            unbind_contextvars("trace_id")
        if self._farewell_after_mail is not None:
            self.connection.farewell = self._farewell_after_mail

    def recipient_was_right(self) -> None:
        """A client that knows recipients may be wrong about others."""
        self._mistakes = max(0, self._mistakes - 1)

    def message_was_taken(self) -> None:
        """A client that delivers has made no mistakes worth counting."""
        self._mistakes = 0

    def arrival(self) -> Arrival:
        """How a message comes that is sent now (RFC 3848, RFC 6531 §4.3)."""
        utf8 = self.envelope is not None and self.envelope.smtputf8
        if self.role is Role.LMTP:
            name = "UTF8LMTP" if utf8 else "LMTP"
        elif self.is_extended:
            name = "UTF8SMTP" if utf8 else "ESMTP"
        else:
            name = "SMTP"
        if self.is_extended:
            name += ("S" if self.connection.tls else "") + ("A" if self.own else "")
        return Arrival(name, self.helo, self.connection.peer.address, self.connection.tls, self.own)


def new_trace_id() -> str:
    """What finds one message in the logs of every service."""
    return secrets.token_hex(8)
