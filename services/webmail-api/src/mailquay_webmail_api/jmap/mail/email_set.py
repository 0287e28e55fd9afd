"""Email/set (RFC 8621 §4.6): creates go into delivery batches, all else is one transaction."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from mailquay.events import AccountChanged
from mailquay.store.email_sets import EmailsSet, EmailUpdate, Rejection
from mailquay.store.errors import StateChanged
from mailquay.store.types import EmailId
from mailquay_webmail_api.jmap.core.arguments import Arguments
from mailquay_webmail_api.jmap.core.context import Context, JsonObject
from mailquay_webmail_api.jmap.core.errors import MethodError, SetError
from mailquay_webmail_api.jmap.core.ids import email_id, parse_email_id
from mailquay_webmail_api.jmap.core.setting import SetOutcome, SetRequest, read_set
from mailquay_webmail_api.jmap.core.states import state_text
from mailquay_webmail_api.jmap.mail.body_values import WantedValues
from mailquay_webmail_api.jmap.mail.email_create import create_email
from mailquay_webmail_api.jmap.mail.email_get import show_emails
from mailquay_webmail_api.jmap.mail.email_updates import read_update, refusal
from mailquay_webmail_api.jmap.mail.email_view import MessageView
from mailquay_webmail_api.jmap.mail.header_fields import InvalidProperty
from mailquay_webmail_api.jmap.mail.keywords import KEYWORDS_MAX
from mailquay_webmail_api.jmap.mail.limits import MAILBOXES_PER_EMAIL_MAX
from mailquay_webmail_api.jmap.mail.patches import Path, read_patch

__all__ = ["set_emails"]

#: Messages built at once, each held in memory with its attachments.
_CREATED_AT_ONCE: Final = 4
_MUTABLE: Final = frozenset({"keywords", "mailboxIds"})
_WHOLE_TEXT: Final = WantedValues(of_text=True, of_html=True, of_all=True, max_bytes=0)


async def set_emails(context: Context, given: JsonObject) -> JsonObject:
    """Email/set."""
    arguments = Arguments(given)
    request = read_set(arguments, context)
    arguments.finish()
    work = _Work(context, request)
    before = None
    try:
        if request.create:
            before = await context.store.emails.state(context.account.id)
            if request.if_in_state not in (None, state_text(before)):
                raise MethodError("stateMismatch")
            await work.create_all()
        # Who has created something here has changed the state.
        if_state = None if work.outcome.created else request.expected_state
        done = await work.change_all(if_state=if_state)
    except StateChanged:
        raise MethodError("stateMismatch") from None
    except Exception as error:
        if work.outcome.is_anything_done:
            raise MethodError("serverPartialFail", "some of it was done") from error
        raise
    old_state = state_text(done.before if before is None else before)
    return work.outcome.answer(given["accountId"], old_state, state_text(done.modseq))


@dataclass(slots=True)
class _Work:
    """One call."""

    context: Context
    request: SetRequest
    outcome: SetOutcome = field(default_factory=SetOutcome)

    async def create_all(self) -> None:
        """Make the emails; those that are ready together are committed together."""
        slots = asyncio.Semaphore(_CREATED_AT_ONCE)

        async def create(creation_id: str, given: JsonObject) -> None:
            try:
                async with slots:
                    made = await create_email(self.context, given)
            except SetError as error:
                self.outcome.not_created[creation_id] = error.response
            else:
                self.outcome.created[creation_id] = made
                self.context.created_ids[creation_id] = made["id"]

        results = await asyncio.gather(
            *(create(*item) for item in self.request.create.items()), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def change_all(self, *, if_state: int | None) -> EmailsSet:
        """Update and destroy."""
        destroy = self._read_destroy()
        updates = await self._read_updates(set(destroy))
        done = await self.context.store.email_sets.apply(
            self.context.account.id,
            updates,
            destroy,
            max_keywords=KEYWORDS_MAX,
            max_mailboxes=MAILBOXES_PER_EMAIL_MAX,
            if_state=if_state,
        )
        self._tell(updates, destroy, done.rejected)
        if done.modseq != done.before:
            self.context.bus.publish(
                AccountChanged(
                    account_id=self.context.account.id,
                    modseq=done.modseq,
                    mailbox_ids=done.mailbox_ids,
                )
            )
        return done

    def _tell(
        self,
        updates: Sequence[EmailUpdate],
        destroy: Sequence[EmailId],
        rejected: Mapping[EmailId, Rejection],
    ) -> None:
        for update in updates:
            text = email_id(update.email_id)
            if update.email_id in rejected:
                self.outcome.not_updated[text] = refusal(rejected[update.email_id])
            else:
                self.outcome.updated[text] = None
        for number in destroy:
            if number in rejected:
                self.outcome.not_destroyed[email_id(number)] = refusal(rejected[number])
            else:
                self.outcome.destroyed.append(email_id(number))

    def _read_destroy(self) -> list[EmailId]:
        numbers: dict[EmailId, None] = {}
        for text in self.request.destroy:
            number = parse_email_id(self.context.resolve_id(text))
            if number is None:
                self.outcome.not_destroyed[text] = SetError("notFound").response
            else:
                numbers[number] = None
        return list(numbers)

    async def _read_updates(self, doomed: set[EmailId]) -> list[EmailUpdate]:
        patches: dict[EmailId, dict[Path, Any]] = {}
        for text, patch in self.request.update.items():
            number = parse_email_id(self.context.resolve_id(text))
            try:
                if number is None:
                    raise SetError("notFound")
                if number in doomed:
                    raise SetError("willDestroy")
                patches[number] = read_patch(patch)
            except SetError as error:
                key = text if number is None else email_id(number)
                self.outcome.not_updated[key] = error.response
        updates: list[EmailUpdate] = []
        for number, paths in patches.items():
            try:
                current = await self._current(number, {path[0] for path in paths} - _MUTABLE)
                _allow_some_values(current, paths)
                updates.append(read_update(number, paths, current, self.context.resolve_id))
            except SetError as error:
                self.outcome.not_updated[email_id(number)] = error.response
        return updates

    async def _current(self, number: EmailId, names: set[str]) -> JsonObject:
        """What cannot be changed, and so may only be given as it is (RFC 8620 §5.3)."""
        if not names:
            return {}
        try:
            view = MessageView(sorted(names), None, _WHOLE_TEXT)
        except InvalidProperty as error:
            raise SetError.invalid_properties(str(error), *sorted(names)) from None
        _, shown = await show_emails(self.context, [email_id(number)], view)
        return shown.get(email_id(number), {})


def _allow_some_values(current: JsonObject, paths: Mapping[Path, Any]) -> None:
    """``bodyValues`` as they are may be of those parts only that the client has asked for."""
    given, known = paths.get(("bodyValues",)), current.get("bodyValues", {})
    if isinstance(given, dict) and all(known.get(part) == value for part, value in given.items()):
        current["bodyValues"] = given
