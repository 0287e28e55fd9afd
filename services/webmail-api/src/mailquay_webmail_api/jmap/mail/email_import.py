"""Email/import and Email/copy (RFC 8621 §4.7, §4.8)."""

import asyncio
import re
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from mailquay.message import ScannedMessage, scan
from mailquay.message.dates import parse_date
from mailquay_webmail_api.jmap.core.arguments import Arguments
from mailquay_webmail_api.jmap.core.blobs import read_blob
from mailquay_webmail_api.jmap.core.context import Context, JsonObject
from mailquay_webmail_api.jmap.core.errors import MethodError, SetError
from mailquay_webmail_api.jmap.core.ids import account_id
from mailquay_webmail_api.jmap.core.states import state_text
from mailquay_webmail_api.jmap.mail.email_create import read_place, store_message
from mailquay_webmail_api.jmap.mail.email_get import is_message

__all__ = ["copy_emails", "import_emails"]

_PROPERTIES: Final = frozenset({"blobId", "mailboxIds", "keywords", "receivedAt"})
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")


async def import_emails(context: Context, given: JsonObject) -> JsonObject:
    """Email/import: messages that were uploaded, or that lie in others."""
    arguments = Arguments(given)
    if_in_state = arguments.optional_string("ifInState")
    emails = arguments.optional_objects("emails")
    arguments.finish()
    if emails is None:
        raise MethodError.invalid_arguments("emails is missing")
    if not all(map(_ID.fullmatch, emails)):
        raise MethodError.invalid_arguments("emails: a creation id is no valid id")
    if len(emails) > context.limits.max_objects_in_set:
        raise MethodError("requestTooLarge")
    before = await context.store.emails.state(context.account.id)
    if if_in_state not in (None, state_text(before)):
        raise MethodError("stateMismatch")
    created: dict[str, JsonObject] = {}
    not_created: dict[str, JsonObject] = {}
    try:
        for creation_id, email in emails.items():
            try:
                made = await _import(context, email)
            except SetError as error:
                not_created[creation_id] = error.response
            else:
                created[creation_id] = made
                context.created_ids[creation_id] = made["id"]
        after = await context.store.emails.state(context.account.id)
    except Exception as error:
        if created:
            raise MethodError("serverPartialFail", "some of it was done") from error
        raise
    return {
        "accountId": given["accountId"],
        "oldState": state_text(before),
        "newState": state_text(after),
        "created": created or None,
        "notCreated": not_created or None,
    }


async def _import(context: Context, email: dict[str, Any]) -> JsonObject:
    unknown = sorted(set(email) - _PROPERTIES)
    if unknown:
        raise SetError.invalid_properties(f"{unknown[0]} cannot be set", *unknown)
    place = read_place(context, email)
    text = email.get("blobId")
    blob_id = context.resolve_id(text) if isinstance(text, str) else None
    blob = None
    if blob_id is not None:
        blob = await read_blob(context.store, context.blobs, context.account.id, blob_id)
    if blob is None:
        raise SetError.invalid_properties("there is no such blob", "blobId")
    raw, received_at = await asyncio.to_thread(_prepare, blob.data)
    if place.received_at is None:
        place = replace(place, received_at=received_at)
    return await store_message(context, raw, place)


def _prepare(raw: bytes) -> tuple[bytes, datetime | None]:
    """The message as it is to be kept, and when it was received last (RFC 8621 §4.8).

    Raises:
        SetError: invalidEmail.
    """
    # A file of a Unix system has its line ends; every protocol here wants RFC 5322's.
    raw = _LINE_END.sub(b"\r\n", raw.replace(b"\0", b""))
    message = scan(raw)
    if not is_message(message):
        raise SetError("invalidEmail", "it has no header field")
    return raw, _received_at(message)


def _received_at(message: ScannedMessage) -> datetime | None:
    """The date of the uppermost Received field, behind its last semicolon (RFC 5321 §4.4)."""
    received = message.header.get_raw(b"received")
    return None if received is None else parse_date(received.rpartition(b";")[2])


async def copy_emails(context: Context, given: JsonObject) -> JsonObject:
    """Email/copy: between two accounts, of which a client sees but one (RFC 8620 §5.4)."""
    arguments = Arguments(given)
    source = arguments.string("fromAccountId")
    arguments.optional_string("ifFromInState")
    arguments.optional_string("ifInState")
    arguments.optional_objects("create")
    arguments.boolean("onSuccessDestroyOriginal")
    arguments.optional_string("destroyFromIfInState")
    arguments.finish()
    if source == account_id(context.account.id):
        raise MethodError.invalid_arguments("fromAccountId and accountId are the same account")
    raise MethodError("fromAccountNotFound")
