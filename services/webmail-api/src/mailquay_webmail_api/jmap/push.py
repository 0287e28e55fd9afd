"""Push by EventSource (RFC 8620 §7.3): a state event for whatever changes, from any process.

Postgres is asked what has changed; an event of the bus only says when to ask. Without the bus the
same question is asked on a slow timer.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from mailquay.events import Event, IdentityRevoked
from mailquay.runtime import metrics
from mailquay.runtime.service import Platform
from mailquay.store import StoreUnavailable
from mailquay.store.errors import NotFound
from mailquay_webmail_api.auth.gate import Admission, Gate
from mailquay_webmail_api.http.problems import Problem
from mailquay_webmail_api.jmap.core.ids import account_id
from mailquay_webmail_api.jmap.core.slots import AccountSlots, NoSlot

__all__ = ["PushStreams", "push_routes"]

#: What is pushed of; "*" stands for all of them.
TYPES: Final = frozenset(
    {"Mailbox", "Email", "Thread", "EmailDelivery", "Identity", "EmailSubmission"}
)
#: A client may choose within these (RFC 8620 §7.3).
PING_MIN_SECONDS: Final = 5
PING_MAX_SECONDS: Final = 900
#: Of a stream without pings, so that a balancer does not think it dead.
_COMMENT_SECONDS: Final = 50
#: Changes that come faster than this are told of together.
_COALESCE_SECONDS: Final = 0.2
#: Clients of a process that ends come back over this time, not all at once.
_RETRY_MILLISECONDS: Final = (1000, 5000)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a client wants to hear."""

    types: frozenset[str]
    closes_after_state: bool
    ping_seconds: int
    #: The state that it has heard of last; None when it begins.
    since: int | None


class PushStreams:
    """The open streams of this process."""

    def __init__(self, platform: Platform, gate: Gate) -> None:
        self._platform = platform
        self._gate = gate
        self._slots = AccountSlots(platform.settings.web.max_event_streams)
        self._open: set[_Stream] = set()
        self._is_closing = False

    def close(self) -> None:
        """End all streams; clients open new ones, elsewhere."""
        self._is_closing = True
        for stream in self._open:
            stream.end()

    def open(self, admission: Admission, wish: _Wish) -> Response:
        """Answer with a new stream.

        Raises:
            Problem: 429, the account has too many; 503, the process ends.
        """
        if self._is_closing:
            raise Problem(503, "try again in a moment", headers={"Retry-After": "1"})
        stack = ExitStack()
        try:
            stack.enter_context(self._slots.take(admission.account.id))
        except NoSlot:
            headers = {"Retry-After": "30"}
            raise Problem(429, "too many push streams are open", headers=headers) from None
        stream = _Stream(self._platform, self._gate, admission, wish)
        self._open.add(stream)
        stack.callback(self._open.discard, stream)
        return _StreamResponse(stream, stack)


