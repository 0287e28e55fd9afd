"""Tells senders what has become of their mail, by the reports that the queue says are due.

A report is taken off the queue after it lies in the sender's mailbox, or in the queue again. What
is sent anew after a crash in between is the same report to the delivery, by its Message-ID and its
repeat key, and is acknowledged without storing it again.
"""

import asyncio
import contextlib
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Final

import structlog

from mailquay.blobs import BlobCorrupt, BlobMissing, BlobStore, BlobUnavailable
from mailquay.delivery import Deliverer, Incoming, LocalPlacement, RemoteRecipient, Unavailable
from mailquay.identity.addresses import AddressError, normalise_address, normalise_domain
from mailquay.message.dsn import DsnAction, DsnMessage, DsnRecipient, build_dsn
from mailquay.message.header import find_header_end
from mailquay.message.trace import make_return_path, without_return_path
from mailquay.runtime import metrics
from mailquay.store import Store, StoreUnavailable
from mailquay.store.queue import QueuedMessage
from mailquay.store.recipients import LocalTarget, RemoteTarget
from mailquay.store.reports import Report
from mailquay.store.types import TenantId

__all__ = ["Reporter", "describe"]

_LOG: Final = structlog.get_logger(__name__)
_REPLY: Final = re.compile(r"(?:([2-5])\d\d )?(?:([245]\.\d{1,3}\.\d{1,3})(?:\s|$))?")
_EXPIRED: Final = "4.4.7"  # RFC 3463 §3.5: delivery time expired


@dataclass(frozen=True, slots=True)
class _Sender:
    tenant_id: TenantId
    local: tuple[LocalPlacement, ...]
    remote: tuple[RemoteRecipient, ...]


class Reporter:
    """Sends reports for one process."""

    def __init__(
        self,
        store: Store,
        blobs: BlobStore,
        deliverer: Deliverer,
        *,
        hostname: str,
        poll_seconds: float,
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._deliverer = deliverer
        self._hostname = hostname
        self._poll_seconds = poll_seconds
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """A report may be due."""
        self._wake.set()

    async def run(self) -> None:
        """Send what is due, until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self.send_due()
            except (StoreUnavailable, Unavailable, BlobUnavailable) as error:
                _LOG.warning("reports wait", reason=str(error))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll_seconds):
                    await self._wake.wait()

    async def send_due(self) -> None:
        """Send every report that is due, and that no other process is about to send.

        Raises:
            StoreUnavailable, Unavailable, BlobUnavailable: those not sent are due again.
        """
        after = 0
        while True:
            async with self._store.reports.claim(after) as claim:
                if not claim.reports:
                    return
                after = claim.reports[0].message_id
                message = (await self._store.queue.messages([after])).get(after)
                for _, group in groupby(sorted(claim.reports, key=_batch), _batch):
                    reports = tuple(group)
                    if message is not None:
                        await self._send_guarded(message, reports)
                    claim.sent.extend(reports)

    async def _send_guarded(self, message: QueuedMessage, reports: Sequence[Report]) -> None:
        """Send one; what is wrong with it must not keep the others waiting for ever."""
        try:
            await self._send(message, reports)
        except (StoreUnavailable, Unavailable, BlobUnavailable):
            raise
        except Exception:
            _LOG.exception("a report is lost", trace_id=message.trace_id, queue_id=message.id)

    async def _send(self, message: QueuedMessage, reports: Sequence[Report]) -> None:
        kind = reports[0].kind
        log = _LOG.bind(
            trace_id=message.trace_id,
            queue_id=message.id,
            kind=kind,
            reverse_path=message.reverse_path,
            recipients=[report.address for report in reports],
        )
        sender = await self._find_sender(message)
        if not sender.local and not sender.remote:
            log.info("nobody to report to")
            return
        # The same for whoever sends it again.
        key = hashlib.sha256(f"{message.id} {kind} {reports[0].last_attempt_at}".encode())
        raw = build_dsn(
            await self._describe(message),
            [describe(report) for report in reports],
            reporting_mta=self._hostname,
            message_id=f"{message.trace_id}.{key.hexdigest()[:24]}@{self._hostname}",
            boundary=f"report-{key.hexdigest()[:32]}",
            now=datetime.now(UTC),
        )
        await self._deliverer.deliver(
            Incoming(
                tenant_id=sender.tenant_id,
                raw=make_return_path("") + raw,
                trace_id=message.trace_id,
                local=sender.local,
                remote=sender.remote,
                repeat_key=key.digest(),
                smtputf8=not message.reverse_path.isascii(),
            )
        )
        metrics.QUEUE_REPORTS.labels(kind).inc()
        log.info("reported")

    async def _find_sender(self, message: QueuedMessage) -> _Sender:
        """Where the reverse-path leads: mailboxes here, or addresses elsewhere.

        A report is no reason to bounce: over quota it is delivered all the same.
        """
        try:
            address = normalise_address(message.reverse_path)
        except AddressError:
            return _Sender(message.tenant_id, (), ())
        resolution = await self._store.recipients.resolve(address)
        if not resolution.is_local_domain:
            return _Sender(message.tenant_id, (), (_remote(message.reverse_path),))
        local = tuple(
            LocalPlacement(target.account_id, recipient=address, enforce_quota=False)
            for target in resolution.targets
            if isinstance(target, LocalTarget) and target.is_active
        )
        remote = tuple(
            _remote(target.address)
            for target in resolution.targets
            if isinstance(target, RemoteTarget)
        )
        return _Sender(resolution.tenant_id or message.tenant_id, local, remote)

    async def _describe(self, message: QueuedMessage) -> DsnMessage:
        """The message with its bytes; without them where they are lost, which must be told too."""
        try:
            raw = without_return_path(await self._blobs.get(message))
        except (BlobMissing, BlobCorrupt) as error:
            _LOG.error("a message's body is lost", queue_id=message.id, reason=str(error))
            raw = b""
        return DsnMessage(
            reverse_path=message.reverse_path,
            envelope_id=message.envelope_id,
            ret=message.ret,
            arrived_at=message.created_at,
            expires_at=message.expires_at,
            raw=raw,
            header_length=find_header_end(raw, 0, len(raw)),
        )


def describe(report: Report) -> DsnRecipient:
    """A recipient's part of the report; a delivery that ran out of time says so (4.4.7)."""
    match = _REPLY.match(report.reply)
    assert match is not None, "every part of it may be missing"
    digit = match[1] or (match[2] or "5")[0]
    is_expired = report.kind == DsnAction.FAILED and digit == "4"
    return DsnRecipient(
        address=report.address,
        action=DsnAction(report.kind),
        status=_EXPIRED if is_expired else match[2] or f"{digit}.0.0",
        diagnostic=report.reply,
        remote_mta=report.host,
        is_local=match[1] is None,
        original_recipient=report.original_recipient,
        last_attempt_at=report.last_attempt_at,
    )


def _batch(report: Report) -> tuple[str, datetime]:
    """What is told in one report: the same of recipients whose attempts ended together."""
    return report.kind, report.last_attempt_at


def _remote(address: str) -> RemoteRecipient:
    return RemoteRecipient(address, normalise_domain(address.rpartition("@")[2]))
