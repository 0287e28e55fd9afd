"""Making emails: for Email/set out of parts, for Email/import as they are (RFC 8621 §4.6, §4.8)."""

import asyncio
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from mailquay.delivery import Incoming, LocalPlacement, NotPlaced
from mailquay.store.types import MailboxId
from mailquay_webmail_api.jmap.core.blobs import Blob, email_blob_id, read_blob
from mailquay_webmail_api.jmap.core.context import Context, JsonObject
from mailquay_webmail_api.jmap.core.errors import SetError
from mailquay_webmail_api.jmap.core.ids import email_id, thread_id
from mailquay_webmail_api.jmap.mail.email_build import Origin, build_email, referenced_blobs
from mailquay_webmail_api.jmap.mail.email_updates import read_keywords, read_mailbox_ids
from mailquay_webmail_api.jmap.mail.header_writing import parse_date_time
from mailquay_webmail_api.jmap.mail.keywords import KEYWORDS_MAX
from mailquay_webmail_api.jmap.mail.limits import MAILBOXES_PER_EMAIL_MAX

__all__ = ["Place", "create_email", "read_place", "store_message"]

#: A larger message is written in a thread.
_INLINE_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message goes, and what is known of it there."""

    mailbox_ids: Sequence[MailboxId]
    flags: int
    keywords: tuple[str, ...]
    received_at: datetime | None


def read_place(context: Context, given: Mapping[str, Any]) -> Place:
    """``mailboxIds``, ``keywords`` and ``receivedAt`` of an email to be.

    Raises:
        SetError: invalidProperties, tooManyKeywords or tooManyMailboxes.
    """
    mailbox_ids = read_mailbox_ids(given.get("mailboxIds"), context.resolve_id)
    if len(mailbox_ids) > MAILBOXES_PER_EMAIL_MAX:
        raise SetError("tooManyMailboxes", f"at most {MAILBOXES_PER_EMAIL_MAX}")
    flags, keywords = read_keywords(given.get("keywords"))
    if len(keywords) > KEYWORDS_MAX:
        raise SetError("tooManyKeywords", f"at most {KEYWORDS_MAX}")
    received_at = given.get("receivedAt")
    if received_at is None:
        return Place(sorted(mailbox_ids), flags, keywords, None)
    try:
        when = parse_date_time(received_at)
    except ValueError as error:
        raise SetError.invalid_properties(f"receivedAt: {error}", "receivedAt") from None
    if not str(received_at).endswith("Z"):
        raise SetError.invalid_properties("receivedAt is not in UTC", "receivedAt")
    return Place(sorted(mailbox_ids), flags, keywords, when)


async def store_message(context: Context, raw: bytes, place: Place) -> JsonObject:
    """Make an email; when this returns, it is durable and visible.

    Returns:
        id, blobId, threadId and size.

    Raises:
        SetError: invalidProperties, overQuota or tooLarge.
        Unavailable: nothing is known of the outcome.
    """
    limit = context.settings.smtp_in.max_message_bytes
    if len(raw) > limit:
        raise SetError("tooLarge", f"a message has at most {limit} bytes", maxSize=limit)
    first, *also = place.mailbox_ids
    placement = LocalPlacement(
        context.account.id,
        first,
        flags=place.flags,
        keywords=place.keywords,
        received_at=place.received_at,
        also=tuple(also),
    )
    delivered = await context.deliverer.deliver(
        Incoming(context.account.tenant_id, raw, secrets.token_hex(8), local=(placement,))
    )
    (placed,) = delivered.placements
    if isinstance(placed, NotPlaced):
        if placed.reason == "overquota":
            raise SetError("overQuota", "the account has no room for it")
        raise SetError.invalid_properties("there is no such mailbox", "mailboxIds")
    return {
        "id": email_id(placed.email_id),
        "blobId": email_blob_id(placed.email_id),
        "threadId": thread_id(placed.thread_id),
        "size": len(raw),
    }


async def create_email(context: Context, given: JsonObject) -> JsonObject:
    """Build a message and put it where it belongs.

    Raises:
        SetError: whatever is wrong with it.
    """
    place = read_place(context, given)
    blobs = await _read_blobs(context, given)
    domain = context.account.address.rpartition("@")[2]
    origin = Origin(
        now=datetime.now(UTC),
        message_id=f"{uuid.uuid4()}@{domain}",
        make_boundary=lambda: secrets.token_hex(16),
    )
    if sum(len(blob.data) for blob in blobs.values()) > _INLINE_BYTES:
        raw = await asyncio.to_thread(build_email, given, blobs, origin)
    else:
        raw = build_email(given, blobs, origin)
    return await store_message(context, raw, place)


async def _read_blobs(context: Context, given: JsonObject) -> dict[str, Blob]:
    """What the parts refer to.

    Raises:
        SetError: blobNotFound, with all that are not there; or tooLarge.
    """
    limit = context.settings.smtp_in.max_message_bytes
    blobs: dict[str, Blob] = {}
    missing = []
    room = limit
    for text in referenced_blobs(given):
        blob_id = context.resolve_id(text)
        blob = None
        if blob_id is not None:
            blob = await read_blob(context.store, context.blobs, context.account.id, blob_id)
        if blob is None:
            missing.append(text)
            continue
        blobs[text] = blob
        room -= len(blob.data)
        if room < 0:
            raise SetError("tooLarge", f"attachments have at most {limit} bytes", maxSize=limit)
    if missing:
        raise SetError("blobNotFound", "not all blobs are there", notFound=missing)
    return blobs
