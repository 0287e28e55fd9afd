"""What every /set has in common (RFC 8620 §5.3): order, references, limits, the answer."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from mailquay.events import AccountChanged
from mailquay_webmail_api.jmap.core.arguments import Arguments
from mailquay_webmail_api.jmap.core.context import Context, JsonObject
from mailquay_webmail_api.jmap.core.errors import MethodError, SetError

__all__ = ["SetOperations", "SetOutcome", "SetRequest", "perform_set", "read_set"]

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")


class SetOperations(Protocol):
    """One object at a time; each raises `SetError` for what it refuses."""

    async def create(self, given: JsonObject) -> JsonObject:
        """Make an object; returns its id and what else the server has set."""

    async def update(self, object_id: str, patch: JsonObject) -> JsonObject | None:
        """Change an object; returns what is not as the client said."""

    async def destroy(self, object_id: str) -> None:
        """Remove an object."""


@dataclass(frozen=True, slots=True)
class SetRequest:
    """The arguments that every /set has."""

    if_in_state: str | None
    create: dict[str, JsonObject]
    update: dict[str, JsonObject]
    destroy: list[str]

    @property
    def expected_state(self) -> int | None:
        """The modseq that ``ifInState`` means: None for any, -1 for what never was a state."""
        text = self.if_in_state
        if text is None:
            return None
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1


@dataclass(slots=True)
class SetOutcome:
    """What became of each object."""

    created: dict[str, JsonObject] = field(default_factory=dict)
    updated: dict[str, JsonObject | None] = field(default_factory=dict)
    destroyed: list[str] = field(default_factory=list)
    not_created: dict[str, JsonObject] = field(default_factory=dict)
    not_updated: dict[str, JsonObject] = field(default_factory=dict)
    not_destroyed: dict[str, JsonObject] = field(default_factory=dict)

    @property
    def is_anything_done(self) -> bool:
        """Whether a failure now would leave the work half done."""
        return bool(self.created or self.updated or self.destroyed)

    def answer(self, account_id: str, old_state: str, new_state: str) -> JsonObject:
        """The answer's arguments; null for what there is none of."""
        return {
            "accountId": account_id,
            "oldState": old_state,
            "newState": new_state,
            "created": self.created or None,
            "updated": self.updated or None,
            "destroyed": self.destroyed or None,
            "notCreated": self.not_created or None,
            "notUpdated": self.not_updated or None,
            "notDestroyed": self.not_destroyed or None,
        }


def read_set(arguments: Arguments, context: Context) -> SetRequest:
    """Read what every /set has.

    Raises:
        MethodError: invalidArguments or requestTooLarge.
    """
    request = SetRequest(
        arguments.optional_string("ifInState"),
        arguments.optional_objects("create") or {},
        arguments.optional_objects("update") or {},
        arguments.optional_strings("destroy") or [],
    )
    for creation_id in request.create:
        if not _ID.fullmatch(creation_id):
            raise MethodError.invalid_arguments(f"create/{creation_id} is under no valid id")
    count = len(request.create) + len(request.update) + len(request.destroy)
    if count > context.limits.max_objects_in_set:
        raise MethodError(
            "requestTooLarge", f"more than {context.limits.max_objects_in_set} objects"
        )
    return request


async def perform_set(
    context: Context,
    request: SetRequest,
    operations: SetOperations,
    read_state: Callable[[], Awaitable[str]],
) -> tuple[SetOutcome, str, str]:
    """Create, update, destroy, in this order; returns also the states before and after.

    Raises:
        MethodError: stateMismatch; serverPartialFail when the work broke off half done.
    """
    old_state = await read_state()
    if request.if_in_state not in (None, old_state):
        raise MethodError("stateMismatch")
    outcome = SetOutcome()
    try:
        await _create_all(context, request, operations, outcome)
        await _update_all(context, request, operations, outcome)
        await _destroy_all(context, request, operations, outcome)
        new_state = await read_state()
    except Exception as error:
        if outcome.is_anything_done:
            raise MethodError("serverPartialFail", "some of it was done") from error
        raise
    if new_state != old_state:
        # Push streams of this account, here and elsewhere, look what it was.
        context.bus.publish(AccountChanged(account_id=context.account.id, modseq=int(new_state)))
    return outcome, old_state, new_state


async def _create_all(
    context: Context, request: SetRequest, operations: SetOperations, outcome: SetOutcome
) -> None:
    for creation_id, given in request.create.items():
        try:
            made = await operations.create(given)
        except SetError as error:
            outcome.not_created[creation_id] = error.response
        else:
            outcome.created[creation_id] = made
            context.created_ids[creation_id] = made["id"]


async def _update_all(
    context: Context, request: SetRequest, operations: SetOperations, outcome: SetOutcome
) -> None:
    doomed = {context.resolve_id(text) for text in request.destroy}
    for text, patch in request.update.items():
        object_id = context.resolve_id(text)
        try:
            if object_id is None:
                raise SetError("notFound")
            if object_id in doomed:
                raise SetError("willDestroy")
            outcome.updated[object_id] = await operations.update(object_id, patch)
        except SetError as error:
            outcome.not_updated[object_id or text] = error.response


async def _destroy_all(
    context: Context, request: SetRequest, operations: SetOperations, outcome: SetOutcome
) -> None:
    for text in dict.fromkeys(request.destroy):
        object_id = context.resolve_id(text)
        try:
            if object_id is None:
                raise SetError("notFound")
            await operations.destroy(object_id)
            outcome.destroyed.append(object_id)
        except SetError as error:
            outcome.not_destroyed[object_id or text] = error.response
