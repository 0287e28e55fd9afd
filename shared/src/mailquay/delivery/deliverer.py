"""The group commit: messages that arrive together become one pack and one transaction.

Nothing waits for company: an idle deliverer commits a message alone, at once. While a batch is
under way, what arrives gathers for the next one, so that load makes batches and batches make
throughput. A pack holds one tenant's mail only, so that each tenant has a lane of its own; a second
batch begins beside a first one that is slow, or when a whole batch waits.
"""

import asyncio
import contextlib
import hashlib
import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from mailquay.blobs import BlobRef, BlobStore, BlobUnavailable
from mailquay.delivery.facts import MessageFacts, read_facts
from mailquay.delivery.incoming import Delivered, Incoming
from mailquay.events import AccountChanged, Bus, QueueReady
from mailquay.runtime import metrics
from mailquay.runtime.settings import Settings
from mailquay.store import RolledBack, Store, StoreUnavailable
from mailquay.store.deliveries import (
    BatchResult,
    Known,
    Placed,
    PlacementRow,
    Question,
    QueueRecipientRow,
    QueueRow,
)
from mailquay.store.types import TenantId

__all__ = ["Deliverer", "Unavailable"]

_LOG: Final = logging.getLogger(__name__)
#: A message that takes longer to scan than a thread's hand-over is scanned in a thread.
_INLINE_BYTES: Final = 256 * 1024


class Unavailable(Exception):
    """Nothing was acknowledged: object storage or Postgres is away; try again later."""


@dataclass(slots=True)
class _Waiting:
    incoming: Incoming
    facts: MessageFacts
    digests: list[bytes | None]  # of the local placements
    future: "asyncio.Future[Delivered]"
    begun: float


@dataclass(slots=True)
class _Lane:
    """A tenant's messages that wait, and its batches under way."""

    waiting: deque[_Waiting] = field(default_factory=deque)
    waiting_bytes: int = 0
    batches: int = 0
    begun: float = 0.0  # when the latest batch began


