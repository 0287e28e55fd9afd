"""Email/get and Email/parse (RFC 8621 §4.2, §4.9)."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from mailquay.message import ScannedMessage, scan
from mailquay.message.structure import decode_structure
from mailquay.store.email_objects import EmailObject
from mailquay.store.emails import Body
from mailquay.store.types import EmailId
from mailquay_webmail_api.jmap.core.arguments import Arguments
from mailquay_webmail_api.jmap.core.blobs import (
    email_blob_id,
    inner_blob_id,
    parse_email_blob_id,
    part_blob_id,
    read_blob,
)
from mailquay_webmail_api.jmap.core.context import Context, JsonObject
from mailquay_webmail_api.jmap.core.errors import MethodError
from mailquay_webmail_api.jmap.core.getting import read_ids
from mailquay_webmail_api.jmap.core.ids import email_id, mailbox_id, parse_email_id, thread_id
from mailquay_webmail_api.jmap.core.states import state_text
from mailquay_webmail_api.jmap.mail.body_values import WantedValues
from mailquay_webmail_api.jmap.mail.email_view import (
    DEFAULT_PROPERTIES,
    METADATA,
    Message,
    MessageView,
    utc_date,
)
from mailquay_webmail_api.jmap.mail.header_fields import InvalidProperty
from mailquay_webmail_api.jmap.mail.keywords import show_keywords

__all__ = ["get_emails", "is_message", "parse_emails", "show_emails", "show_metadata"]

#: Messages read at once, so that a call holds no more than these in memory.
_READ_AT_ONCE: Final = 8
#: A larger message is taken apart in a thread.
_INLINE_BYTES: Final = 128 * 1024
#: Where Email/parse has nothing to show: of no mail store.
_PARSE_DEFAULT: Final = tuple(name for name in DEFAULT_PROPERTIES if name not in METADATA)


def _view(arguments: Arguments, default: Sequence[str]) -> MessageView:
    properties = arguments.optional_strings("properties")
    body_properties = arguments.optional_strings("bodyProperties")
    values = WantedValues.read(arguments)
    try:
        return MessageView(default if properties is None else properties, body_properties, values)
    except InvalidProperty as error:
        raise MethodError.invalid_arguments(str(error)) from None


async def get_emails(context: Context, given: JsonObject) -> JsonObject:
    """Email/get: one round trip, and one more with the messages where those are needed."""
    arguments = Arguments(given)
    ids = read_ids(arguments, context)
    view = _view(arguments, DEFAULT_PROPERTIES)
    arguments.finish()
    if ids is None:
        ids = await _all_ids(context)
    state, shown = await show_emails(context, ids, view)
    return {
        "accountId": given["accountId"],
        "state": state,
        "list": [shown[text] for text in ids if text in shown],
        "notFound": [text for text in ids if text not in shown],
    }


async def _all_ids(context: Context) -> list[str]:
    limit = context.limits.max_objects_in_get
    found = await context.store.email_objects.ids(context.account.id, limit + 1)
    if len(found) > limit:
        raise MethodError("requestTooLarge", "there are too many to get all at once")
    return [email_id(number) for number in found]


async def show_emails(
    context: Context, ids: Sequence[str], view: MessageView
) -> tuple[str, dict[str, JsonObject]]:
    """The state, and the emails that are there by their ids."""
    numbers = [number for number in map(parse_email_id, ids) if number is not None]
    columns = []
    if view.wants_facts:
        columns += ["has_attachment", "preview"]
    if view.wants_header:
        columns.append("header_fields")
    if view.wants_structure or view.wants_message:
        columns.append("structure")
    modseq, found = await context.store.email_objects.get(context.account.id, numbers, columns)
    shown: dict[str, JsonObject] = {}
    unread: dict[EmailId, Message] = {}
    for email in found.values():
        message = _known(email)
        if view.needs_message(message):
            unread[email.id] = message
        else:
            shown[email_id(email.id)] = _with_id(view.show(message, show_metadata(email)), email)
    if unread:
        shown |= await _show_whole(context, found, unread, view)
    return state_text(modseq), shown


def _with_id(shown: JsonObject, email: EmailObject) -> JsonObject:
    return {"id": email_id(email.id), **shown}


def _known(email: EmailObject) -> Message:
    """What the database knows of an email."""
    columns = email.columns
    structure = columns.get("structure")
    return Message(
        blob_id=lambda part: part_blob_id(email.id, part),
        has_attachment=columns.get("has_attachment", False),
        preview=columns.get("preview", ""),
        kept_header=columns.get("header_fields", b""),
        root=None if structure is None else decode_structure(structure),
    )


def show_metadata(email: EmailObject) -> JsonObject:
    """What is of the mail store (RFC 8621 §4.1.1)."""
    return {
        "id": email_id(email.id),
        "blobId": email_blob_id(email.id),
        "threadId": thread_id(email.thread_id),
        "mailboxIds": {mailbox_id(number): True for number in email.mailbox_ids},
        "keywords": show_keywords(email.flags, email.keywords),
        "size": email.size,
        "receivedAt": utc_date(email.received_at),
    }


async def _show_whole(
    context: Context,
    found: Mapping[EmailId, EmailObject],
    messages: Mapping[EmailId, Message],
    view: MessageView,
) -> dict[str, JsonObject]:
    """Show emails whose messages must be read, a few at a time."""
    bodies = await context.store.emails.bodies(context.account.id, list(messages))
    # Neighbours in a pack are read one after the other.
    order = sorted(bodies.values(), key=lambda body: (body.pack_id.int, body.pack_offset))
    shown: dict[str, JsonObject] = {}

    async def show(body: Body) -> None:
        message, email = messages[body.email_id], found[body.email_id]
        message.raw = await context.blobs.get(body)
        message.root = message.root or decode_structure(body.structure)
        metadata = show_metadata(email)
        if body.size > _INLINE_BYTES:
            made = await asyncio.to_thread(view.show, message, metadata)
        else:
            made = view.show(message, metadata)
        message.raw = None
        shown[email_id(email.id)] = _with_id(made, email)

    for start in range(0, len(order), _READ_AT_ONCE):
        await asyncio.gather(*map(show, order[start : start + _READ_AT_ONCE]))
    return shown


async def parse_emails(context: Context, given: JsonObject) -> JsonObject:
    """Email/parse: messages that are in no mailbox, such as those attached to others."""
    arguments = Arguments(given)
    blob_ids = [context.resolve_id(text) or text for text in arguments.strings("blobIds")]
    view = _view(arguments, _PARSE_DEFAULT)
    arguments.finish()
    if len(blob_ids) > context.limits.max_objects_in_get:
        raise MethodError("requestTooLarge")
    parsed: dict[str, Any] = {}
    not_parsable, not_found = [], []
    for blob_id in dict.fromkeys(blob_ids):
        blob = await read_blob(context.store, context.blobs, context.account.id, blob_id)
        if blob is None:
            not_found.append(blob_id)
            continue
        shown = await asyncio.to_thread(_parse, view, blob_id, blob.data)
        if shown is None:
            not_parsable.append(blob_id)
        else:
            parsed[blob_id] = shown
    return {
        "accountId": given["accountId"],
        "parsed": parsed or None,
        "notParsable": not_parsable or None,
        "notFound": not_found or None,
    }


def is_message(message: ScannedMessage) -> bool:
    """Whether bytes are a message at all: all can be scanned, but not all have a header field."""
    return bool(message.header.fields)


def _parse(view: MessageView, blob_id: str, raw: bytes) -> JsonObject | None:
    scanned = scan(raw)
    if not is_message(scanned):
        return None
    stored = parse_email_blob_id(blob_id)

    def part_blob(part_id: str) -> str:
        if stored is not None and not stored[1]:
            return part_blob_id(stored[0], part_id)
        return inner_blob_id(blob_id, part_id)

    message = Message(
        part_blob, scanned.has_attachment, scanned.preview(), root=scanned.root, raw=raw
    )
    # Nothing of a mail store is known of it (RFC 8621 §4.9).
    metadata = {**dict.fromkeys(METADATA), "blobId": blob_id, "size": len(raw)}
    return view.show(message, metadata)
