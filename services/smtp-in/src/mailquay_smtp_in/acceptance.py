"""From an envelope and its bytes to a delivery, and back to the replies."""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import structlog

from mailquay.delivery import Delivered, Deliverer, Incoming, NotPlaced, Unavailable
from mailquay.delivery.recipients import ResolvedRecipient, placements
from mailquay.delivery.submission import complete_message
from mailquay.message.header import find_header_end
from mailquay.message.trace import count_received, make_received, make_return_path
from mailquay.runtime import metrics
from mailquay.store.accounts import Account
from mailquay.store.types import TenantId
from mailquay_smtp_in.replies import Reply

__all__ = ["Acceptance", "Arrival", "Envelope"]

_LOG: Final = structlog.get_logger(__name__)


@dataclass(slots=True)
class Envelope:
    """A mail transaction (RFC 5321 §2.3.1)."""

    reverse_path: str
    smtputf8: bool = False
    recipients: list[ResolvedRecipient] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a message has come."""

    protocol: str  # RFC 3848: ESMTP, ESMTPS, ESMTPSA, LMTP, …
    helo: str
    client: str
    tls: str | None
    submitter: Account | None


class Acceptance:
    """Takes messages for one process."""

    def __init__(self, deliverer: Deliverer, *, hostname: str, max_hops: int) -> None:
        self._deliverer = deliverer
        self._hostname = hostname
        self._max_hops = max_hops

    async def accept(self, envelope: Envelope, message: bytes, arrival: Arrival) -> list[bytes]:
        """Deliver a message; returns a reply for each recipient (LMTP), all alike for SMTP."""
        trace_id = secrets.token_hex(8)
        header_end = find_header_end(message, 0, len(message))
        if count_received(message[:header_end]) > self._max_hops:
            metrics.SMTP_MESSAGES.labels("loop").inc()
            return [Reply.LOOP] * len(envelope.recipients)
        incoming = self._incoming(envelope, message, arrival, trace_id)
        metrics.SMTP_BYTES.inc(len(message))
        try:
            delivered = await self._deliverer.deliver(incoming)
        except Unavailable as error:
            metrics.SMTP_MESSAGES.labels("deferred").inc()
            _LOG.warning("not accepted", trace_id=trace_id, reason=str(error))
            return [Reply.UNAVAILABLE] * len(envelope.recipients)
        replies = self._replies(envelope, incoming, delivered, trace_id)
        is_accepted = any(reply.startswith(b"2") for reply in replies)
        metrics.SMTP_MESSAGES.labels("accepted" if is_accepted else "rejected").inc()
        _LOG.info(
            "accepted" if is_accepted else "refused",
            trace_id=trace_id,
            reverse_path=envelope.reverse_path,
            recipients=len(envelope.recipients),
            size=len(incoming.raw),
            client=arrival.client,
            protocol=arrival.protocol,
            queue_id=delivered.queue_id,
        )
        return replies

    def _incoming(
        self, envelope: Envelope, message: bytes, arrival: Arrival, trace_id: str
    ) -> Incoming:
        now = datetime.now(UTC)
        is_submission = arrival.submitter is not None
        received = make_received(
            by=self._hostname,
            protocol=arrival.protocol,
            queue_id=trace_id,
            when=now,
            # Where its own user writes from is nobody's business.
            helo=None if is_submission else arrival.helo,
            client=None if is_submission else arrival.client,
            tls=arrival.tls,
            recipient=envelope.recipients[0].address if len(envelope.recipients) == 1 else None,
        )
        repeat_key = hashlib.sha256(message).digest()
        if is_submission:
            message = complete_message(message, hostname=self._hostname, unique=trace_id, when=now)
        # What is over quota can be told when it is one recipient's only.
        enforce = arrival.protocol.startswith("LMTP") or len(envelope.recipients) == 1
        local, remote = placements(envelope.recipients, enforce_quota=enforce)
        tenant = self._tenant(envelope, arrival)
        return Incoming(
            tenant_id=tenant,
            raw=b"".join([make_return_path(envelope.reverse_path), received, message]),
            trace_id=trace_id,
            local=local,
            remote=remote,
            reverse_path=envelope.reverse_path,
            repeat_key=repeat_key,
            submitter=arrival.submitter.id if arrival.submitter else None,
            smtputf8=envelope.smtputf8,
        )

    @staticmethod
    def _tenant(envelope: Envelope, arrival: Arrival) -> TenantId:
        if arrival.submitter is not None:
            return arrival.submitter.tenant_id
        tenants = [r.tenant_id for r in envelope.recipients if r.tenant_id is not None]
        assert tenants, "outside of submissions every recipient is ours"
        return tenants[0]

    @staticmethod
    def _replies(
        envelope: Envelope, incoming: Incoming, delivered: Delivered, trace_id: str
    ) -> list[bytes]:
        accepted = f"250 2.6.0 Ok, {trace_id}".encode()
        refused: dict[int, str] = {}
        for placement, outcome in zip(incoming.local, delivered.placements, strict=True):
            if isinstance(outcome, NotPlaced):
                refused[placement.account_id] = outcome.reason
        replies = []
        for recipient in envelope.recipients:
            reasons = [refused.get(target.account_id) for target in recipient.local]
            if recipient.remote or not reasons or None in reasons:
                replies.append(accepted)
            elif "overquota" in reasons:
                replies.append(Reply.OVER_QUOTA)
            else:
                replies.append(Reply.UNKNOWN_USER)
        return replies
