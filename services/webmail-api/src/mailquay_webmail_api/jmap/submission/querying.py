"""EmailSubmission/query and /queryChanges (RFC 8621 §7.3, §7.4).

What a submission is found and sorted by never changes, so that a query's result changes by what
comes and goes alone.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from mailquay.store.submissions import Submission
from mailquay_webmail_api.jmap.core.arguments import Arguments
from mailquay_webmail_api.jmap.core.context import Context, JsonObject
from mailquay_webmail_api.jmap.core.errors import MethodError
from mailquay_webmail_api.jmap.core.ids import email_id, identity_id, submission_id, thread_id
from mailquay_webmail_api.jmap.core.states import read_since, state_text

__all__ = ["query_submission_changes", "query_submissions"]

_DEPTH_MAX: Final = 20
_UTC_DATE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z", re.ASCII)
_Condition = Callable[[Submission], bool]
_SORTS: Final[dict[str, Callable[[Submission], Any]]] = {
    "emailId": lambda one: one.email_id,
    "threadId": lambda one: one.thread_id,
    "sentAt": lambda one: one.send_at,
}


async def query_submissions(context: Context, given: JsonObject) -> JsonObject:
    """EmailSubmission/query."""
    arguments = Arguments(given)
    condition, order = _read_filter_and_sort(arguments)
    position = arguments.integer("position", default=0)
    anchor = arguments.optional_string("anchor")
    offset = arguments.integer("anchorOffset", default=0)
    limit = arguments.optional_unsigned("limit")
    wants_total = arguments.boolean("calculateTotal")
    arguments.finish()
    state, ids = await _run(context, condition, order)
    if anchor is not None:
        anchor = context.resolve_id(anchor) or anchor
        if anchor not in ids:
            raise MethodError("anchorNotFound")
        position = max(0, ids.index(anchor) + offset)
    elif position < 0:
        position = max(0, len(ids) + position)
    most = context.limits.max_objects_in_get
    size = most if limit is None else min(limit, most)
    answer: JsonObject = {
        "accountId": given["accountId"],
        "queryState": state_text(state),
        "canCalculateChanges": True,
        "position": position,
        "ids": ids[position : position + size],
    }
    if wants_total:
        answer["total"] = len(ids)
    if limit is None or limit > size:
        answer["limit"] = size
    return answer


async def query_submission_changes(context: Context, given: JsonObject) -> JsonObject:
    """EmailSubmission/queryChanges."""
    arguments = Arguments(given)
    condition, order = _read_filter_and_sort(arguments)
    account = context.account.id
    now = await context.store.emails.state(account)
    since = read_since(arguments, "sinceQueryState", now)
    limit = arguments.optional_unsigned("maxChanges", least=1)
    # Results are never so many that leaving out those behind it would save anything.
    arguments.optional_string("upToId")
    wants_total = arguments.boolean("calculateTotal")
    arguments.finish()
    most = context.limits.max_objects_in_get if limit is None else limit
    changes = await context.store.submissions.changes(account, since, most)
    state, ids = await _run(context, condition, order)
    created = {submission_id(number) for number in changes.created}
    added = [{"id": text, "index": n} for n, text in enumerate(ids) if text in created]
    if changes.has_more or len(added) + len(changes.destroyed) > most:
        raise MethodError("tooManyChanges")
    answer: JsonObject = {
        "accountId": given["accountId"],
        "oldQueryState": given["sinceQueryState"],
        # What has come between the two reads is told again: no harm, and nothing is left out.
        "newQueryState": state_text(min(state, changes.state)),
        "removed": [submission_id(number) for number in changes.destroyed],
        "added": added,
    }
    if wants_total:
        answer["total"] = len(ids)
    return answer


async def _run(
    context: Context, condition: _Condition, order: list[tuple[str, bool]]
) -> tuple[int, list[str]]:
    state = await context.store.emails.state(context.account.id)
    found = await context.store.submissions.list_submissions(context.account.id)
    chosen = [one for one in found if condition(one)]
    for name, is_ascending in reversed(order):
        chosen.sort(key=_SORTS[name], reverse=not is_ascending)
    return state, [submission_id(one.id) for one in chosen]


def _read_filter_and_sort(arguments: Arguments) -> tuple[_Condition, list[tuple[str, bool]]]:
    condition = arguments.optional_object("filter")
    return (
        (lambda _one: True) if condition is None else _condition(condition, 0),
        _sort(arguments.value("sort")),
    )


def _sort(value: object) -> list[tuple[str, bool]]:
    """Comparators (RFC 8620 §5.5): property, and whether it ascends."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise MethodError.invalid_arguments("sort is not a list")
    order = []
    for item in value:
        match item:
            case {"property": str(name), **rest} if rest.keys() <= {"isAscending", "collation"}:
                is_ascending = rest.get("isAscending", True)
            case _:
                raise MethodError.invalid_arguments("sort holds what is no comparator")
        if not isinstance(is_ascending, bool):
            raise MethodError.invalid_arguments("sort: isAscending is not a boolean")
        if name not in _SORTS or "collation" in rest:
            raise MethodError("unsupportedSort", f"{name} cannot be sorted by")
        order.append((name, is_ascending))
    return order


def _condition(value: object, depth: int) -> _Condition:
    """A FilterOperator or a FilterCondition (RFC 8620 §5.5, RFC 8621 §7.3)."""
    if not isinstance(value, dict) or depth > _DEPTH_MAX:
        raise MethodError.invalid_arguments("filter holds what is no filter")
    if "operator" not in value:
        tests = [_test(name, wanted) for name, wanted in value.items()]
        return lambda one: all(test(one) for test in tests)
    conditions = value.get("conditions")
    if not isinstance(conditions, list) or value.keys() != {"operator", "conditions"}:
        raise MethodError.invalid_arguments("filter: an operator has a list of conditions")
    parts = [_condition(part, depth + 1) for part in conditions]
    match value["operator"]:
        case "AND":
            return lambda one: all(part(one) for part in parts)
        case "OR":
            return lambda one: any(part(one) for part in parts)
        case "NOT":
            return lambda one: not any(part(one) for part in parts)
    raise MethodError.invalid_arguments("filter: the operator is AND, OR or NOT")


def _test(name: str, wanted: object) -> _Condition:
    match name, wanted:
        case ("identityIds", list(ids)):
            return lambda one: identity_id(one.identity_id) in ids
        case ("emailIds", list(ids)):
            return lambda one: email_id(one.email_id) in ids
        case ("threadIds", list(ids)):
            return lambda one: thread_id(one.thread_id) in ids
        case ("undoStatus", str(status)):
            return lambda one: one.undo_status == status
        case (("before" | "after"), str(text)) if _UTC_DATE.fullmatch(text):
            return _dated(name, text)
        case (("identityIds" | "emailIds" | "threadIds" | "undoStatus" | "before" | "after"), _):
            raise MethodError.invalid_arguments(f"filter: {name} is of the wrong type")
    raise MethodError("unsupportedFilter", f"{name} cannot be filtered by")


def _dated(name: str, text: str) -> _Condition:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise MethodError.invalid_arguments(f"filter: {name} is no date") from None
    if name == "before":
        return lambda one: one.send_at < moment
    return lambda one: one.send_at >= moment
