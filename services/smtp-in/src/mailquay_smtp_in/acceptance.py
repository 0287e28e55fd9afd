"""From an envelope and its message to a delivery, and back to the replies."""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime
from typing import Final

import structlog

from mailquay.delivery import Delivered, Deliverer, Incoming, NotPlaced, Unavailable
from mailquay.delivery.allowance import SentEnough, taken_recipients
from mailquay.delivery.recipients import ResolvedRecipient
from mailquay.delivery.targets import by_tenant
from mailquay.message.submitted import HIDDEN_FIELDS, missing_fields, without_fields
from mailquay.message.trace import count_received, make_received, make_return_path
from mailquay.runtime import metrics
from mailquay.runtime.settings import SmtpInSettings
from mailquay.store import StoreUnavailable
from mailquay.store.policies import Policies
from mailquay.store.types import AccountId
from mailquay_smtp_in.confirmations import Confirmations
from mailquay_smtp_in.data import Message
from mailquay_smtp_in.envelope import Arrival, Envelope
from mailquay_smtp_in.header import split_header
from mailquay_smtp_in.replies import Reply

__all__ = ["Acceptance"]

_LOG: Final = structlog.get_logger(__name__)
#: Final delivery adds its own (RFC 5321 §4.4).
_REPLACED: Final = frozenset((b"return-path",))
_REPLACED_AND_HIDDEN: Final = _REPLACED | HIDDEN_FIELDS
#: A header that takes longer to go through than a thread's hand-over is left to a thread.
_INLINE_BYTES: Final = 64 * 1024


class Acceptance:
    """Takes messages for one process."""

    def __init__(
        self,
        deliverer: Deliverer,
        confirmations: Confirmations,
        policies: Policies,
        *,
        hostname: str,
        settings: SmtpInSettings,
    ) -> None:
        self._deliverer = deliverer
        self._confirmations = confirmations
        self._policies = policies
        self._hostname = hostname
        self._settings = settings

    async def accept(self, envelope: Envelope, message: Message, arrival: Arrival) -> list[bytes]:
        """Deliver a message, whose pieces it takes; returns a reply for each recipient.

        A positive one means that the message is durable and visible: it comes after the commit.
        """
        header, body = split_header(message.pieces)
        message.pieces.clear()
        refusal = await self._refusal(header, arrival)
        if refusal is not None:
            _LOG.info("refused", reverse_path=envelope.reverse_path, reply=refusal.decode("ascii"))
            return [refusal] * len(envelope.recipients)
        now = datetime.now(UTC)
        trace = self._trace(envelope, arrival, now)
        if len(header) <= _INLINE_BYTES:
            header = self._header(envelope, header, arrival, now)
        else:
            header = await asyncio.to_thread(self._header, envelope, header, arrival, now)
        raw = b"".join([trace, header, *body])
        body.clear()
        metrics.SMTP_BYTES.inc(message.size)
        incoming = _incoming(envelope, arrival, raw, message.digest)
        try:
            async with self._counted(envelope, arrival):
                delivered = await self._deliver(incoming)
            replies = _replies(envelope, incoming, delivered)
            if arrival.own is not None and all(reply.startswith(b"2") for reply in replies):
                await self._confirmations.send(
                    envelope, header, message.digest, tenant=arrival.own.account.tenant_id, now=now
                )
        except SentEnough:
            metrics.SMTP_MESSAGES.labels("rejected").inc()
            _LOG.info("sent enough for a day", reverse_path=envelope.reverse_path)
            return [Reply.SENT_ENOUGH] * len(envelope.recipients)
        except (Unavailable, StoreUnavailable) as error:
            metrics.SMTP_MESSAGES.labels("deferred").inc()
            _LOG.warning("not accepted", reason=str(error), reverse_path=envelope.reverse_path)
            return [Reply.UNAVAILABLE] * len(envelope.recipients)
        is_accepted = any(reply.startswith(b"2") for reply in replies)
        metrics.SMTP_MESSAGES.labels("accepted" if is_accepted else "rejected").inc()
        _LOG.info(
            "accepted" if is_accepted else "refused",
            reverse_path=envelope.reverse_path,
            recipients=len(envelope.recipients),
            size=len(raw),
            protocol=arrival.protocol,
            queue_ids=[d.queue_id for d in delivered if d.queue_id is not None],
        )
        return replies

    def _counted(self, envelope: Envelope, arrival: Arrival) -> AbstractAsyncContextManager[None]:
        """Count the recipients of what someone of ours submits."""
        if arrival.submitter is None:
            return nullcontext()
        return taken_recipients(
            self._policies, envelope.sending, arrival.submitter.id, len(envelope.recipients)
        )

    async def _deliver(self, incoming: list[Incoming]) -> list[Delivered]:
        """Hand over one message a tenant; of nearly all there is one, which needs no task."""
        if len(incoming) == 1:
            return [await self._deliverer.deliver(incoming[0])]
        return await asyncio.gather(*map(self._deliverer.deliver, incoming))

    async def _refusal(self, header: bytes, arrival: Arrival) -> bytes | None:
        """What is wrong with a message for all of its recipients."""
        if len(header) > self._settings.max_header_bytes:
            metrics.SMTP_MESSAGES.labels("rejected").inc()
            return Reply.HEADER_TOO_LARGE
        if count_received(header) > self._settings.max_hops:
            metrics.SMTP_MESSAGES.labels("loop").inc()
            return Reply.LOOP
        if arrival.own is None or not self._settings.require_own_from:
            return None
        try:
            is_own = await arrival.own.wrote(header)
        except StoreUnavailable:
            metrics.SMTP_MESSAGES.labels("deferred").inc()
            return Reply.UNAVAILABLE
        if not is_own:
            metrics.SMTP_MESSAGES.labels("rejected").inc()
            return Reply.NOT_YOUR_FROM
        return None

    def _trace(self, envelope: Envelope, arrival: Arrival, now: datetime) -> bytes:
        """The fields that we put before the message (RFC 5321 §4.4)."""
        is_submission = arrival.submitter is not None
        recipients = envelope.recipients
        received = make_received(
            by=self._hostname,
            protocol=arrival.protocol,
            queue_id=envelope.trace_id,
            when=now,
            # Where its own user writes from is nobody's business.
            helo=None if is_submission else arrival.helo,
            client=None if is_submission else arrival.client,
            tls=arrival.tls,
            recipient=recipients[0].address if len(recipients) == 1 else None,
        )
        return make_return_path(envelope.reverse_path) + received

    def _header(self, envelope: Envelope, header: bytes, arrival: Arrival, now: datetime) -> bytes:
        """The message's header with what we take out of it and add to it."""
        if arrival.submitter is None:
            return without_fields(header, _REPLACED)
        added = missing_fields(
            header,
            author=arrival.submitter.address,
            message_id=f"{envelope.trace_id}.{int(now.timestamp())}@{self._hostname}",
            now=now,
        )
        return added + without_fields(header, _REPLACED_AND_HIDDEN)


