"""Email/query and Email/queryChanges (RFC 8621 §4.4, §4.5)."""

from typing import Final

from mailquay.store.email_conditions import (
    Condition,
    ThreadHasKeyword,
    depends_on_threads,
    message_terms,
)
from mailquay.store.email_queries import Anchor, EmailQuery, Window
from mailquay_webmail_api.jmap.core.arguments import Arguments
from mailquay_webmail_api.jmap.core.context import Context, JsonObject
from mailquay_webmail_api.jmap.core.errors import MethodError
from mailquay_webmail_api.jmap.core.ids import email_id, parse_email_id
from mailquay_webmail_api.jmap.core.states import state_text
from mailquay_webmail_api.jmap.mail.email_filter import read_email_filter, read_email_sort
from mailquay_webmail_api.jmap.mail.message_search import look_into_messages
from mailquay_webmail_api.jmap.mail.points import read_point
from mailquay_webmail_api.jmap.mail.windows import (
    QueryWindow,
    changed_query,
    read_max_query_changes,
)

__all__ = ["changed_email_query", "query_emails"]

#: Emails that may have changed since; beyond it, asking again costs a client less.
_CHANGED_MAX: Final = 10_000


async def query_emails(context: Context, given: JsonObject) -> JsonObject:
    """Email/query: one statement where no message must be looked into."""
    arguments = Arguments(given)
    condition, query = _read_query(context, arguments)
    window = QueryWindow.read(arguments)
    arguments.finish()
    anchor = None
    if window.anchor is not None:
        number = parse_email_id(context.resolve_id(window.anchor))
        if number is None:
            raise MethodError("anchorNotFound")
        anchor = Anchor(number, window.anchor_offset)
    condition = await look_into_messages(context, condition)
    found = await context.store.email_queries.window(
        context.account.id,
        EmailQuery(condition, query.order, query.collapse),
        Window(window.position, window.limit, anchor),
    )
    if not found.has_anchor:
        raise MethodError("anchorNotFound")
    answer = window.answer(
        state_text(found.state), [*map(email_id, found.ids)], found.position, found.total
    )
    return {
        "accountId": given["accountId"],
        **answer,
        "canCalculateChanges": _can_calculate_changes(query.condition),
    }


def _read_query(context: Context, arguments: Arguments) -> tuple[Condition, EmailQuery]:
    condition = read_email_filter(context, arguments.value("filter"))
    order = read_email_sort(arguments.value("sort"))
    query = EmailQuery(condition, order, arguments.boolean("collapseThreads"))
    return condition, query


def _can_calculate_changes(condition: Condition) -> bool:
    """Only the newest messages are looked into: an old one may drop out as new ones come."""
    return next(message_terms(condition), None) is None


def _depends_on_threads(query: EmailQuery) -> bool:
    return (
        query.collapse
        or depends_on_threads(query.condition)
        or any(isinstance(by.keyword, ThreadHasKeyword) for by in query.order)
    )


async def changed_email_query(context: Context, given: JsonObject) -> JsonObject:
    """Email/queryChanges.

    Emails that have changed since are told as removed, and those of them that are in the results as
    added: with all of their threads where a filter, a sort or collapsing depends on these.
    """
    arguments = Arguments(given)
    now = await context.store.emails.state(context.account.id)
    condition, query = _read_query(context, arguments)
    since = read_point(arguments, "sinceQueryState", now)
    max_changes = read_max_query_changes(arguments)
    # Only where nothing that may change is asked for could it be of use (RFC 8620 §5.6).
    arguments.optional_string("upToId")
    wants_total = arguments.boolean("calculateTotal")
    arguments.finish()
    if not _can_calculate_changes(condition):
        raise MethodError("cannotCalculateChanges", "the filter looks into messages")
    changes = await context.store.changes.emails(context.account.id, since, _CHANGED_MAX)
    if changes.has_more:
        raise MethodError("cannotCalculateChanges", "too much has changed since")
    touched = {*changes.created, *changes.updated, *changes.destroyed}
    if _depends_on_threads(query):
        thread_ids = list(changes.thread_ids)
        _, threads = await context.store.email_objects.threads(context.account.id, thread_ids)
        touched.update(*threads.values())
    state, total, places = await context.store.email_queries.places_among(
        context.account.id, query, list(touched)
    )
    return changed_query(
        given,
        state_text(state),
        [email_id(number) for number in sorted(touched - set(changes.created))],
        [(email_id(number), index) for number, index in places],
        total=total if wants_total else None,
        max_changes=max_changes,
    )