class Deliverer:
    """Delivers for one process."""

    def __init__(self, store: Store, blobs: BlobStore, bus: Bus, settings: Settings) -> None:
        self._store = store
        self._blobs = blobs
        self._bus = bus
        self._settings = settings.delivery
        self._window = settings.smtp_in.duplicate_window_seconds
        self._max_age = timedelta(seconds=settings.smtp_out.max_age_seconds)
        self._lanes: dict[TenantId, _Lane] = {}
        self._batches: set[asyncio.Task[Any]] = set()
        self._lag_seconds = 0.0

    async def deliver(self, incoming: Incoming) -> Delivered:
        """Put a message where it belongs; when this returns, it is durable and visible.

        Raises:
            Unavailable: nothing is known of the outcome, and nothing may be acknowledged.
        """
        waiting = await self._prepare(incoming)
        lane = self._lanes.get(incoming.tenant_id)
        if lane is None:
            lane = self._lanes[incoming.tenant_id] = _Lane()
        lane.waiting.append(waiting)
        lane.waiting_bytes += len(incoming.raw)
        self._fill()
        return await waiting.future

    async def deliver_together(self, incoming: Sequence[Incoming]) -> list[Delivered]:
        """Put messages of one tenant, all of them or none, where they belong (RFC 3502).

        They are a batch of their own: nobody sees some of them.

        Raises:
            Unavailable: nothing is known of the outcome, and nothing may be acknowledged.
        """
        batch = [await self._prepare(one) for one in incoming]
        task = asyncio.create_task(self._commit(batch, together=True))
        self._batches.add(task)
        task.add_done_callback(self._batches.discard)
        try:
            return await asyncio.shield(task)
        except (StoreUnavailable, BlobUnavailable) as error:
            raise Unavailable(str(error)) from error

    async def _prepare(self, incoming: Incoming) -> _Waiting:
        begun = time.perf_counter()
        loop = asyncio.get_running_loop()
        if len(incoming.raw) <= _INLINE_BYTES:
            facts = read_facts(incoming.raw)
        else:
            facts = await loop.run_in_executor(None, read_facts, incoming.raw)
        digests = [self._digest(incoming, facts, target.recipient) for target in incoming.local]
        return _Waiting(incoming, facts, digests, loop.create_future(), begun)

    def measure(self) -> None:
        """Set the lag's gauge: the longest wait since it was last set, of those that wait too."""
        now = time.perf_counter()
        waits = [now - lane.waiting[0].begun for lane in self._lanes.values() if lane.waiting]
        metrics.DELIVERY_LAG.set(max([self._lag_seconds, *waits]))
        self._lag_seconds = 0.0

    async def close(self) -> None:
        """Wait for what is under way."""
        while self._lanes or self._batches:
            self._fill()
            await asyncio.wait(self._batches)

    def _fill(self) -> None:
        """Begin every batch that is due: of those lanes first that have the fewest under way.

        Of these the one that has waited longest; so no tenant's load keeps another's mail waiting.
        """
        while len(self._batches) < self._settings.concurrent_batches:
            due = [lane for lane in self._lanes.values() if self._is_due(lane)]
            if not due:
                return
            self._begin(min(due, key=lambda lane: (lane.batches, lane.begun)))

    def _is_due(self, lane: _Lane) -> bool:
        if not lane.waiting or not lane.batches:
            return bool(lane.waiting)
        return (
            len(lane.waiting) >= self._settings.batch_max_messages
            or lane.waiting_bytes >= self._settings.batch_max_bytes
            or time.monotonic() >= lane.begun + self._settings.gather_seconds
        )

    def _begin(self, lane: _Lane) -> None:
        lane.batches += 1
        lane.begun = time.monotonic()
        batch = self._take(lane)
        task = asyncio.create_task(self._run(batch))
        self._batches.add(task)

        def finished(task: asyncio.Task[None]) -> None:
            self._batches.discard(task)
            lane.batches -= 1
            if not lane.batches and not lane.waiting:
                del self._lanes[batch[0].incoming.tenant_id]
            self._fill()

        task.add_done_callback(finished)
        # What waits behind a slow batch is not told of its slowness by anything else.
        asyncio.get_running_loop().call_later(self._settings.gather_seconds, self._fill)

    def _take(self, lane: _Lane) -> list[_Waiting]:
        """The next batch: one message at least, and no more than fit."""
        batch: list[_Waiting] = []
        size = 0
        while lane.waiting and len(batch) < self._settings.batch_max_messages:
            size += len(lane.waiting[0].incoming.raw)
            if batch and size > self._settings.batch_max_bytes:
                break
            batch.append(lane.waiting.popleft())
        lane.waiting_bytes -= sum(len(waiting.incoming.raw) for waiting in batch)
        return batch

    async def _run(self, batch: list[_Waiting]) -> None:
        """Commit a batch; what cannot be committed together, message by message.

        One of them may be bad, and the others must not suffer for it.
        """
        try:
            if not await self._try(batch, is_last=False):
                for waiting in batch:
                    await self._try([waiting], is_last=True)
            self._lag_seconds = max(self._lag_seconds, time.perf_counter() - batch[0].begun)
        except BaseException:
            self._fail(batch, Unavailable("the process is going down"))
            raise

    async def _try(self, batch: list[_Waiting], *, is_last: bool) -> bool:
        """Commit and tell whoever waits; False when nothing was done and another try is due."""
        metrics.DELIVERY_BATCH.observe(len(batch))
        try:
            results = await self._commit(batch)
        except (StoreUnavailable, BlobUnavailable) as error:
            if isinstance(error, RolledBack) and not is_last:
                return False
            _LOG.warning("delivery failed, nothing was acknowledged: %s", error)
            self._refuse(batch, error)
        except Exception as error:
            if not is_last:
                return False
            _LOG.exception("a message could not be delivered")
            self._refuse(batch, error)
        else:
            for waiting, result in zip(batch, results, strict=True):
                if not waiting.future.done():
                    waiting.future.set_result(result)
                metrics.DELIVERY_SECONDS.observe(time.perf_counter() - waiting.begun)
        return True

    def _refuse(self, batch: list[_Waiting], error: Exception) -> None:
        metrics.DELIVERED.labels("unavailable").inc(len(batch))
        self._fail(batch, Unavailable(str(error)))

    @staticmethod
    def _fail(batch: list[_Waiting], error: Exception) -> None:
        for waiting in batch:
            if not waiting.future.done():
                waiting.future.set_exception(error)

    async def _commit(self, batch: list[_Waiting], *, together: bool = False) -> list[Delivered]:
        """Bodies first, then the one transaction, then the events."""
        tenant = batch[0].incoming.tenant_id
        written, known = await asyncio.gather(
            self._blobs.put_many(tenant, [waiting.incoming.raw for waiting in batch]),
            self._look(batch),
        )
        placements: list[PlacementRow] = []
        queued: list[QueueRow] = []
        now = datetime.now(UTC)
        for waiting, ref in zip(batch, written.refs, strict=True):
            placements += self._placements(waiting, ref, now)
            if waiting.incoming.remote:
                queued.append(self._queue_row(waiting, ref, now))
        result = await self._store.deliveries.commit(
            written.packs,
            placements,
            queued,
            known=known,
            duplicate_window_seconds=self._window,
            default_quota_bytes=self._settings.default_quota_bytes,
            together=together,
        )
        delivered = self._hand_out(batch, result)
        self._announce(batch, delivered)
        return delivered

    async def _look(self, batch: list[_Waiting]) -> Known | None:
        """What the batch has to know; where something is queued it looks under the lock only."""
        if any(waiting.incoming.remote for waiting in batch):
            return None
        question = Question()
        for waiting in batch:
            keys = waiting.facts.thread_keys
            for target, digest in zip(waiting.incoming.local, waiting.digests, strict=True):
                mailbox_ids = (target.mailbox_id, *target.also)
                question.add(target.account_id, mailbox_ids, digest, keys)
        return await self._store.deliveries.look(question, self._window)

    def _placements(self, waiting: _Waiting, ref: BlobRef, now: datetime) -> list[PlacementRow]:
        incoming, email = waiting.incoming, waiting.facts.at(ref)
        return [
            PlacementRow(
                email=email,
                account_id=target.account_id,
                mailbox_id=target.mailbox_id,
                flags=target.flags,
                keywords=target.keywords,
                received_at=target.received_at or now,
                digest=digest,
                enforce_quota=target.enforce_quota,
                also=target.also,
            )
            for target, digest in zip(incoming.local, waiting.digests, strict=True)
        ]

    def _queue_row(self, waiting: _Waiting, ref: BlobRef, now: datetime) -> QueueRow:
        incoming = waiting.incoming
        addresses = ",".join(sorted(recipient.address for recipient in incoming.remote))
        return QueueRow(
            tenant_id=TenantId(incoming.tenant_id),
            account_id=incoming.submitter,
            reverse_path=incoming.reverse_path,
            email=waiting.facts.at(ref),
            smtputf8=incoming.smtputf8,
            is_8bit=waiting.facts.is_8bit,
            envelope_id=incoming.envelope_id,
            ret=incoming.ret,
            digest=self._digest(incoming, waiting.facts, addresses),
            trace_id=incoming.trace_id,
            expires_at=now + self._max_age,
            recipients=tuple(
                QueueRecipientRow(r.address, r.domain, r.notify, r.original_recipient)
                for r in incoming.remote
            ),
        )

    def _digest(self, incoming: Incoming, facts: MessageFacts, recipient: str) -> bytes | None:
        """What a repeated delivery of these bytes to that recipient has in common with this one."""
        if incoming.repeat_key is None or not self._window or facts.message_id is None:
            return None
        digest = hashlib.sha256(incoming.repeat_key)
        for text in (facts.message_id, incoming.reverse_path, recipient):
            digest.update(b"\0" + text.encode("utf-8", "surrogateescape"))
        return digest.digest()[:16]

    @staticmethod
    def _hand_out(batch: list[_Waiting], result: BatchResult) -> list[Delivered]:
        placements, queue_ids = iter(result.placements), iter(result.queue_ids)
        delivered = []
        for waiting in batch:
            own = tuple(next(placements) for _ in waiting.incoming.local)
            queue_id = next(queue_ids) if waiting.incoming.remote else None
            delivered.append(Delivered(own, queue_id))
            for placement in own:
                if not isinstance(placement, Placed):
                    metrics.DELIVERED.labels("refused").inc()
                elif placement.is_duplicate:
                    metrics.DELIVERED.labels("duplicate").inc()
                else:
                    metrics.DELIVERED.labels("delivered").inc()
            if queue_id is not None:
                metrics.DELIVERED.labels("queued").inc()
        return delivered

    def _announce(self, batch: list[_Waiting], delivered: list[Delivered]) -> None:
        """Tell what has been committed: one event an account, one for the queue."""
        changed: dict[int, tuple[int, set[int], str]] = {}
        is_queued = False
        for waiting, outcome in zip(batch, delivered, strict=True):
            is_queued = is_queued or outcome.queue_id is not None
            for target, placement in zip(waiting.incoming.local, outcome.placements, strict=True):
                if isinstance(placement, Placed) and not placement.is_duplicate:
                    modseq, mailboxes, trace = changed.setdefault(
                        placement.account_id,
                        (placement.modseq, set(), waiting.incoming.trace_id),
                    )
                    mailboxes.update((placement.mailbox_id, *target.also))
        with contextlib.suppress(Exception):
            for account_id, (modseq, mailboxes, trace) in changed.items():
                self._bus.publish(
                    AccountChanged(
                        account_id=account_id,
                        modseq=modseq,
                        mailbox_ids=tuple(sorted(mailboxes)),
                        trace_id=trace,
                    )
                )
            if is_queued:
                self._bus.publish(QueueReady())
