"""Thread/get (RFC 8621 §3.1)."""

from typing import Final

from mailquay_webmail_api.jmap.core.arguments import Arguments
from mailquay_webmail_api.jmap.core.context import Context, JsonObject
from mailquay_webmail_api.jmap.core.errors import MethodError
from mailquay_webmail_api.jmap.core.getting import pick, read_ids
from mailquay_webmail_api.jmap.core.ids import email_id, parse_thread_id, thread_id
from mailquay_webmail_api.jmap.core.states import state_text

__all__ = ["get_threads"]

_PROPERTIES: Final = frozenset({"id", "emailIds"})


async def get_threads(context: Context, given: JsonObject) -> JsonObject:
    """Thread/get: emails by the date of receipt, oldest first."""
    arguments = Arguments(given)
    ids = read_ids(arguments, context)
    properties = arguments.properties(_PROPERTIES)
    arguments.finish()
    if ids is None:
        ids = await _all_ids(context)
    numbers = [number for number in map(parse_thread_id, ids) if number is not None]
    modseq, found = await context.store.email_objects.threads(context.account.id, numbers)
    shown = {
        thread_id(number): {"id": thread_id(number), "emailIds": [*map(email_id, emails)]}
        for number, emails in found.items()
    }
    return {
        "accountId": given["accountId"],
        "state": state_text(modseq),
        "list": [pick(shown[text], properties) for text in ids if text in shown],
        "notFound": [text for text in ids if text not in shown],
    }


async def _all_ids(context: Context) -> list[str]:
    limit = context.limits.max_objects_in_get
    found = await context.store.email_objects.thread_ids(context.account.id, limit + 1)
    if len(found) > limit:
        raise MethodError("requestTooLarge", "there are too many to get all at once")
    return [thread_id(number) for number in found]
