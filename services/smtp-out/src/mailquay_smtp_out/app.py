"""The service: what runs in it, and its end."""

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import SystemRandom
from typing import Final

import structlog

from mailquay.events import Event, QueueReady
from mailquay.runtime.service import Platform, Service
from mailquay.runtime.settings import SmtpOutSettings
from mailquay_smtp_out.bodies import Bodies
from mailquay_smtp_out.courier import Courier
from mailquay_smtp_out.dialer import Dialer
from mailquay_smtp_out.housekeeping import Housekeeping
from mailquay_smtp_out.ledger import Ledger
from mailquay_smtp_out.relays import Relays
from mailquay_smtp_out.reporter import Reporter
from mailquay_smtp_out.retry import RetryPolicy
from mailquay_smtp_out.scheduler import Scheduler

__all__ = ["start"]

#: Of the drain time, what is left for writing down what the last deliveries came to.
_LAST_WORDS: Final = 0.2
_AGAIN_SECONDS: Final = 1.0
_LOG: Final = structlog.get_logger(__name__)


async def start(platform: Platform) -> Service:
    """Begin to work on the queue."""
    settings, store = platform.settings, platform.store
    out = settings.smtp_out
    random = SystemRandom()
    reporter = Reporter(
        store,
        platform.blobs,
        platform.deliverer,
        hostname=settings.hostname,
        poll_seconds=out.poll_seconds,
    )
    ledger = Ledger(
        store.queue,
        # No process that ever was may be taken for this one: it could write into its leases.
        owner=f"{settings.hostname}/{os.getpid()}/{secrets.token_hex(6)}",
        lease_seconds=out.lease_seconds,
        policy=_retry_policy(out),
        random=random,
        on_report=reporter.wake,
    )
    dialer = Dialer(settings, platform.resolver, random)

    def make_courier() -> Courier:
        return Courier(
            dialer,
            holds=ledger.holds,
            settle=ledger.settle,
            recipients_max=out.recipients_per_message,
        )

    relays = Relays(store.relays, seconds=out.relay_cache_seconds)
    scheduler = Scheduler(
        store.queue,
        ledger,
        Bodies(platform.blobs, memory_bytes=out.memory_bytes),
        make_courier,
        out,
        relays=relays,
        has_smarthost=dialer.has_smarthost,
    )
    housekeeping = Housekeeping(
        store,
        measure_seconds=out.poll_seconds,
        keep_finished_seconds=out.keep_finished_seconds,
        duplicate_window_seconds=settings.smtp_in.duplicate_window_seconds,
    )

    def heard(event: Event) -> None:
        relays.heard(event)
        if isinstance(event, QueueReady):
            scheduler.wake()

    subscriptions = [
        platform.bus.subscribe(heard),
        platform.bus.on_reconnect(scheduler.wake),
        platform.bus.on_reconnect(relays.forget),
    ]
    scheduling = asyncio.create_task(_keep_running(scheduler.run))
    others = [
        asyncio.create_task(_keep_running(work))
        for work in (ledger.beat, reporter.run, housekeeping.run)
    ]

    async def drain() -> None:
        for subscription in subscriptions:
            subscription.close()
        await scheduler.hand_back()
        platform.bus.publish(QueueReady())  # to whoever goes on
        await scheduler.drain(settings.net.drain_seconds * (1 - _LAST_WORDS))
        # It ends by itself, after it has handed back what it was just leasing.
        await asyncio.wait([scheduling], timeout=settings.net.drain_seconds * _LAST_WORDS / 2)
        platform.bus.publish(QueueReady())
        for task in (scheduling, *others):
            task.cancel()
        await asyncio.wait([scheduling, *others])

    return Service({}, drain)


async def _keep_running(work: Callable[[], Awaitable[None]]) -> None:
    """Begin again after a fault of our own: mail that waits is worth more than a clean end."""
    while True:
        try:
            await work()
        except Exception:
            _LOG.exception("a part of the service went wrong, and begins again")
            await asyncio.sleep(_AGAIN_SECONDS)
        else:
            return


def _retry_policy(settings: SmtpOutSettings) -> RetryPolicy:
    notice = settings.delay_notice_seconds
    return RetryPolicy(
        steps=tuple(timedelta(seconds=step) for step in settings.retry_steps_seconds),
        max_age=timedelta(seconds=settings.max_age_seconds),
        delay_notice_after=None if notice is None else timedelta(seconds=notice),
    )
