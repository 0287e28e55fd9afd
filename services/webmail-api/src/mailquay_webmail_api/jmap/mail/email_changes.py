"""Email/changes, Thread/changes, and what queries have become (RFC 8621 §3.2, §4.3)."""

from mailquay_webmail_api.jmap.core.arguments import Arguments
from mailquay_webmail_api.jmap.core.context import Context, JsonObject
from mailquay_webmail_api.jmap.core.getting import changes_answer, read_max_changes
from mailquay_webmail_api.jmap.core.ids import email_id, thread_id
from mailquay_webmail_api.jmap.mail.points import point_text, read_point

__all__ = ["change_emails", "change_threads"]


async def change_emails(context: Context, given: JsonObject) -> JsonObject:
    """Email/changes."""
    arguments = Arguments(given)
    now = await context.store.emails.state(context.account.id)
    since = read_point(arguments, "sinceState", now)
    limit = read_max_changes(arguments, context)
    arguments.finish()
    found = await context.store.changes.emails(context.account.id, since, limit)
    return changes_answer(
        given,
        point_text(found.state),
        (found.created, found.updated, found.destroyed),
        email_id,
        has_more=found.has_more,
    )


async def change_threads(context: Context, given: JsonObject) -> JsonObject:
    """Thread/changes."""
    arguments = Arguments(given)
    now = await context.store.emails.state(context.account.id)
    since = read_point(arguments, "sinceState", now)
    limit = read_max_changes(arguments, context)
    arguments.finish()
    found = await context.store.changes.threads(context.account.id, since, limit)
    return changes_answer(
        given,
        point_text(found.state),
        (found.created, found.updated, found.destroyed),
        thread_id,
        has_more=found.has_more,
    )
