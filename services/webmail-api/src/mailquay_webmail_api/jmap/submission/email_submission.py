"""EmailSubmission/get, /changes and /set: what is sent (RFC 8621 §7)."""

from collections.abc import Sequence
from typing import Any, Final

from mailquay.store.errors import NotFound
from mailquay.store.queue import QueuedRecipient
from mailquay.store.submissions import Submission
from mailquay.store.types import EmailId, ThreadId
from mailquay_webmail_api.jmap.core.arguments import Arguments
from mailquay_webmail_api.jmap.core.context import Context, FollowUp, JsonObject
from mailquay_webmail_api.jmap.core.errors import MethodError, SetError
from mailquay_webmail_api.jmap.core.getting import (
    changes_answer,
    pick,
    read_ids,
    read_max_changes,
)
from mailquay_webmail_api.jmap.core.ids import (
    email_id,
    identity_id,
    parse_email_id,
    parse_identity_id,
    parse_submission_id,
    submission_id,
    thread_id,
)
from mailquay_webmail_api.jmap.core.setting import SetOutcome, perform_set, read_set
from mailquay_webmail_api.jmap.core.states import read_since, state_text
from mailquay_webmail_api.jmap.submission.envelope import read_envelope
from mailquay_webmail_api.jmap.submission.sending import send_email

__all__ = ["change_submissions", "get_submissions", "set_submissions", "utc_date"]

_PROPERTIES: Final = frozenset(
    {
        "id", "identityId", "emailId", "threadId", "envelope", "sendAt", "undoStatus",
        "deliveryStatus", "dsnBlobIds", "mdnBlobIds",
    }
)  # fmt: skip
_CREATABLE: Final = frozenset({"identityId", "emailId", "envelope"})
#: Beside the Envelope object, for `deliveryStatus`: `Sent.forwarded`.
_FORWARDED: Final = "forwarded"
#: RFC 8621 §7, `delivered`, by the state of a queue's recipient: another server has it, and what
#: that does with it nobody knows.
_DELIVERED: Final = {"queued": "queued", "held": "queued", "delivered": "unknown", "failed": "no"}


async def get_submissions(context: Context, given: JsonObject) -> JsonObject:
    """EmailSubmission/get."""
    arguments = Arguments(given)
    ids = read_ids(arguments, context)
    properties = arguments.properties(_PROPERTIES)
    arguments.finish()
    state = await context.store.emails.state(context.account.id)
    numbers = None if ids is None else [n for n in map(parse_submission_id, ids) if n is not None]
    found = await context.store.submissions.list_submissions(context.account.id, numbers)
    if len(found) > context.limits.max_objects_in_get:
        raise MethodError("requestTooLarge", "there are too many to get all at once")
    recipients = await _recipients(context, found, properties)
    shown = {submission_id(one.id): _show(one, recipients) for one in found}
    wanted = list(shown) if ids is None else ids
    return {
        "accountId": given["accountId"],
        "state": state_text(state),
        "list": [pick(shown[text], properties) for text in wanted if text in shown],
        "notFound": [text for text in wanted if text not in shown],
    }


async def change_submissions(context: Context, given: JsonObject) -> JsonObject:
    """EmailSubmission/changes."""
    arguments = Arguments(given)
    now = await context.store.emails.state(context.account.id)
    since = read_since(arguments, "sinceState", now)
    limit = read_max_changes(arguments, context)
    arguments.finish()
    found = await context.store.submissions.changes(context.account.id, since, limit)
    return changes_answer(
        given,
        state_text(found.state),
        (found.created, found.updated, found.destroyed),
        submission_id,
        has_more=found.has_more,
    )


async def set_submissions(context: Context, given: JsonObject) -> JsonObject:
    """EmailSubmission/set, and then what it asks to be done to the emails it has sent."""
    arguments = Arguments(given)
    request = read_set(arguments, context)
    update_emails = arguments.optional_objects("onSuccessUpdateEmail") or {}
    destroy_emails = arguments.optional_strings("onSuccessDestroyEmail") or []
    arguments.finish()

    async def state() -> str:
        return state_text(await context.store.emails.state(context.account.id))

    operations = _Operations(context)
    # What is destroyed below can no longer be asked which email it was of.
    await operations.remember([*update_emails, *destroy_emails])
    outcome, old, new = await perform_set(context, request, operations, state)
    follow_up = _follow_up(context, outcome, operations.emails, update_emails, destroy_emails)
    if follow_up:
        arguments_after = {"accountId": given["accountId"], **follow_up}
        context.follow_ups.append(FollowUp("Email/set", arguments_after))
    return outcome.answer(given["accountId"], old, new)


def _follow_up(
    context: Context,
    outcome: SetOutcome,
    emails: dict[str, EmailId],
    update_emails: dict[str, JsonObject],
    destroy_emails: list[str],
) -> JsonObject:
    """``update`` and ``destroy`` of the implicit Email/set: of what has succeeded only."""
    done = {made["id"] for made in outcome.created.values()}
    done |= {*outcome.updated, *outcome.destroyed}

    def email_of(text: str) -> str | None:
        number = context.resolve_id(text)
        return email_id(emails[number]) if number is not None and number in done else None

    update = {email: patch for text, patch in update_emails.items() if (email := email_of(text))}
    destroy = [email for text in destroy_emails if (email := email_of(text))]
    follow_up: JsonObject = {}
    if update:
        follow_up["update"] = update
    if destroy:
        follow_up["destroy"] = list(dict.fromkeys(destroy))
    return follow_up


