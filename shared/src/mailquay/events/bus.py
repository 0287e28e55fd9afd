"""The connection to NATS: publishes hints, hands them to whoever listens, survives its loss."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as NatsSubscription
from nats.errors import Error as NatsError

from mailquay.events.types import PREFIX, AccountChanged, Event, decode, encode, subject_of
from mailquay.runtime import metrics
from mailquay.runtime.settings import NatsSettings
from mailquay.store.types import AccountId

__all__ = ["Bus", "Subscription"]

_LOG: Final = logging.getLogger(__name__)
#: A server that takes longer to hear of a subscription is as good as away: polling has to do.
_LISTEN_SECONDS: Final = 1
Listener = Callable[[Event], None]


class Subscription:
    """Ends when closed."""

    def __init__(self, close: Callable[[], None]) -> None:
        self._close: Callable[[], None] | None = close

    def close(self) -> None:
        """Hear no more; closing twice is no fault."""
        if self._close is not None:
            self._close()
            self._close = None


class Bus:
    """Events of this process. Without NATS everything here does nothing, and says so in a gauge."""

    def __init__(self, settings: NatsSettings) -> None:
        self._settings = settings
        self._client: Client | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._connected = asyncio.Event()
        self._accounts: dict[int, list[Listener]] = {}
        self._account_subscriptions: dict[int, object] = {}
        self._opening: dict[int, asyncio.Task[None]] = {}
        self._listeners: list[Listener] = []
        self._on_reconnect: list[Callable[[], None]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, settings: NatsSettings) -> "Bus":
        """Begin to connect; never fails, and never waits."""
        bus = cls(settings)
        metrics.BUS_CONNECTED.set(0)
        if settings.url:
            bus._connecting = asyncio.create_task(bus._connect())
        return bus

    @property
    def is_connected(self) -> bool:
        """Whether events travel now."""
        return self._client is not None and self._client.is_connected

    @property
    def is_configured(self) -> bool:
        """Whether there is a bus at all."""
        return self._settings.url is not None

    def measure(self) -> None:
        """Set the gauge of what is listened to."""
        metrics.BUS_ACCOUNTS.set(len(self._accounts))

    async def wait_connected(self, seconds: float) -> bool:
        """Wait for the connection; False when it did not come."""
        try:
            async with asyncio.timeout(seconds):
                await self._connected.wait()
        except TimeoutError:
            return False
        return True

    async def _connect(self) -> None:
        assert self._settings.url is not None
        options: dict[str, object] = {}
        if self._settings.credentials_file is not None:
            options["user_credentials"] = str(self._settings.credentials_file)
        client = Client()
        delay = 0.2
        while True:
            try:
                await client.connect(
                    servers=self._settings.url.split(","),
                    name="mailquay",
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=1,
                    connect_timeout=5,
                    ping_interval=20,
                    error_cb=self._error,
                    disconnected_cb=self._disconnected,
                    reconnected_cb=self._reconnected,
                    allow_reconnect=True,
                    **options,  # type: ignore[arg-type]
                )
                break
            except (OSError, NatsError, TimeoutError):
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5)
                client = Client()
        self._client = client
        for prefix in ("queue.ready", "config.changed", "identity.revoked"):
            await client.subscribe(f"{PREFIX}.{prefix}", cb=self._heard)
        for account_id in list(self._accounts):
            await self._listen(account_id)
        await self._reconnected()

    async def _error(self, error: Exception) -> None:
        _LOG.debug("the event bus: %s", error)

    async def _disconnected(self) -> None:
        metrics.BUS_CONNECTED.set(0)
        self._connected.clear()
        _LOG.warning("the event bus is away; changes are seen by polling until it is back")

    async def _reconnected(self) -> None:
        metrics.BUS_CONNECTED.set(1)
        self._connected.set()
        # Whatever was said meanwhile was missed: everyone looks for themselves.
        for callback in list(self._on_reconnect):
            callback()

    async def _heard(self, message: Msg) -> None:
        event = decode(message.subject, message.data)
        if event is None:
            metrics.BUS_EVENTS.labels("unreadable").inc()
            return
        metrics.BUS_EVENTS.labels("received").inc()
        if isinstance(event, AccountChanged):
            listeners = list(self._accounts.get(event.account_id, ()))
        else:
            listeners = list(self._listeners)
        for listener in listeners:
            try:
                listener(event)
            except Exception:
                _LOG.exception("a listener failed")

    def publish(self, event: Event) -> None:
        """Send a hint, now or never; call it only after the commit that it tells of."""
        if self._client is None or not self._client.is_connected:
            metrics.BUS_EVENTS.labels("dropped").inc()
            return
        self._spawn(self._publish(self._client, subject_of(event), encode(event)))

    async def _publish(self, client: Client, subject: str, payload: bytes) -> None:
        try:
            await client.publish(subject, payload)
            metrics.BUS_EVENTS.labels("published").inc()
        except (NatsError, OSError):
            metrics.BUS_EVENTS.labels("dropped").inc()

    def _spawn(self, work: "asyncio.Future[None] | object") -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def subscribe_account(self, account_id: AccountId, listener: Listener) -> Subscription:
        """Hear of one account's changes; the process subscribes once however many listen."""
        listeners = self._accounts.setdefault(account_id, [])
        listeners.append(listener)
        if len(listeners) == 1 and self._client is not None:
            opening = asyncio.create_task(self._listen(account_id))
            self._opening[account_id] = opening
            opening.add_done_callback(lambda _task: self._opening.pop(account_id, None))

        def close() -> None:
            remaining = self._accounts.get(account_id, [])
            if listener in remaining:
                remaining.remove(listener)
            if not remaining:
                self._accounts.pop(account_id, None)
                self._spawn(self._unlisten(account_id))

        return Subscription(close)

    async def wait_listening(self, account_id: AccountId) -> None:
        """Wait until the server knows that we listen, as far as it answers soon.

        Whoever looks after this, and was subscribed before, misses nothing.
        """
        opening = self._opening.get(account_id)
        if opening is not None:
            await asyncio.wait([opening], timeout=_LISTEN_SECONDS)

    async def _listen(self, account_id: int) -> None:
        if self._client is None or account_id in self._account_subscriptions:
            return
        self._account_subscriptions[account_id] = None
        with contextlib.suppress(NatsError, OSError, TimeoutError):
            self._account_subscriptions[account_id] = await self._client.subscribe(
                f"{PREFIX}.account.{account_id}.changed", cb=self._heard
            )
            # The client writes a PING ahead of what it has queued: only the second one's PONG says
            # that the subscription has arrived.
            await self._client.flush(_LISTEN_SECONDS)
            await self._client.flush(_LISTEN_SECONDS)
        if account_id not in self._accounts:  # whoever listened has gone meanwhile
            await self._unlisten(account_id)

    async def _unlisten(self, account_id: int) -> None:
        if account_id in self._accounts:  # someone came back meanwhile
            return
        subscription = self._account_subscriptions.pop(account_id, None)
        if isinstance(subscription, NatsSubscription):
            with contextlib.suppress(NatsError, OSError):
                await subscription.unsubscribe()

    def subscribe(self, listener: Listener) -> Subscription:
        """Hear of everything that is not an account's: queue, configuration, credentials."""
        self._listeners.append(listener)
        return Subscription(lambda: self._listeners.remove(listener))

    def on_reconnect(self, callback: Callable[[], None]) -> Subscription:
        """Be told that hints may have been missed."""
        self._on_reconnect.append(callback)
        return Subscription(lambda: self._on_reconnect.remove(callback))

    async def close(self) -> None:
        """Send what is still to be sent, and go."""
        if self._connecting is not None:
            self._connecting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._connecting
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1)
        if self._client is not None:
            with contextlib.suppress(NatsError, OSError, TimeoutError):
                async with asyncio.timeout(2):
                    await self._client.flush(1)
                    await self._client.close()
