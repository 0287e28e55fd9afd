"""Blob/copy (RFC 8620 §6.3)."""

from typing import Any

from mailquay_webmail_api.jmap.core.arguments import Arguments
from mailquay_webmail_api.jmap.core.blobs import find_blob
from mailquay_webmail_api.jmap.core.context import Context, JsonObject
from mailquay_webmail_api.jmap.core.errors import MethodError
from mailquay_webmail_api.jmap.core.ids import account_id

__all__ = ["copy_blobs"]


async def copy_blobs(context: Context, given: JsonObject) -> JsonObject:
    """Copy blobs between accounts; a client sees one account, in which they are already."""
    arguments = Arguments(given)
    source = arguments.string("fromAccountId")
    blob_ids = arguments.strings("blobIds")
    arguments.finish()
    if source != account_id(context.account.id):
        raise MethodError("fromAccountNotFound")
    if len(blob_ids) > context.limits.max_objects_in_set:
        raise MethodError("requestTooLarge")
    copied: dict[str, str] = {}
    not_copied: dict[str, Any] = {}
    for blob_id in dict.fromkeys(blob_ids):
        found = await find_blob(context.store, context.blobs, context.account.id, blob_id)
        if found is not None:
            copied[blob_id] = blob_id
        else:
            not_copied[blob_id] = {"type": "notFound"}
    return {
        "fromAccountId": source,
        "accountId": given["accountId"],
        "copied": copied or None,
        "notCopied": not_copied or None,
    }