class _Stream:
    """One client's stream."""

    def __init__(self, platform: Platform, gate: Gate, admission: Admission, wish: _Wish) -> None:
        self._store = platform.store
        self._bus = platform.bus
        self._poll_seconds = platform.settings.web.poll_seconds
        self._gate = gate
        self._admission = admission
        self._account_id = admission.account.id
        self._wish = wish
        self._wake = asyncio.Event()
        self._is_ended = False
        self._asked_at = 0.0
        self._is_doubted = False

    def end(self) -> None:
        """Say no more."""
        self._is_ended = True
        self._wake.set()

    def _heard(self, event: Event) -> None:
        if not isinstance(event, IdentityRevoked):
            self._wake.set()
        elif event.account_id == self._account_id:
            self._is_doubted = True
            self._wake.set()

    async def pieces(self) -> AsyncIterator[bytes]:
        """What is sent, until the client goes, the session is void or the process ends."""
        with ExitStack() as stack:
            metrics.WEB_STREAMS.inc()
            stack.callback(metrics.WEB_STREAMS.dec)
            # Listening comes before looking, so that nothing falls in between.
            stack.callback(self._bus.subscribe_account(self._account_id, self._heard).close)
            stack.callback(self._bus.subscribe(self._heard).close)
            stack.callback(self._bus.on_reconnect(self._wake.set).close)
            await self._bus.wait_listening(self._account_id)
            yield f"retry: {random.randint(*_RETRY_MILLISECONDS)}\n\n".encode()  # noqa: S311
            async for piece in self._follow():
                yield piece

    async def _follow(self) -> AsyncIterator[bytes]:
        since = self._wish.since
        pinged_at = time.monotonic()
        while not self._is_ended:
            self._wake.clear()
            if not await self._is_admitted():
                return
            event, since = await self._look(since)
            if event is not None:
                yield event
                if self._wish.closes_after_state:
                    return
                await asyncio.sleep(_COALESCE_SECONDS)
            now = time.monotonic()
            if now - pinged_at >= (self._wish.ping_seconds or _COMMENT_SECONDS):
                pinged_at = now
                yield self._ping()
            await self._wait(pinged_at)

    async def _is_admitted(self) -> bool:
        """Asked on the slow timer, and when the account's credentials have changed."""
        now = time.monotonic()
        if not self._is_doubted and now - self._asked_at < self._poll_seconds:
            return True
        self._is_doubted, self._asked_at = False, now
        try:
            return await self._gate.is_valid(self._admission)
        except StoreUnavailable:
            return True  # nobody can say; nothing is told meanwhile either

    async def _look(self, since: int | None) -> tuple[bytes | None, int | None]:
        """The event that is due, and the state that the client knows then."""
        try:
            state = await self._store.states.since(self._account_id, since or 0)
        except StoreUnavailable:
            return None, since
        except NotFound:
            self._is_ended = True
            return None, since
        if since is None and self._wish.closes_after_state:
            # It waits for what is yet to come.
            return None, state.modseq
        # To begin with it is told where things stand: what it has read may be older already.
        changed = TYPES if since is None or since > state.modseq else state.changed
        told = changed & self._wish.types
        return (self._state_event(state.modseq, told) if told else None), state.modseq

    def _state_event(self, modseq: int, types: frozenset[str]) -> bytes:
        change = {
            "@type": "StateChange",
            "changed": {account_id(self._account_id): dict.fromkeys(sorted(types), str(modseq))},
        }
        data = msgspec.json.encode(change).decode()
        return f"event: state\nid: {modseq}\ndata: {data}\n\n".encode()

    def _ping(self) -> bytes:
        if not self._wish.ping_seconds:
            return b":\n\n"
        return f'event: ping\ndata: {{"interval":{self._wish.ping_seconds}}}\n\n'.encode()

    async def _wait(self, pinged_at: float) -> None:
        """Until something happens, a ping is due, or it is time to look without being told."""
        ping_at = pinged_at + (self._wish.ping_seconds or _COMMENT_SECONDS)
        seconds = min(self._poll_seconds, max(0.0, ping_at - time.monotonic()))
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return


class _StreamResponse(StreamingResponse):
    """Gives back what a stream holds also where the client has gone before its first byte."""

    def __init__(self, stream: _Stream, held: ExitStack) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(stream.pieces(), 200, headers, media_type="text/event-stream")
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._held:
            await super().__call__(scope, receive, send)


def push_routes(streams: PushStreams, gate: Gate) -> APIRouter:
    """The route."""
    router = APIRouter()

    @router.get("/jmap/eventsource/")
    async def event_source(request: Request) -> Response:
        admission = await gate.admit(request)
        return streams.open(admission, _read_wish(request))

    return router


def _read_wish(request: Request) -> _Wish:
    """The parameters of RFC 8620 §7.3.

    Raises:
        Problem: 400, one is of no meaning.
    """
    types = request.query_params.get("types", "*")
    close_after = request.query_params.get("closeafter", "no")
    ping = request.query_params.get("ping", "0")
    if close_after not in ("state", "no"):
        raise Problem(400, 'closeafter is "state" or "no"')
    if not (ping.isascii() and ping.isdigit() and len(ping) < 10):
        raise Problem(400, "ping is a number of seconds")
    seconds = int(ping)
    if seconds:
        seconds = min(max(seconds, PING_MIN_SECONDS), PING_MAX_SECONDS)
    last = request.headers.get("last-event-id", "")
    return _Wish(
        TYPES if types == "*" else frozenset(types.split(",")),
        close_after == "state",
        seconds,
        int(last) if last.isascii() and last.isdigit() and len(last) < 19 else None,
    )
