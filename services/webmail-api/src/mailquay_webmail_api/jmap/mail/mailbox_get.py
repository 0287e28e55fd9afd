"""Mailbox/get and Mailbox/changes (RFC 8621 §2.1, §2.2)."""

from collections.abc import Collection

from mailquay.store.mailbox_objects import MailboxCounts
from mailquay_webmail_api.jmap.core.arguments import Arguments
from mailquay_webmail_api.jmap.core.context import Context, JsonObject
from mailquay_webmail_api.jmap.core.getting import (
    changes_answer,
    pick,
    read_ids,
    read_max_changes,
)
from mailquay_webmail_api.jmap.core.ids import mailbox_id
from mailquay_webmail_api.jmap.core.states import state_text
from mailquay_webmail_api.jmap.mail.mailbox_view import COUNTS, PROPERTIES, parents, show_mailbox
from mailquay_webmail_api.jmap.mail.points import point_text, read_point

__all__ = ["change_mailboxes", "get_mailboxes", "show_mailboxes"]


async def get_mailboxes(context: Context, given: JsonObject) -> JsonObject:
    """Mailbox/get: one round trip, and one to count where that is asked for."""
    arguments = Arguments(given)
    ids = read_ids(arguments, context)
    properties = arguments.properties(PROPERTIES)
    arguments.finish()
    state, shown = await show_mailboxes(context, PROPERTIES if properties is None else properties)
    wanted = list(shown) if ids is None else ids
    return {
        "accountId": given["accountId"],
        "state": state,
        "list": [pick(shown[text], properties) for text in wanted if text in shown],
        "notFound": [text for text in wanted if text not in shown],
    }


async def show_mailboxes(
    context: Context, properties: Collection[str]
) -> tuple[str, dict[str, JsonObject]]:
    """The state, and all mailboxes by their ids; counted only where a property wants it."""
    account_id, objects = context.account.id, context.store.mailbox_objects
    modseq, mailboxes = await objects.list_mailboxes(account_id)
    counts = await objects.counts(account_id) if set(properties) & set(COUNTS) else {}
    above = parents(mailboxes)
    none = MailboxCounts()
    shown = {
        mailbox_id(box.id): show_mailbox(box, above.get(box.id), counts.get(box.id, none))
        for box in mailboxes
    }
    return state_text(modseq), shown


async def change_mailboxes(context: Context, given: JsonObject) -> JsonObject:
    """Mailbox/changes, with what has changed where it is but numbers of messages."""
    arguments = Arguments(given)
    now = await context.store.emails.state(context.account.id)
    since = read_point(arguments, "sinceState", now)
    limit = read_max_changes(arguments, context)
    arguments.finish()
    found = await context.store.changes.mailboxes(context.account.id, since, limit)
    answer = changes_answer(
        given,
        point_text(found.state),
        (found.created, found.updated, found.destroyed),
        mailbox_id,
        has_more=found.has_more,
    )
    is_only_counts = bool(found.updated) and len(found.only_counts) == len(found.updated)
    return {**answer, "updatedProperties": list(COUNTS) if is_only_counts else None}
