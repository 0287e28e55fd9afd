"""One IMAP connection: reads commands, runs their handlers, writes what they say (RFC 9051 §3)."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

import structlog

from mailquay.identity import Unavailable
from mailquay.net.stream import Stream
from mailquay.runtime import metrics
from mailquay.store import NotFound, StoreUnavailable
from mailquay.store.accounts import Account
from mailquay.store.types import MailboxId
from mailquay_imap.capabilities import capabilities
from mailquay_imap.everything import tell_everything
from mailquay_imap.output import Output
from mailquay_imap.progress import Progress
from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.errors import BadCharset, ProtocolError
from mailquay_imap.protocol.format import response_text
from mailquay_imap.protocol.fragments import (
    ClientData,
    Continue,
    Limits,
    Overflow,
    RawCommand,
    Rejected,
)
from mailquay_imap.protocol.parser import parse_command, split_tag
from mailquay_imap.replies import Bad, No, Ok, refusal
from mailquay_imap.selected import Selected
from mailquay_imap.server import Server
from mailquay_imap.states import ConnectionEnd, State, require_legal
from mailquay_imap.views import MailboxGone

if TYPE_CHECKING:
    from mailquay_imap.notifier import Notifier

__all__ = ["Session"]

_LOG: Final = structlog.get_logger(__name__)
#: Before someone has signed in, nothing large is of use.
_LIMIT_BEFORE_LOGIN: Final = 16 * 1024
#: Commands in a row that make no sense, before the client is cut off.
_BAD_MAX: Final = 50
Handler = Callable[["Session", Any], Awaitable[Ok]]


def _limits_before_login() -> Limits:
    return Limits(_LIMIT_BEFORE_LOGIN, _LIMIT_BEFORE_LOGIN)


class Session(Output):
    """A client's connection."""

    __slots__ = (
        "_bad", "_handlers", "_has_looked", "_login_deadline", "account",
        "after_reply", "client_id", "data", "enabled", "failed_sign_ins", "farewell", "hidden",
        "is_idle", "notifier", "selected", "server", "state", "tag",
    )  # fmt: skip

    def __init__(
        self,
        server: Server,
        stream: Stream,
        handlers: Mapping[type[c.Command], tuple[State, Handler]],
        hidden: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(stream)
        self.server = server
        self._handlers = handlers
        self.state = State.NOT_AUTHENTICATED
        self.account: Account | None = None
        self.selected: Selected | None = None
        self.hidden: Final = hidden  # capabilities that are not offered here, upper case
        self.enabled: set[str] = set()
        self.client_id = ""
        self.tag = b""  # of the command that runs
        self.farewell = b""  # what ends the connection when the command is answered
        self.failed_sign_ins = 0
        self.data = ClientData(_limits_before_login())
        self.is_idle = False
        self.notifier: Notifier | None = None
        #: What changes the connection once the command that asked for it is answered.
        self.after_reply: Callable[[], Awaitable[None]] | None = None
        self._login_deadline = time.monotonic() + server.settings.imap.login_timeout_seconds
        self._bad = 0
        self._has_looked = False  # for news in the mailbox, in the command that runs

    # the conversation

    async def run(self) -> None:
        """Serve the connection until it ends."""
        self.server.sessions.add(self)
        try:
            await self._converse()
        except ConnectionEnd:
            pass
        except TimeoutError:
            _LOG.info("the client takes nothing", client=self.stream.peer.address)
            self.stream.abort()
        except OSError as error:
            _LOG.debug("connection lost", client=self.stream.peer.address, reason=str(error))
        except Exception:
            _LOG.exception("session failed", client=self.stream.peer.address)
            self.write(b"* BYE [SERVERBUG] Something went wrong here\r\n")
        finally:
            self.server.sessions.discard(self)
            self.stop_notifying()
            await self.unselect()
            self.flush_now()

    async def _converse(self) -> None:
        text = " ".join(capabilities(self))
        self.write(f"* OK [CAPABILITY {text}] Mailquay is ready\r\n".encode())
        while self.state is not State.LOGOUT:
            match self.data.next_event():
                case None:
                    await self.flush()
                    await self.read_more()
                case Continue():
                    self.write(b"+ Go on\r\n")
                    await self.flush()
                case Rejected() as rejected:
                    self._reject(rejected)
                case Overflow():
                    self.write(b"* BYE [TOOBIG] The command line is too long\r\n")
                    raise ConnectionEnd
                case RawCommand() as raw:
                    await self._command(raw)

    async def read_more(self) -> None:
        """Wait for more bytes of the client.

        Raises:
            ConnectionEnd: there are none any more, or none came in time.
        """
        # A message that is on its way is waited for.
        if self.server.stopping.is_set() and not self.data.is_appending:
            self.say_goodbye()
            raise ConnectionEnd
        seconds = self.server.settings.imap.idle_timeout_seconds
        if self.state is State.NOT_AUTHENTICATED:
            seconds = max(0.0, self._login_deadline - time.monotonic())
        self.is_idle = not self.data.is_appending
        try:
            async with asyncio.timeout(seconds):
                reader = self.stream if self.notifier is None else self.notifier
                data = await reader.read()
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

    def say_revoked(self) -> None:
        """The account was disabled, or has another password now."""
        self.write(b"* BYE The account has changed, please sign in again\r\n")

    async def require_unchanged(self) -> None:
        """Go on only while what the client has signed in with is still so.

        Raises:
            ConnectionEnd: it is not.
        """
        if self.account is None:
            return
        with contextlib.suppress(Unavailable):  # then nobody can say that it is not
            if not await self.server.authenticator.is_unchanged(self.account):
                self.say_revoked()
                raise ConnectionEnd

    def end_now(self) -> None:
        """Close the connection of a client that is waited for, when it has what was said."""
        self.flush_now()
        self.stream.close()

    def _reject(self, rejected: Rejected) -> None:
        """A literal was too large (RFC 7889 §4 for APPEND's)."""
        if not rejected.is_append:
            self._count_bad()
        status = b"NO" if rejected.is_append else b"BAD"
        text = b" [TOOBIG] A literal of %d bytes is not taken\r\n" % rejected.size
        if rejected.tag is None:
            self.write(b"* BAD" + text)
        else:
            self.write(rejected.tag + b" " + status + text)

    async def _command(self, raw: RawCommand) -> None:
        try:
            tag, _ = split_tag(raw)
        except ProtocolError as error:
            self._count_bad()
            self.write(b"* BAD " + response_text(str(error), is_utf8=False) + b"\r\n")
            return
        self.tag = tag
        await self.require_unchanged()
        begun = time.perf_counter()
        name, status, text = await self._perform(raw)
        metrics.IMAP_COMMANDS.labels(name, status.lower()).inc()
        metrics.IMAP_SECONDS.labels(name).observe(time.perf_counter() - begun)
        line = response_text(f"{status} {text}", is_utf8=self.is_utf8)
        await self.write_large(tag + b" " + line + b"\r\n")
        if self.selected is not None and self.selected.view.is_gone:
            self.farewell = b"* BYE The selected mailbox was deleted\r\n"
        if self.farewell:
            self.write(self.farewell)
            raise ConnectionEnd
        if self.after_reply is not None:
            change, self.after_reply = self.after_reply, None
            await self.flush()
            await change()

    async def _perform(self, raw: RawCommand) -> tuple[str, str, str]:
        """Run a command: its name, and status and text of its completion."""
        name = "unknown"
        self._has_looked = False
        try:
            parsed = parse_command(raw, is_utf8=self.is_utf8)
            name, command = parsed.name, parsed.command
            reply = await self._run(command)
        except (ConnectionEnd, OSError):  # TimeoutError is one: the client takes nothing
            raise
        except Exception as error:
            if isinstance(error, BadCharset) and error.saves and self.selected is not None:
                self.selected.saved = []  # RFC 9051 §6.4.4.1
            refused = refusal(error)
            if isinstance(refused, Bad):
                self._count_bad()
                return name, "BAD", refused.text
            await self._tell_news(expunges=False)
            return name, "NO", refused.text
        self._bad = 0
        # Not while a client may use the numbers that it knows (RFC 9051 §7.5.1).
        uses_numbers = isinstance(command, c.WITH_NUMBERS) and not command.by_uid
        await self._tell_news(expunges=not uses_numbers)
        return name, "OK", reply.text or f"{name} completed"

    async def _tell_news(self, *, expunges: bool) -> None:
        """Look for changes, as is part of every command (RFC 9051 §7), and tell them.

        The command is done; that nobody can say what is new changes nothing about it.
        """
        if not self._has_looked:
            await self.look_after()
        await tell_everything(self, expunges=expunges)

    def _count_bad(self) -> None:
        self._bad += 1
        if self._bad > _BAD_MAX:
            self.write(b"* BYE Too many commands that make no sense\r\n")
            raise ConnectionEnd

    async def _run(self, command: c.Command) -> Ok:
        needed, handler = self._handlers[type(command)]
        require_legal(command, self.state, needed, self.enabled)
        with Progress(self, command):
            return await handler(self, command)

    # what handlers use

    @property
    def is_rev2(self) -> bool:
        """Whether the client has enabled IMAP4rev2."""
        return "IMAP4REV2" in self.enabled

    @property
    def is_utf8(self) -> bool:
        """Whether names and texts are UTF-8 (RFC 9051 §5.1, RFC 6855 §3)."""
        return self.is_rev2 or "UTF8=ACCEPT" in self.enabled

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

    def enable_condstore(self) -> None:
        """The client has used CONDSTORE, and is told where it stands (RFC 7162 §3.1)."""
        if "CONDSTORE" not in self.enabled and self.selected is not None:
            highest = self.selected.told_modseq
            self.write(b"* OK [HIGHESTMODSEQ %d] Changes are counted\r\n" % highest)
        self.enable("CONDSTORE")

    def enable(self, *names: str) -> None:
        """Speak otherwise from now on, in the selected mailbox as well."""
        self.enabled.update(names)
        if self.selected is not None:
            self.selected.speak(self.enabled)

    def signed_in(self, account: Account) -> None:
        """The client is someone now; larger commands are read."""
        self.account = account
        self.state = State.AUTHENTICATED
        settings = self.server.settings.imap
        self.data.limits = Limits(settings.max_command_bytes, settings.max_append_bytes)

    async def sign_out(self) -> None:
        """Be nobody again, as if the connection had just begun (RFC 8437 §3)."""
        self.stop_notifying()
        await self.unselect()
        self.account = None
        self.state = State.NOT_AUTHENTICATED
        self.enabled.clear()
        self.client_id = ""
        self.data.limits = _limits_before_login()
        self._login_deadline = time.monotonic() + self.server.settings.imap.login_timeout_seconds

    def select(self, selected: Selected) -> None:
        """Enter a mailbox."""
        selected.speak(self.enabled)
        self.selected = selected
        if self.notifier is not None:
            self.notifier.enter(selected)
        self.state = State.SELECTED
        self._has_looked = True

    async def unselect(self) -> None:
        r"""Leave the mailbox, if one is selected; what it told is \Recent to nobody else."""
        selected, self.selected = self.selected, None
        if selected is None:
            return
        if self.state is State.SELECTED:
            self.state = State.AUTHENTICATED
        view = selected.view
        self.server.views.close(view)
        if selected.has_told_recent and not selected.read_only:
            uidnext = selected.known.uids[-1] + 1
            with contextlib.suppress(StoreUnavailable, NotFound):
                await self.server.store.mailboxes.advance_recent(
                    view.account_id, view.mailbox_id, uidnext
                )

    def stop_notifying(self) -> None:
        """Tell news with commands only, and of the selected mailbox only (RFC 5465 §3.1)."""
        if self.notifier is not None:
            self.notifier.close()
            self.notifier = None

    def made(self, mailbox_id: MailboxId, uids: Collection[int]) -> None:
        """The client has put messages there itself, which is no news to it."""
        if self.selected is not None and self.selected.view.mailbox_id == mailbox_id:
            self.selected.own_uids.update(uids)
        if self.notifier is not None:
            self.notifier.made(mailbox_id, uids)

    def named(self, *names: str) -> None:
        """The client has made, removed or subscribed to these names itself."""
        if self.notifier is not None:
            self.notifier.named(*names)

    async def look(self) -> None:
        """Learn what is new in the mailbox; the client is told by `tell_updates`.

        Raises:
            MailboxGone, StoreUnavailable
        """
        if self.selected is not None:
            await self.selected.view.refresh(self.server.store)
            self._has_looked = True

    async def look_after(self) -> None:
        """Learn what is new when the command is done: failing that, it is done all the same."""
        with contextlib.suppress(StoreUnavailable, MailboxGone):
            await self.look()

    def must_look_again(self) -> None:
        """The command has changed the mailbox since it looked."""
        self._has_looked = False

    def tell_updates(self, *, expunges: bool, quiet: Collection[int] = ()) -> None:
        """Tell the client what the view knows and it does not."""
        if self.selected is not None:
            for line in self.selected.updates(expunges=expunges, is_rev2=self.is_rev2, quiet=quiet):
                self.write(line)
