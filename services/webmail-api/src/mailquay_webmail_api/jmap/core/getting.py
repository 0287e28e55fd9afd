"""What every /get and /changes has in common (RFC 8620 §5.1, §5.2). No I/O here."""

from collections.abc import Callable, Iterable, Sequence

from mailquay_webmail_api.jmap.core.arguments import Arguments
from mailquay_webmail_api.jmap.core.context import Context, JsonObject
from mailquay_webmail_api.jmap.core.errors import MethodError

__all__ = ["changes_answer", "pick", "read_ids", "read_max_changes"]


def read_ids(arguments: Arguments, context: Context) -> list[str] | None:
    """``ids`` of a /get, each once, ``#creation`` resolved; None for all.

    Raises:
        MethodError: invalidArguments or requestTooLarge.
    """
    ids = arguments.optional_strings("ids")
    if ids is None:
        return None
    if len(ids) > context.limits.max_objects_in_get:
        raise MethodError("requestTooLarge", f"more than {context.limits.max_objects_in_get} ids")
    return list(dict.fromkeys(context.resolve_id(text) or text for text in ids))


def pick(item: JsonObject, properties: Iterable[str] | None) -> JsonObject:
    """The object with those properties; its id is always among them."""
    if properties is None:
        return item
    return {"id": item["id"], **{name: item[name] for name in properties}}


def read_max_changes(arguments: Arguments, context: Context) -> int:
    """``maxChanges``, within what a /get takes afterwards."""
    asked = arguments.optional_unsigned("maxChanges", least=1)
    limit = context.limits.max_objects_in_get
    return limit if asked is None else min(asked, limit)


def changes_answer(
    given: JsonObject,
    new_state: str,
    changes: tuple[Sequence[int], Sequence[int], Sequence[int]],
    show: Callable[[int], str],
    *,
    has_more: bool,
) -> JsonObject:
    """The answer to a /changes; ``changes`` are the created, the updated and the destroyed."""
    created, updated, destroyed = ([show(number) for number in group] for group in changes)
    return {
        "accountId": given["accountId"],
        "oldState": given["sinceState"],
        "newState": new_state,
        "hasMoreChanges": has_more,
        "created": created,
        "updated": updated,
        "destroyed": destroyed,
    }
