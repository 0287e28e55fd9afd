"""One IMAP connection: reads commands, runs their handlers, writes what they say.

Errors become replies here and nowhere else.
"""

import asyncio
import contextlib
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from enum import IntEnum
from typing import Any, Final

import structlog

from mailquay.blobs import BlobError, BlobUnavailable
from mailquay.delivery import Unavailable as DeliveryUnavailable
from mailquay.net.stream import Stream
from mailquay.runtime import metrics
from mailquay.store import AlreadyExists, NotFound, OverQuota, Refused, StoreUnavailable
from mailquay.store.accounts import Account
from mailquay_imap.capabilities import capabilities
from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.errors import ProtocolError
from mailquay_imap.protocol.fragments import (
    ClientData,
    Continue,
    Limits,
    Overflow,
    RawCommand,
    Rejected,
)
from mailquay_imap.protocol.parser import parse_command, split_tag
from mailquay_imap.protocol.search import BadCharset
from mailquay_imap.replies import Bad, No, Ok
from mailquay_imap.selected import Selected
from mailquay_imap.server import Server
from mailquay_imap.views import MailboxGone

__all__ = ["ConnectionEnd", "Session", "State"]

_LOG: Final = structlog.get_logger(__name__)
#: Before someone has signed in, nothing large is of use.
_LIMIT_BEFORE_LOGIN: Final = 16 * 1024
#: Written to the client at once; between two its reading is waited for.
_CHUNK_BYTES: Final = 128 * 1024
_BAD_MAX: Final = 50
#: Failures that the client can do something about, by their response code (RFC 9051 §7.1).
_FAILURES: Final[dict[type[Exception], str]] = {
    BadCharset: "BADCHARSET (UTF-8 US-ASCII)",
    NotFound: "NONEXISTENT",
    AlreadyExists: "ALREADYEXISTS",
    Refused: "CANNOT",
    OverQuota: "OVERQUOTA",
}
Handler = Callable[["Session", Any], Awaitable[Ok]]


class State(IntEnum):
    """RFC 9051 §3."""

    NOT_AUTHENTICATED = 1
    AUTHENTICATED = 2
    SELECTED = 3
    LOGOUT = 4


class ConnectionEnd(Exception):
    """The connection ends; what was written is still sent."""


