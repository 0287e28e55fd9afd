"""What nobody waits for: the queue's gauges."""

import asyncio
from typing import Final

import structlog

from mailquay.runtime import metrics
from mailquay.store import Store, StoreUnavailable

__all__ = ["Housekeeping"]

_LOG: Final = structlog.get_logger(__name__)


class Housekeeping:
    """Runs beside the deliveries of one process."""

    def __init__(self, store: Store, *, interval_seconds: float) -> None:
        self._store = store
        self._interval_seconds = interval_seconds

    async def run(self) -> None:
        """Look after the queue until cancelled."""
        while True:
            try:
                await self.measure()
            except StoreUnavailable as error:
                _LOG.warning("the queue cannot be measured", reason=str(error))
            await asyncio.sleep(self._interval_seconds)

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