def _incoming(envelope: Envelope, arrival: Arrival, raw: bytes, digest: bytes) -> list[Incoming]:
    """What is handed to the delivery: one message a tenant."""
    submitter = arrival.submitter
    targets = by_tenant(
        envelope.recipients,
        owner=None if submitter is None else submitter.tenant_id,
        may_be_refused=lambda recipient: _may_be_refused(recipient, envelope, arrival),
    )
    return [
        Incoming(
            tenant_id=tenant_id,
            raw=raw,
            trace_id=envelope.trace_id,
            local=tuple(found.local.values()),
            remote=tuple(found.remote.values()),
            reverse_path=envelope.reverse_path,
            repeat_key=digest,
            submitter=None if submitter is None else submitter.id,
            smtputf8=envelope.smtputf8,
            envelope_id=envelope.envelope_id,
            ret=envelope.ret,
        )
        for tenant_id, found in targets.items()
    ]


def _may_be_refused(recipient: ResolvedRecipient, envelope: Envelope, arrival: Arrival) -> bool:
    """Whether a full mailbox can be told: a reply for it alone must be there.

    Elsewhere the message goes in above the quota, or it would be lost in silence.
    """
    is_one = len(recipient.local) == 1 and not recipient.remote
    return is_one and (arrival.is_lmtp or len(envelope.recipients) == 1)


def _replies(
    envelope: Envelope, incoming: list[Incoming], delivered: list[Delivered]
) -> list[bytes]:
    accepted = f"250 2.6.0 Ok, {envelope.trace_id}".encode()
    refused: dict[AccountId, str] = {}
    for message, outcome in zip(incoming, delivered, strict=True):
        for placement, placed in zip(message.local, outcome.placements, strict=True):
            if isinstance(placed, NotPlaced):
                refused[placement.account_id] = placed.reason
    return [_reply(recipient, refused, accepted) for recipient in envelope.recipients]


def _reply(recipient: ResolvedRecipient, refused: dict[AccountId, str], accepted: bytes) -> bytes:
    reasons = {refused[t.account_id] for t in recipient.local if t.account_id in refused}
    if not reasons:
        return accepted
    if len(recipient.local) > 1 or recipient.remote:
        # Some have it. When the sender repeats it they get no second one, and those that are
        # gone are no recipients any more.
        return Reply.PARTLY_REFUSED
    return Reply.OVER_QUOTA if "overquota" in reasons else Reply.UNKNOWN_USER
