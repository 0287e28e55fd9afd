"""Tells the sender of a submission that mailboxes here have it, where that was asked for.

A confirmation is delivered after the message and before the submission's 250. If something fails in
between, the client repeats the submission; the message, and each confirmation that went out, are
then acknowledged without being stored again. So none is lost, and none comes twice.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import structlog

from mailquay.delivery import Deliverer, Incoming
from mailquay.delivery.recipients import RecipientCache, ResolvedRecipient
from mailquay.delivery.targets import by_tenant
from mailquay.identity import AddressError
from mailquay.message.dsn import DsnAction, DsnMessage, DsnRecipient, build_dsn
from mailquay.message.trace import make_return_path
from mailquay.runtime import metrics
from mailquay.store.types import TenantId
from mailquay_smtp_in.envelope import Envelope

__all__ = ["Confirmations"]

_LOG: Final = structlog.get_logger(__name__)


class Confirmations:
    """Sends confirmations for one process."""

    def __init__(self, deliverer: Deliverer, recipients: RecipientCache, *, hostname: str) -> None:
        self._deliverer = deliverer
        self._recipients = recipients
        self._hostname = hostname

    async def send(
        self, envelope: Envelope, header: bytes, digest: bytes, *, tenant: TenantId, now: datetime
    ) -> None:
        """Confirm what was delivered here (RFC 3461 §5.2.3, §5.2.7).

        Args:
            envelope: of a message that all of its recipients now have.
            header: the message's, as it was delivered.
            digest: what the same submission has too when it is repeated.
            tenant: whose the sender is.
            now: when it was delivered.

        Raises:
            Unavailable, StoreUnavailable: the submission is to be repeated.
        """
        if not envelope.reverse_path:
            return
        for action in (DsnAction.DELIVERED, DsnAction.EXPANDED):
            chosen = [r for r in envelope.recipients if _action(r) is action]
            if chosen:
                await self._send(envelope, header, digest, action, chosen, tenant, now)

    async def _send(
        self,
        envelope: Envelope,
        header: bytes,
        digest: bytes,
        action: DsnAction,
        recipients: Sequence[ResolvedRecipient],
        tenant: TenantId,
        now: datetime,
    ) -> None:
        key = hashlib.sha256(digest + action.encode())
        for recipient in recipients:
            key.update(b"\0" + recipient.address.encode())
        raw = build_dsn(
            DsnMessage(
                envelope.reverse_path, envelope.envelope_id, envelope.ret, now, now, header,
                len(header),
            ),
            [
                DsnRecipient(
                    recipient.address,
                    action,
                    "2.1.5",
                    "delivered",
                    original_recipient=recipient.original_recipient,
                )
                for recipient in recipients
            ],
            reporting_mta=self._hostname,
            message_id=f"{key.hexdigest()[:32]}.{action}@{self._hostname}",
            boundary=f"report-{key.hexdigest()[:32]}",
            now=now,
        )  # fmt: skip
        try:
            sender = await self._recipients.resolve(envelope.reverse_path)
        except AddressError:
            return
        for tenant_id, found in by_tenant(
            [sender], owner=tenant, may_be_refused=lambda _: False
        ).items():
            await self._deliverer.deliver(
                Incoming(
                    tenant_id=tenant_id,
                    raw=make_return_path("") + raw,
                    trace_id=envelope.trace_id,
                    local=tuple(found.local.values()),
                    remote=tuple(found.remote.values()),
                    repeat_key=key.digest(),
                    smtputf8=not envelope.reverse_path.isascii(),
                )
            )
        metrics.QUEUE_REPORTS.labels(action).inc()
        _LOG.info("reported", kind=action, recipients=[r.address for r in recipients])


def _action(recipient: ResolvedRecipient) -> DsnAction | None:
    """What is told of a recipient; of one that is elsewhere the queue will."""
    if not recipient.wants_success:
        return None
    if recipient.is_list:
        return DsnAction.EXPANDED
    return DsnAction.DELIVERED if recipient.local else None