class Session:
    """A client's connection."""

    __slots__ = (
        "_bad", "_handlers", "_out", "_out_bytes", "account", "client_id", "data", "enabled",
        "is_idle",
        "selected", "server", "state", "stream", "tag",
        "upgrade_after_reply",
    )  # fmt: skip

    def __init__(
        self,
        server: Server,
        stream: Stream,
        handlers: Mapping[type[c.Command], tuple[State, Handler]],
    ) -> None:
        self.server = server
        self._handlers = handlers
        self.stream = stream
        self.state = State.NOT_AUTHENTICATED
        self.account: Account | None = None
        self.selected: Selected | None = None
        self.enabled: set[str] = set()
        self.client_id = ""
        self.tag = b""  # of the command that runs
        self.data = ClientData(Limits(_LIMIT_BEFORE_LOGIN, _LIMIT_BEFORE_LOGIN))
        self.is_idle = False
        self.upgrade_after_reply: ssl.SSLContext | None = None
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._bad = 0

    # the conversation

    async def run(self) -> None:
        """Serve the connection until it ends."""
        self.server.sessions.add(self)
        try:
            await self._converse()
        except ConnectionEnd:
            pass
        except (OSError, ssl.SSLError, TimeoutError) as error:
            _LOG.debug("connection lost", client=self.stream.peer.address, reason=str(error))
        except Exception:
            _LOG.exception("session failed", client=self.stream.peer.address)
            self.write(b"* BYE [SERVERBUG] Something went wrong here\r\n")
        finally:
            self.server.sessions.discard(self)
            self.unselect()
            with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
                await self.flush()

    async def _converse(self) -> None:
        text = " ".join(capabilities(self))
        self.write(f"* OK [CAPABILITY {text}] Mailquay is ready\r\n".encode())
        await self.flush()
        while self.state is not State.LOGOUT:
            event = self.data.next_event()
            match event:
                case None:
                    await self.flush()
                    await self.read_more()
                case Continue():
                    self.write(b"+ Go on\r\n")
                    await self.flush()
                case Rejected(tag, size):
                    limit = self.data.limits.append
                    text = f"NO [TOOBIG] {size} bytes are more than the {limit} that are taken"
                    self.write(tag + f" {text}\r\n".encode())
                case Overflow():
                    self.write(b"* BYE [TOOBIG] The command line is too long\r\n")
                    raise ConnectionEnd
                case RawCommand():
                    await self._command(event)
            if self.server.stopping.is_set() and event is not None:
                self.say_goodbye()
                raise ConnectionEnd

    async def read_more(self) -> None:
        """Wait for more bytes of the client.

        Raises:
            ConnectionEnd: there are none any more, or none came in time.
        """
        settings = self.server.settings.imap
        is_known = self.state is not State.NOT_AUTHENTICATED
        seconds = settings.idle_timeout_seconds if is_known else settings.login_timeout_seconds
        self.is_idle = True
        try:
            async with asyncio.timeout(seconds):
                data = await self.stream.read()
        except TimeoutError:
            self.write(b"* BYE Nothing was heard for too long\r\n")
            raise ConnectionEnd from None
        finally:
            self.is_idle = False
        if not data:
            raise ConnectionEnd
        self.data.receive_data(data)

    def say_goodbye(self) -> None:
        """The service goes down; the client is to come back."""
        self.write(b"* BYE [UNAVAILABLE] The service is restarting, please come back\r\n")

    async def _command(self, raw: RawCommand) -> None:
        try:
            tag, _ = split_tag(raw)
        except ProtocolError as error:
            self._count_bad()
            self.write(f"* BAD {error}\r\n".encode("utf-8", "replace"))
            return
        self.tag = tag
        begun = time.perf_counter()
        name, status, text = await self._perform(raw)
        metrics.IMAP_COMMANDS.labels(name, status.lower()).inc()
        metrics.IMAP_SECONDS.labels(name).observe(time.perf_counter() - begun)
        self.write(tag + f" {status} {text}\r\n".encode("utf-8", "replace"))
        if self.upgrade_after_reply is not None:
            await self._upgrade(self.upgrade_after_reply)

    async def _perform(self, raw: RawCommand) -> tuple[str, str, str]:
        """Run a command: its name, and status and text of its completion."""
        name = "unknown"
        try:
            parsed = parse_command(raw, is_utf8=self.is_rev2)
            name = parsed.name
            reply = await self._run(parsed.command)
        except (ProtocolError, Bad) as error:
            self._count_bad()
            return name, "BAD", str(error)
        except MailboxGone:
            self.write(b"* BYE The selected mailbox was deleted\r\n")
            raise ConnectionEnd from None
        except No as error:
            return name, "NO", error.text
        except tuple(_FAILURES) as error:
            code = next(code for kind, code in _FAILURES.items() if isinstance(error, kind))
            return name, "NO", f"[{code}] {error}"
        except (StoreUnavailable, BlobUnavailable, DeliveryUnavailable) as error:
            _LOG.warning("storage is away", reason=str(error))
            return name, "NO", "[UNAVAILABLE] The storage cannot be reached, try again later"
        except BlobError as error:
            _LOG.error("a body cannot be read", reason=str(error))
            return name, "NO", "[SERVERBUG] The message's body cannot be read"
        return name, "OK", reply.text or f"{name} completed"

    async def _upgrade(self, context: ssl.SSLContext) -> None:
        """Go on inside TLS; nothing that was said before it counts (RFC 9051 §11.1)."""
        self.upgrade_after_reply = None
        await self.flush()
        self.data.discard()
        await self.stream.start_tls(context)

    def _count_bad(self) -> None:
        self._bad += 1
        if self._bad > _BAD_MAX:
            self.write(b"* BYE Too many commands that make no sense\r\n")
            raise ConnectionEnd

    async def _run(self, command: c.Command) -> Ok:
        needed, handler = self._handlers[type(command)]
        if self.state < needed:
            if self.state is State.NOT_AUTHENTICATED:
                raise Bad("sign in first")
            raise Bad("no mailbox is selected")
        if needed is State.NOT_AUTHENTICATED and isinstance(
            command, c.Login | c.Authenticate | c.StartTls
        ):
            self.require_not_authenticated()
        return await handler(self, command)

    def require_not_authenticated(self) -> None:
        """Refuse what only makes sense before signing in."""
        if self.state is not State.NOT_AUTHENTICATED:
            raise Bad("that is for before signing in")

    # what handlers use

    @property
    def is_rev2(self) -> bool:
        """Whether the client has enabled IMAP4rev2."""
        return "IMAP4REV2" in self.enabled

    @property
    def owner(self) -> Account:
        """Who has signed in."""
        assert self.account is not None, "the state table asks for it"
        return self.account

    def require_selected(self, *, writable: bool = False) -> Selected:
        """The selected mailbox.

        Raises:
            No: it was opened read-only, and is to be changed.
        """
        assert self.selected is not None, "the state table asks for it"
        if writable and self.selected.read_only:
            raise No("the mailbox was opened read-only", code="READ-ONLY")
        return self.selected

    def signed_in(self, account: Account) -> None:
        """The client is someone now; larger commands are read."""
        self.account = account
        self.state = State.AUTHENTICATED
        settings = self.server.settings.imap
        self.data.limits = Limits(settings.max_command_bytes, settings.max_append_bytes)

    def select(self, selected: Selected) -> None:
        """Enter a mailbox."""
        self.selected = selected
        self.state = State.SELECTED

    def selected_still_there(self) -> None:
        """Go on only while the mailbox is there.

        Raises:
            MailboxGone: it is not.
        """
        if self.selected is not None and self.selected.view.is_gone:
            raise MailboxGone

    def unselect(self) -> None:
        """Leave the mailbox, if one is selected."""
        if self.selected is not None:
            self.server.views.close(self.selected.view)
            self.selected = None
            if self.state is State.SELECTED:
                self.state = State.AUTHENTICATED

    async def sync(self, *, expunges: bool, quiet: set[int] | None = None) -> None:
        """Tell the client what has happened in its mailbox."""
        if self.selected is not None:
            await self.selected.refresh()
            self.tell_updates(expunges=expunges, quiet=quiet)

    def tell_updates(self, *, expunges: bool, quiet: set[int] | None = None) -> None:
        """Tell what the view knows already."""
        if self.selected is not None:
            lines = self.selected.updates(expunges=expunges, is_rev2=self.is_rev2, quiet=quiet)
            for line in lines:
                self.write(line)

    def write(self, data: bytes) -> None:
        """Say something; it is sent with what else is said in this command."""
        self._out.append(data)
        self._out_bytes += len(data)

    async def write_large(self, data: bytes) -> None:
        """Say something that may be one of many: a slow client is waited for, not buffered for."""
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
