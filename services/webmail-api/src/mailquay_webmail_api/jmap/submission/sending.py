"""Sending an email of the account: checked as SMTP's submission checks, then delivered and queued.

What leaves is the stored message without its Bcc; the stored one stays as it is.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog

from mailquay.delivery import Incoming
from mailquay.delivery.recipients import RecipientCache, ResolvedRecipient, Verdict, placements
from mailquay.delivery.submission import complete_message, may_send_as
from mailquay.message.message import scan
from mailquay.message.trace import make_received, make_return_path
from mailquay.store.emails import Body
from mailquay_webmail_api.jmap.core.context import Context
from mailquay_webmail_api.jmap.core.errors import SetError
from mailquay_webmail_api.jmap.submission.envelope import Envelope, envelope_of, senders_of

__all__ = ["Sent", "send_email"]

_LOG: Final = structlog.get_logger(__name__)
_REASONS: Final = {
    Verdict.UNKNOWN: "unknown",
    Verdict.DISABLED: "disabled",
    Verdict.OVER_QUOTA: "mailbox full",
}


@dataclass(frozen=True, slots=True)
class Sent:
    """What has been taken for delivery."""

    envelope: Envelope
    queue_id: int | None
    #: Recipients here whose mail goes elsewhere, with the addresses it goes to.
    forwarded: dict[str, list[str]]


async def send_email(context: Context, body: Body, envelope: Envelope | None) -> Sent:
    """Send an email; when this returns, it is durable for every recipient.

    Args:
        context: whose.
        body: where the email lies.
        envelope: as the client wants it; None to make it of the email's own fields.

    Raises:
        SetError: RFC 8621 §7.5's.
        StoreUnavailable, BlobUnavailable, Unavailable: nothing was sent, as far as is known.
    """
    limit = context.settings.smtp_in.max_message_bytes
    if body.size > limit:
        raise SetError("tooLarge", f"a message may have {limit} bytes", maxSize=limit)
    raw = await context.blobs.get(body)
    message = scan(raw[: body.header_length])
    senders = senders_of(message)
    if envelope is None:
        envelope = envelope_of(message, senders[0])
    await _check_senders(context, envelope, senders)
    recipients = await _resolve(context, envelope)
    return await _hand_over(context, raw, envelope, recipients)


async def _check_senders(context: Context, envelope: Envelope, senders: tuple[str, ...]) -> None:
    account, store = context.account, context.store
    for address in senders:
        if not await may_send_as(store, account.id, account.address, address):
            raise SetError("forbiddenFrom", f"{address} is not yours to send from")
    path = envelope.mail_from
    if path and not await may_send_as(store, account.id, account.address, path):
        raise SetError("forbiddenMailFrom", f"{path} is not yours to send from")


async def _resolve(context: Context, envelope: Envelope) -> list[ResolvedRecipient]:
    """The recipients, all of whom can be sent to."""
    limit = context.settings.smtp_in.max_recipients
    if not envelope.rcpt_to:
        raise SetError("noRecipients", "the message has no recipient")
    if len(envelope.rcpt_to) > limit:
        raise SetError(
            "tooManyRecipients", f"a message may have {limit} recipients", maxRecipients=limit
        )
    resolver = RecipientCache(
        context.store,
        seconds=0,
        default_quota_bytes=context.settings.delivery.default_quota_bytes,
    )
    resolved, refused = [], {}
    for address in envelope.rcpt_to:
        recipient = await resolver.resolve(address)
        if recipient.verdict is Verdict.FOREIGN:
            recipient = recipient.relayed()
        if recipient.verdict is Verdict.ACCEPTED:
            resolved.append(recipient)
        else:
            refused[address] = _REASONS[recipient.verdict]
    if refused:
        words = ", ".join(f"{address}: {reason}" for address, reason in refused.items())
        raise SetError("invalidRecipients", words, invalidRecipients=list(refused))
    return resolved


async def _hand_over(
    context: Context, raw: bytes, envelope: Envelope, recipients: list[ResolvedRecipient]
) -> Sent:
    trace_id = secrets.token_hex(8)
    now = datetime.now(UTC)
    hostname = context.settings.hostname
    only = recipients[0].address if len(recipients) == 1 else None
    received = make_received(
        by=hostname, protocol="HTTP", queue_id=trace_id, when=now, recipient=only
    )
    message = complete_message(raw, hostname=hostname, unique=trace_id, when=now)
    # Who has no room was refused above; who has filled up since then gets it all the same.
    local, remote = placements(recipients, enforce_quota=False)
    addresses = (envelope.mail_from, *envelope.rcpt_to)
    delivered = await context.deliverer.deliver(
        Incoming(
            tenant_id=context.account.tenant_id,
            raw=b"".join([make_return_path(envelope.mail_from), received, message]),
            trace_id=trace_id,
            local=local,
            remote=remote,
            reverse_path=envelope.mail_from,
            # A request that is repeated because its answer was lost sends nothing twice.
            repeat_key=hashlib.sha256(raw).digest(),
            submitter=context.account.id,
            smtputf8=not all(address.isascii() for address in addresses),
        )
    )
    _LOG.info(
        "accepted",
        trace_id=trace_id,
        reverse_path=envelope.mail_from,
        recipients=len(recipients),
        size=len(raw),
        protocol="HTTP",
        queue_id=delivered.queue_id,
    )
    forwarded = {
        recipient.address: [target.address for target in recipient.remote]
        for recipient in recipients
        if recipient.tenant_id is not None and recipient.remote and not recipient.local
    }
    return Sent(envelope, delivered.queue_id, forwarded)
