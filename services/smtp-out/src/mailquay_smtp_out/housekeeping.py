"""What nobody waits for: the queue's gauges, and forgetting what is over."""

import asyncio
import time
from typing import Final

import structlog

from mailquay.runtime import metrics
from mailquay.store import Store, StoreUnavailable

__all__ = ["Housekeeping"]

_LOG: Final = structlog.get_logger(__name__)
_TRIM_INTERVAL_SECONDS: Final = 300
#: Rows that one statement deletes: it must not be long.
_SLICE: Final = 5_000


class Housekeeping:
    """Runs beside the deliveries of one process.

    Args:
        store: the queue's, and that of the digests by which a repeated delivery is known.
        measure_seconds: how often the gauges are set.
        keep_finished_seconds: how long finished messages stay in the queue's tables.
        duplicate_window_seconds: how long digests of deliveries are kept.
    """

    def __init__(
        self,
        store: Store,
        *,
        measure_seconds: float,
        keep_finished_seconds: float,
        duplicate_window_seconds: float,
    ) -> None:
        self._store = store
        self._measure_seconds = measure_seconds
        self._keep_finished_seconds = keep_finished_seconds
        self._duplicate_window_seconds = duplicate_window_seconds

    async def run(self) -> None:
        """Look after the queue until cancelled."""
        trim_at = time.monotonic()
        while True:
            try:
                await self.measure()
                if time.monotonic() >= trim_at:
                    trim_at = time.monotonic() + _TRIM_INTERVAL_SECONDS
                    await self.trim()
            except StoreUnavailable as error:
                _LOG.warning("the queue cannot be looked after", reason=str(error))
            await asyncio.sleep(self._measure_seconds)

    async def measure(self) -> None:
        """Set the gauges.

        Raises:
            StoreUnavailable: Postgres does not answer.
        """
        depth = await self._store.queue.depth()
        metrics.QUEUE_DEPTH.labels("queued").set(depth.queued)
        metrics.QUEUE_DEPTH.labels("held").set(depth.held)
        metrics.QUEUE_DEPTH.labels("leased").set(depth.leased)
        metrics.QUEUE_OLDEST.set(depth.oldest_seconds)
        metrics.QUEUE_LATE.set(depth.late_seconds)

    async def trim(self) -> None:
        """Forget what is over, where no other process is at it.

        Raises:
            StoreUnavailable: Postgres does not answer; the rest is forgotten the next time.
        """
        async with self._store.alone("smtp-out trim") as is_alone:
            if not is_alone:
                return
            messages = digests = 0
            while count := await self._store.queue.trim(self._keep_finished_seconds, limit=_SLICE):
                messages += count
            while count := await self._store.deliveries.trim(
                self._duplicate_window_seconds, limit=_SLICE
            ):
                digests += count
            if messages or digests:
                _LOG.info("trimmed", messages=messages, digests=digests)
