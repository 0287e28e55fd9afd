"""Sending an email of the account: checked as SMTP's submission checks, then delivered and queued.

What leaves is the stored message without its Bcc; the stored one stays as it is.
"""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog

from mailquay.delivery import Incoming
from mailquay.delivery.allowance import SentEnough, taken_recipients
from mailquay.delivery.recipients import RecipientCache, ResolvedRecipient, Verdict
from mailquay.delivery.senders import OwnAddresses
from mailquay.delivery.targets import by_tenant
from mailquay.message.header import find_header_end
from mailquay.message.message import ScannedMessage, scan
from mailquay.message.submitted import HIDDEN_FIELDS, missing_fields, without_fields
from mailquay.message.trace import make_received, make_return_path
from mailquay.store.emails import Body
from mailquay.store.policies import SendingPolicy
from mailquay_webmail_api.jmap.core.context import Context
from mailquay_webmail_api.jmap.core.errors import SetError
from mailquay_webmail_api.jmap.submission.envelope import Envelope, envelope_of, sender_of

__all__ = ["Sent", "send_email"]

_LOG: Final = structlog.get_logger(__name__)
#: What nobody else may see, and what final delivery adds of its own (RFC 5321 §4.4).
_TAKEN_OUT: Final = HIDDEN_FIELDS | {b"return-path"}
_REASONS: Final = {
    Verdict.UNKNOWN: "unknown",
    Verdict.DISABLED: "disabled",
    Verdict.OVER_QUOTA: "mailbox full",
    Verdict.FOREIGN: "you may send to no domain but ours",
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
    policy = await context.store.policies.sending(context.account.id)
    limit = policy.message_limit(context.settings.smtp_in.max_message_bytes)
    if body.size > limit:
        raise SetError("tooLarge", f"a message may have {limit} bytes", maxSize=limit)
    raw = await context.blobs.get(body)
    message = scan(raw[: body.header_length])
    sender = sender_of(message)
    if envelope is None:
        envelope = envelope_of(message, sender)
    await _check_sender(context, envelope, message)
    recipients = await _resolve(context, envelope, body.size, policy)
    counted = taken_recipients(context.store.policies, policy, context.account.id, len(recipients))
    try:
        async with counted:
            return await _hand_over(context, raw, envelope, recipients)
    except SentEnough as error:
        raise SetError("forbiddenToSend", f"you may send to {error}, and have") from error


async def _check_sender(context: Context, envelope: Envelope, message: ScannedMessage) -> None:
    account = await context.store.accounts.get(context.account.id)
    own = OwnAddresses(context.store, account)
    if context.settings.smtp_in.require_own_from and not await own.wrote(message.raw):
        raise SetError("forbiddenFrom", "From names somebody else")
    path = envelope.mail_from
    if path and not await own.has(path):
        raise SetError("forbiddenMailFrom", f"{path} is not yours to send from")


async def _resolve(
    context: Context, envelope: Envelope, size: int, policy: SendingPolicy
) -> list[ResolvedRecipient]:
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
        hostname=context.settings.hostname,
        seconds=0,
        default_quota_bytes=context.settings.delivery.default_quota_bytes,
    )
    resolved, refused = [], {}
    for address in envelope.rcpt_to:
        recipient = await resolver.resolve(address, size=size)
        if recipient.verdict is Verdict.FOREIGN and policy.outbound:
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
    message = _outgoing(context, raw, envelope, trace_id)
    addresses = (envelope.mail_from, *envelope.rcpt_to)
    targets = by_tenant(
        recipients,
        owner=context.account.tenant_id,
        # Who has no room was refused above; who has filled up since then gets it all the same.
        may_be_refused=lambda _recipient: False,
    )
    incoming = [
        Incoming(
            tenant_id=tenant_id,
            raw=message,
            trace_id=trace_id,
            local=tuple(found.local.values()),
            remote=tuple(found.remote.values()),
            reverse_path=envelope.mail_from,
            # A request that is repeated because its answer was lost sends nothing twice.
            repeat_key=hashlib.sha256(raw).digest(),
            submitter=context.account.id,
            smtputf8=not all(address.isascii() for address in addresses),
        )
        for tenant_id, found in targets.items()
    ]
    delivered = await asyncio.gather(*map(context.deliverer.deliver, incoming))
    queue_ids = [outcome.queue_id for outcome in delivered if outcome.queue_id is not None]
    _LOG.info(
        "accepted",
        trace_id=trace_id,
        reverse_path=envelope.mail_from,
        recipients=len(recipients),
        size=len(message),
        protocol="HTTP",
        queue_ids=queue_ids,
    )
    forwarded = {
        address: [target.address for target in recipient.remote]
        for address, recipient in zip(envelope.rcpt_to, recipients, strict=True)
        if recipient.tenant_id is not None and recipient.remote and not recipient.local
    }
    return Sent(envelope, queue_ids[0] if queue_ids else None, forwarded)


def _outgoing(context: Context, raw: bytes, envelope: Envelope, trace_id: str) -> bytes:
    """The message as it leaves: with its trace, with what it lacks, without what is hidden."""
    now = datetime.now(UTC)
    hostname = context.settings.hostname
    header_end = find_header_end(raw, 0, len(raw))
    header = raw[:header_end]
    received = make_received(
        by=hostname,
        protocol="HTTP",
        queue_id=trace_id,
        when=now,
        recipient=envelope.rcpt_to[0] if len(envelope.rcpt_to) == 1 else None,
    )
    message_id = f"{trace_id}.{int(now.timestamp())}@{hostname}"
    return b"".join(
        (
            make_return_path(envelope.mail_from),
            received,
            missing_fields(header, author=context.account.address, message_id=message_id, now=now),
            without_fields(header, _TAKEN_OUT),
            raw[header_end:],
        )
    )
