"""Which message is taken next, how many go at once, and where to.

Leased jobs wait at their destination; its couriers take one after the other, each over one
connection. A destination that has enough waiting is left out when more is leased, so that a slow
one keeps nobody else's mail, and leaves what it cannot do to other workers.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from mailquay.blobs import BlobError
from mailquay.runtime.settings import SmtpOutSettings
from mailquay.store import StoreUnavailable
from mailquay.store.queue import Queue
from mailquay.store.relays import Relay
from mailquay_smtp_out.bodies import Bodies
from mailquay_smtp_out.courier import Courier
from mailquay_smtp_out.jobs import Findings, Job, Result
from mailquay_smtp_out.ledger import Ledger
from mailquay_smtp_out.protocol.replies import local_reply
from mailquay_smtp_out.relays import Relays

__all__ = ["Scheduler"]

_LOG: Final = structlog.get_logger(__name__)
#: What is due and cannot be had, as another worker is just taking it, is not asked for at once.
_PAUSE_MIN_SECONDS: Final = 0.1
_UNAVAILABLE_PAUSE_SECONDS: Final = 1.0


@dataclass(slots=True)
class _Destination:
    name: str
    relay: Relay | None
    waiting: deque[Job] = field(default_factory=deque)
    couriers: int = 0
    #: None of its hosts could be reached; by the monotonic clock.
    rests_until: float = 0.0


class Scheduler:
    """Works on the queue for one process."""

    def __init__(
        self,
        queue: Queue,
        ledger: Ledger,
        bodies: Bodies,
        make_courier: Callable[[], Courier],
        settings: SmtpOutSettings,
        *,
        relays: Relays,
        has_smarthost: bool,
    ) -> None:
        self._queue = queue
        self._ledger = ledger
        self._bodies = bodies
        self._make_courier = make_courier
        self._settings = settings
        self._relays = relays
        self._has_smarthost = has_smarthost
        self._destinations: dict[tuple[str, Relay | None], _Destination] = {}
        self._couriers: set[asyncio.Task[None]] = set()
        self._jobs = 0
        self._wake = asyncio.Event()
        self._is_stopping = False

    def wake(self) -> None:
        """Look at the queue now."""
        self._wake.set()

    async def run(self) -> None:
        """Take what is due, until told to stop."""
        while not self._is_stopping:
            self._wake.clear()
            try:
                pause = await self._round()
            except StoreUnavailable as error:
                _LOG.warning("the queue cannot be read", reason=str(error))
                await asyncio.sleep(_UNAVAILABLE_PAUSE_SECONDS)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def hand_back(self) -> None:
        """Take nothing more; what waits goes back, so that other workers have it at once."""
        self._is_stopping = True
        self._wake.set()
        waiting = [job for d in self._destinations.values() for job in d.waiting]
        for destination in self._destinations.values():
            destination.waiting.clear()
        await self._ledger.hand_back([x for job in waiting for x in job.waiting.values()])

    async def drain(self, seconds: float) -> None:
        """After `hand_back`: what is being sent is finished for so long, then dropped."""
        if self._couriers:
            _, late = await asyncio.wait(self._couriers, timeout=seconds)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        await self._ledger.close()

    async def _round(self) -> float:
        """Lease once; returns the seconds until there may be more."""
        self._forget_idle()
        free = self._settings.concurrency - self._jobs
        full = [d.name for d in self._destinations.values() if self._is_full(d)]
        # With one way for everything, all domains are one destination.
        has_relays = await self._relays.refresh()
        by_message = self._has_smarthost and not has_relays
        if free <= 0 or (by_message and full):
            return self._seconds_of_rest()
        taken = await self._ledger.take(free, except_domains=full, by_message=by_message)
        if taken:
            surplus: list[Job] = []
            for message, leases in taken:
                domain = leases[0].domain
                job = Job(
                    message,
                    "" if by_message else domain,
                    {lease.recipient_id: lease for lease in leases},
                    None if by_message else self._relays.find(message, domain),
                )
                if not self._admit(job):
                    surplus.append(job)
            await self._ledger.hand_back([x for job in surplus for x in job.waiting.values()])
            return 0
        due = await self._queue.seconds_until_due(full)
        pause = self._seconds_of_rest()
        return pause if due is None else max(_PAUSE_MIN_SECONDS, min(pause, due))

    def _is_full(self, destination: _Destination) -> bool:
        return (
            len(destination.waiting) >= self._settings.per_destination_concurrency
            or destination.rests_until > time.monotonic()
        )

    def _seconds_of_rest(self) -> float:
        """Until a destination's rest ends, or the queue is looked at anyway."""
        now = time.monotonic()
        rests = [d.rests_until - now for d in self._destinations.values() if d.rests_until > now]
        return min([self._settings.poll_seconds, *rests])

    def _forget_idle(self) -> None:
        now = time.monotonic()
        for key, destination in list(self._destinations.items()):
            is_idle = not destination.couriers and not destination.waiting
            if is_idle and destination.rests_until <= now:
                del self._destinations[key]

    def _admit(self, job: Job) -> bool:
        """Let a job wait at its destination; False where enough wait."""
        key = (job.destination, job.relay)
        destination = self._destinations.setdefault(key, _Destination(*key))
        if self._is_stopping or self._is_full(destination):
            return False
        destination.waiting.append(job)
        self._jobs += 1
        self._send_courier(destination)
        return True

    def _send_courier(self, destination: _Destination) -> None:
        """Start a courier where one more may help."""
        limit = self._settings.per_destination_concurrency
        if self._is_stopping or not destination.waiting or destination.couriers >= limit:
            return
        destination.couriers += 1
        task = asyncio.create_task(self._serve(destination))
        self._couriers.add(task)
        task.add_done_callback(self._couriers.discard)

    async def _serve(self, destination: _Destination) -> None:
        """A courier's life."""
        courier = self._make_courier()
        try:
            for _ in range(self._settings.messages_per_connection):
                if self._is_stopping or not destination.waiting:
                    break
                job = destination.waiting.popleft()
                try:
                    await self._carry(courier, job, destination)
                finally:
                    self._jobs -= 1
                    self._wake.set()
        except BaseException:
            courier.drop()
            raise
        finally:
            # Before taking leave: whoever has come to wait need not wait for that.
            destination.couriers -= 1
            self._send_courier(destination)
            await courier.close()
            self._wake.set()

    async def _carry(self, courier: Courier, job: Job, destination: _Destination) -> None:
        """One attempt; whatever comes of it, the next ones are made."""
        try:
            await self._ledger.confirm(list(job.waiting.values()))
            async with self._bodies.open(job.message) as message:
                unreachable = await courier.deliver(job, message)
            if unreachable is not None:
                await self._rest(destination, unreachable)
        except StoreUnavailable as error:
            _LOG.warning("not tried", queue_id=job.message.id, reason=str(error))
        except BlobError as error:
            _LOG.error(
                "a message's body cannot be read",
                trace_id=job.message.trace_id,
                queue_id=job.message.id,
                reason=str(error),
            )
            await self._put_off(job, _because(451, "4.3.0", "the message cannot be read now"))
        except asyncio.CancelledError:
            await self._interrupt(job, courier)
            raise
        except Exception:
            _LOG.exception(
                "an attempt went wrong",
                trace_id=job.message.trace_id,
                queue_id=job.message.id,
            )
            courier.drop()
            await self._put_off(job, _because(451, "4.3.5", "an internal error"))
        # Whatever is left here was lost to another worker, or put on hold.
        await self._ledger.hand_back(list(job.waiting.values()))

    async def _put_off(self, job: Job, findings: Findings) -> None:
        """Give every recipient that still waits the result that is found."""
        leases = [lease for lease in job.waiting.values() if self._ledger.holds(lease)]
        if leases:
            await self._ledger.settle(job, [findings.result(lease) for lease in leases])

    async def _rest(self, destination: _Destination, findings: Findings) -> None:
        """Leave a destination alone for a while; what waits for it there fares alike."""
        destination.rests_until = time.monotonic() + self._settings.destination_rest_seconds
        jobs = list(destination.waiting)
        destination.waiting.clear()
        self._jobs -= len(jobs)
        try:
            for job in jobs:
                await self._put_off(job, findings)
        finally:
            await self._ledger.hand_back([x for job in jobs for x in job.waiting.values()])

    async def _interrupt(self, job: Job, courier: Courier) -> None:
        """The process goes down in the middle of an attempt."""
        reply = local_reply(451, "4.4.2", "interrupted after the message was sent")
        sent = [x for x in courier.unconfirmed if x.recipient_id in job.waiting]
        if sent:
            results = [Result(lease, reply, possible_duplicate=True) for lease in sent]
            await self._ledger.settle(job, results)
        await self._ledger.hand_back(list(job.waiting.values()))


def _because(code: int, enhanced: str, text: str) -> Findings:
    return Findings(general=[(local_reply(code, enhanced, text), None)])
