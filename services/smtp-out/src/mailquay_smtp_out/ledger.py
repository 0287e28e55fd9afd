"""This process' side of the queue: the leases it holds, and the outcomes it writes down."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Final

import structlog

from mailquay.runtime import metrics
from mailquay.store import StoreUnavailable
from mailquay.store.queue import Lease, Outcome, Queue, QueuedMessage, Verdict
from mailquay_smtp_out.jobs import Job, Result
from mailquay_smtp_out.outcomes import decide
from mailquay_smtp_out.retry import RetryPolicy

__all__ = ["Ledger"]

_LOG: Final = structlog.get_logger(__name__)
#: Heartbeats in one lease: two may be lost before it is.
_BEATS: Final = 3
#: A lease that has waited for longer is asked after before it is used.
_FRESH_SECONDS: Final = 5
_PAUSE_MAX_SECONDS: Final = 5


class Ledger:
    """Leases, by this process' own clock until when they surely hold.

    Args:
        queue: the store's.
        owner: a name that no other process has ever had.
        on_report: called when a sender is to be told something.
    """

    def __init__(
        self,
        queue: Queue,
        *,
        owner: str,
        lease_seconds: float,
        policy: RetryPolicy,
        random: Random,
        on_report: Callable[[], None],
    ) -> None:
        self._queue = queue
        self._owner = owner
        self._lease_seconds = lease_seconds
        self._policy = policy
        self._random = random
        self._on_report = on_report
        self._held: dict[int, tuple[Lease, float]] = {}
        self._writing: set[asyncio.Task[None]] = set()

    async def take(
        self, limit: int, *, except_domains: Sequence[str], by_message: bool
    ) -> list[tuple[QueuedMessage, list[Lease]]]:
        """Lease what is due, of up to ``limit`` messages at a destination each.

        Raises:
            StoreUnavailable: what was leased, if anything, comes back by itself.
        """
        until = time.monotonic() + self._lease_seconds
        leases = await self._queue.lease(
            self._owner,
            limit,
            self._lease_seconds,
            except_domains=except_domains,
            by_message=by_message,
        )
        if not leases:
            return []
        try:
            messages = await self._queue.messages(list({lease.message_id for lease in leases}))
        except StoreUnavailable:
            await self.hand_back(leases)
            raise
        groups: dict[tuple[int, str], list[Lease]] = {}
        for lease in leases:
            if lease.message_id not in messages:  # removed a moment ago
                continue
            self._held[lease.recipient_id] = (lease, until)
            key = (lease.message_id, "" if by_message else lease.domain)
            groups.setdefault(key, []).append(lease)
        return [(messages[message_id], group) for (message_id, _), group in groups.items()]

    def holds(self, lease: Lease) -> bool:
        """Whether nobody else can have taken the recipient meanwhile."""
        held = self._held.get(lease.recipient_id)
        return held is not None and held[0] is lease and held[1] > time.monotonic()

    async def confirm(self, leases: Iterable[Lease]) -> None:
        """Ask again for leases that have waited: an administrator may have put them on hold.

        Raises:
            StoreUnavailable: nobody can say.
        """
        fresh = time.monotonic() + self._lease_seconds - _FRESH_SECONDS
        waited = [
            lease for lease in leases if self._held.get(lease.recipient_id, (lease, 0))[1] < fresh
        ]
        if waited:
            await self._extend(waited)

    async def _extend(self, leases: Sequence[Lease]) -> None:
        until = time.monotonic() + self._lease_seconds
        ours = await self._queue.extend(self._owner, leases, self._lease_seconds)
        for lease in leases:
            if lease.recipient_id not in self._held:
                continue
            if lease.recipient_id in ours:
                self._held[lease.recipient_id] = (lease, until)
            else:
                del self._held[lease.recipient_id]

    async def beat(self) -> None:
        """Hold what is held for longer, until cancelled."""
        while True:
            await asyncio.sleep(self._lease_seconds / _BEATS)
            leases = [lease for lease, _ in self._held.values()]
            if not leases:
                continue
            try:
                await self._extend(leases)
            except StoreUnavailable as error:
                _LOG.warning("leases cannot be extended", leases=len(leases), reason=str(error))

    async def settle(self, job: Job, results: Sequence[Result]) -> None:
        """Write down what an attempt came to; not even a cancellation keeps that from being done.

        While Postgres is away it is tried again: what has been delivered must be known.
        """
        for result in results:
            job.waiting.pop(result.lease.recipient_id, None)
        now, jitter = datetime.now(UTC), self._random.random()
        outcomes = [
            decide(job.message, result, now=now, policy=self._policy, jitter=jitter)
            for result in results
        ]
        task = asyncio.create_task(self._write(job.message, outcomes))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        await asyncio.shield(task)

    async def _write(self, message: QueuedMessage, outcomes: Sequence[Outcome]) -> None:
        pause = 0.1
        while True:
            try:
                ours = await self._queue.finish(self._owner, outcomes)
                break
            except StoreUnavailable as error:
                _LOG.warning(
                    "an outcome cannot be written yet",
                    trace_id=message.trace_id,
                    queue_id=message.id,
                    reason=str(error),
                )
                await asyncio.sleep(pause)
                pause = min(pause * 2, _PAUSE_MAX_SECONDS)
        for outcome in outcomes:
            self._held.pop(outcome.lease.recipient_id, None)
            self._tell(message, outcome, is_ours=outcome.lease.recipient_id in ours)
        if any(outcome.report for outcome in outcomes):
            self._on_report()

    def _tell(self, message: QueuedMessage, outcome: Outcome, *, is_ours: bool) -> None:
        """Log and count an outcome."""
        is_expired = outcome.verdict is Verdict.FAILED and outcome.reply[:1] == "4"
        result = "expired" if is_expired else outcome.verdict.value
        metrics.QUEUE_ATTEMPTS.labels(result).inc()
        if outcome.verdict is Verdict.DELIVERED:
            waited = datetime.now(UTC) - message.created_at
            metrics.QUEUE_SECONDS.observe(max(0.0, waited.total_seconds()))
        log = _LOG.info if is_ours else _LOG.warning
        log(
            result if is_ours else "an attempt outlived its lease",
            trace_id=message.trace_id,
            queue_id=message.id,
            recipient=outcome.lease.address,
            host=outcome.host,
            reply=outcome.reply,
            attempt=outcome.lease.attempts + 1,
            retry_at=None if outcome.retry_at is None else outcome.retry_at.isoformat(),
            verdict=outcome.verdict.value,
            possible_duplicate=outcome.possible_duplicate or outcome.lease.possible_duplicate,
        )

    async def hand_back(self, leases: Sequence[Lease]) -> None:
        """End leases whose messages were not sent; where Postgres is away they end by themselves.

        What is no longer ours is left as it is.
        """
        for lease in leases:
            self._held.pop(lease.recipient_id, None)
        if leases:
            with contextlib.suppress(StoreUnavailable):
                await self._queue.hand_back(self._owner, leases)

    async def close(self) -> None:
        """Wait until everything is written down."""
        if self._writing:
            await asyncio.wait(self._writing)