class _Operations:
    """One submission at a time."""

    def __init__(self, context: Context) -> None:
        self._context = context
        #: The email of each submission that this request has to do with.
        self.emails: dict[str, EmailId] = {}

    async def remember(self, ids: Sequence[str]) -> None:
        """Look up which emails submissions are of; those that are yet to be made add theirs."""
        numbers = [n for n in map(parse_submission_id, ids) if n is not None]
        if not numbers:
            return
        found = await self._context.store.submissions.list_submissions(
            self._context.account.id, numbers
        )
        self.emails |= {submission_id(one.id): one.email_id for one in found}

    async def create(self, given: JsonObject) -> JsonObject:
        """Send an email."""
        unknown = sorted(set(given) - _CREATABLE)
        if unknown:
            raise SetError.invalid_properties(f"{unknown[0]} cannot be set", *unknown)
        identity = await self._identity(given.get("identityId"))
        number, thread = await self._email(given.get("emailId"))
        envelope = read_envelope(given.get("envelope"))
        account, store = self._context.account, self._context.store
        bodies = await store.emails.bodies(account.id, [number])
        if number not in bodies:
            raise SetError.invalid_properties("there is no such email", "emailId")
        sent = await send_email(self._context, bodies[number], envelope)
        made = await store.submissions.add(
            account.id,
            identity_id=identity,
            email_id=number,
            thread_id=thread,
            envelope={**sent.envelope.as_json(), _FORWARDED: sent.forwarded},
            queue_message_id=sent.queue_id,
        )
        self.emails[submission_id(made.id)] = number
        recipients = await _recipients(self._context, [made], None)
        return {name: v for name, v in _show(made, recipients).items() if name not in given}

    async def _identity(self, text: object) -> int:
        resolved = self._context.resolve_id(text) if isinstance(text, str) else None
        number = parse_identity_id(resolved)
        known = await self._context.store.identities.list_identities(self._context.account.id)
        if number is None or number not in {one.id for one in known}:
            raise SetError.invalid_properties("there is no such identity", "identityId")
        return number

    async def _email(self, text: object) -> tuple[EmailId, ThreadId]:
        resolved = self._context.resolve_id(text) if isinstance(text, str) else None
        number = parse_email_id(resolved)
        if number is not None:
            columns = await self._context.store.emails.columns(
                self._context.account.id, [number], ["thread_id"]
            )
            if number in columns:
                return number, ThreadId(columns[number][0])
        raise SetError.invalid_properties("there is no such email", "emailId")

    async def update(self, object_id: str, patch: JsonObject) -> None:
        """Nothing can be taken back: a submission is final at once."""
        number = parse_submission_id(object_id)
        found = await self._context.store.submissions.list_submissions(
            self._context.account.id, [] if number is None else [number]
        )
        if not found:
            raise SetError("notFound")
        self.emails[object_id] = found[0].email_id
        shown = _show(found[0], {})
        for name, value in patch.items():
            if name == "undoStatus" and value == "canceled":
                raise SetError("cannotUnsend", "it is on its way already")
            if name == "deliveryStatus" or name not in shown or shown[name] != value:
                raise SetError.invalid_properties(f"{name} cannot be changed", name)

    async def destroy(self, object_id: str) -> None:
        """Forget a submission; the message goes its way."""
        number = parse_submission_id(object_id)
        try:
            if number is None:
                raise NotFound(object_id)
            await self._context.store.submissions.remove(self._context.account.id, number)
        except NotFound:
            raise SetError("notFound") from None


async def _recipients(
    context: Context, submissions: Sequence[Submission], properties: Sequence[str] | None
) -> dict[int, list[QueuedRecipient]]:
    """What the queue knows of them, where it is asked for."""
    if properties is not None and "deliveryStatus" not in properties:
        return {}
    queued = [one.queue_message_id for one in submissions if one.queue_message_id is not None]
    return await context.store.queue.recipients_of(queued) if queued else {}


def _show(submission: Submission, queued: dict[int, list[QueuedRecipient]]) -> JsonObject:
    envelope = dict(submission.envelope)
    forwarded = envelope.pop(_FORWARDED, {})
    recipients = {r.address: r for r in queued.get(submission.queue_message_id or 0, ())}
    status = {
        rcpt["email"]: _status(forwarded.get(rcpt["email"], [rcpt["email"]]), recipients)
        for rcpt in envelope["rcptTo"]
    }
    # Of what the queue has forgotten nothing is said.
    is_known = submission.queue_message_id is None or bool(recipients)
    return {
        "id": submission_id(submission.id),
        "identityId": identity_id(submission.identity_id),
        "emailId": email_id(submission.email_id),
        "threadId": thread_id(submission.thread_id),
        "envelope": envelope,
        "sendAt": utc_date(submission),
        "undoStatus": submission.undo_status,
        "deliveryStatus": status if is_known else None,
        "dsnBlobIds": [],
        "mdnBlobIds": [],
    }


def utc_date(submission: Submission) -> str:
    """``sendAt`` as a UTCDate (RFC 8620 §1.4)."""
    return submission.send_at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _status(addresses: Sequence[str], queued: dict[str, QueuedRecipient]) -> dict[str, Any]:
    """A DeliveryStatus: the worst of where a recipient's mail goes (RFC 8621 §7)."""
    found = [queued[address] for address in addresses if address in queued]
    if not found:
        return {"smtpReply": "250 2.1.5 delivered", "delivered": "yes", "displayed": "unknown"}
    worst = max(found, key=lambda one: list(_DELIVERED).index(one.state))
    return {
        "smtpReply": worst.last_reply or "250 2.0.0 queued",
        "delivered": _DELIVERED[worst.state],
        "displayed": "unknown",
    }
