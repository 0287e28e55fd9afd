"""Identity/get, Identity/changes, Identity/set: as whom an account writes (RFC 8621 §6)."""

from typing import Any, Final

from mailquay.identity import AddressError, normalise_address
from mailquay.store.errors import NotFound, OverQuota
from mailquay.store.identities import Identity
from mailquay_webmail_api.jmap.core.arguments import Arguments
from mailquay_webmail_api.jmap.core.context import Context, JsonObject
from mailquay_webmail_api.jmap.core.errors import SetError
from mailquay_webmail_api.jmap.core.getting import (
    changes_answer,
    pick,
    read_ids,
    read_max_changes,
)
from mailquay_webmail_api.jmap.core.ids import identity_id, parse_identity_id
from mailquay_webmail_api.jmap.core.setting import perform_set, read_set
from mailquay_webmail_api.jmap.core.states import read_since, state_text

__all__ = ["change_identities", "get_identities", "set_identities"]

#: More than anyone signs with.
_IDENTITIES_MAX: Final = 100
_NAME_MAX: Final = 500
_SIGNATURE_MAX: Final = 64 * 1024
_ADDRESSES_MAX: Final = 100
#: JMAP's names of what a client may set, and the store's.
_SETTABLE: Final = {
    "name": "name",
    "replyTo": "reply_to",
    "bcc": "bcc",
    "textSignature": "text_signature",
    "htmlSignature": "html_signature",
}
_PROPERTIES: Final = frozenset({"id", "email", "mayDelete", *_SETTABLE})


async def get_identities(context: Context, given: JsonObject) -> JsonObject:
    """Identity/get."""
    arguments = Arguments(given)
    ids = read_ids(arguments, context)
    properties = arguments.properties(_PROPERTIES)
    arguments.finish()
    # Read before what it tells of: a change in between is told again, none is left out.
    state = await context.store.emails.state(context.account.id)
    shown = await _all(context)
    wanted = list(shown) if ids is None else ids
    return {
        "accountId": given["accountId"],
        "state": state_text(state),
        "list": [pick(shown[text], properties) for text in wanted if text in shown],
        "notFound": [text for text in wanted if text not in shown],
    }


async def change_identities(context: Context, given: JsonObject) -> JsonObject:
    """Identity/changes."""
    arguments = Arguments(given)
    now = await context.store.emails.state(context.account.id)
    since = read_since(arguments, "sinceState", now)
    limit = read_max_changes(arguments, context)
    arguments.finish()
    found = await context.store.identities.changes(context.account.id, since, limit)
    return changes_answer(
        given,
        state_text(found.state),
        (found.created, found.updated, found.destroyed),
        identity_id,
        has_more=found.has_more,
    )


async def set_identities(context: Context, given: JsonObject) -> JsonObject:
    """Identity/set."""
    arguments = Arguments(given)
    request = read_set(arguments, context)
    arguments.finish()

    async def state() -> str:
        return state_text(await context.store.emails.state(context.account.id))

    outcome, old, new = await perform_set(context, request, _Operations(context), state)
    return outcome.answer(given["accountId"], old, new)


async def _all(context: Context) -> dict[str, JsonObject]:
    """The account's identities by their ids."""
    found = await context.store.identities.list_identities(context.account.id)
    # The one that was made with the account stays: without any, nothing could be sent.
    kept = next((one.id for one in found if one.email == context.account.address), None)
    return {identity_id(one.id): _show(one, may_delete=one.id != kept) for one in found}


def _show(identity: Identity, *, may_delete: bool) -> JsonObject:
    return {
        "id": identity_id(identity.id),
        "name": identity.name,
        "email": identity.email,
        "replyTo": identity.reply_to,
        "bcc": identity.bcc,
        "textSignature": identity.text_signature,
        "htmlSignature": identity.html_signature,
        "mayDelete": may_delete,
    }


class _Operations:
    """One identity at a time."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._account = context.account
        self._identities = context.store.identities

    async def create(self, given: JsonObject) -> JsonObject:
        """Make one; its address must be one that the account may send from."""
        email = given.get("email")
        values = _read_settable({name: v for name, v in given.items() if name != "email"})
        if not isinstance(email, str):
            raise SetError.invalid_properties("email is missing or not a string", "email")
        try:
            address = normalise_address(email)
        except AddressError as error:
            raise SetError.invalid_properties(str(error), "email") from None
        if not await self._identities.may_send_as(self._account.id, address):
            raise SetError("forbiddenFrom", f"{address} is not yours to send from")
        try:
            made = await self._identities.add(
                self._account.id, address, values, limit=_IDENTITIES_MAX
            )
        except OverQuota as error:
            raise SetError("overQuota", str(error)) from None
        shown = _show(made, may_delete=True)
        return {name: v for name, v in shown.items() if name not in given or given[name] != v}

    async def update(self, object_id: str, patch: JsonObject) -> None:
        """Change one; what the server has set may be given as it is."""
        current = (await _all(self._context)).get(object_id)
        number = parse_identity_id(object_id)
        if current is None or number is None:
            raise SetError("notFound")
        changes = dict(patch)
        for name in ("id", "email", "mayDelete"):
            if name in changes and changes.pop(name) != current[name]:
                raise SetError.invalid_properties(f"{name} cannot be changed", name)
        values = _read_settable(changes)
        try:
            await self._identities.update(self._account.id, number, values)
        except NotFound:
            raise SetError("notFound") from None

    async def destroy(self, object_id: str) -> None:
        """Remove one."""
        current = (await _all(self._context)).get(object_id)
        number = parse_identity_id(object_id)
        if current is None or number is None:
            raise SetError("notFound")
        if not current["mayDelete"]:
            raise SetError("forbidden", "this identity is the account's own")
        try:
            await self._identities.remove(self._account.id, number)
        except NotFound:
            raise SetError("notFound") from None


def _read_settable(given: JsonObject) -> dict[str, Any]:
    """What a client may set, by the store's names.

    Raises:
        SetError: invalidPatch or invalidProperties.
    """
    values: dict[str, Any] = {}
    for name, value in given.items():
        if "/" in name:
            raise SetError("invalidPatch", f"{name}: nothing inside of a property can be patched")
        if name not in _SETTABLE:
            raise SetError.invalid_properties(f"{name} cannot be set", name)
        values[_SETTABLE[name]] = _read_property(name, value)
    return values


def _read_property(name: str, value: object) -> object:
    if name in ("replyTo", "bcc"):
        return None if value is None else _read_addresses(name, value)
    if value is None:
        return ""  # null puts the default back (RFC 8620 §5.3)
    limit = _NAME_MAX if name == "name" else _SIGNATURE_MAX
    if not isinstance(value, str) or len(value) > limit:
        raise SetError.invalid_properties(
            f"{name} is not a string of at most {limit} characters", name
        )
    return value


def _read_addresses(name: str, value: object) -> list[dict[str, Any]]:
    """An EmailAddress[] (RFC 8621 §4.1.2.3)."""
    wrong = SetError.invalid_properties(f"{name} is not a list of addresses", name)
    if not isinstance(value, list) or len(value) > _ADDRESSES_MAX:
        raise wrong
    addresses = []
    for item in value:
        match item:
            case {"email": str(email), **rest} if rest.keys() <= {"name"}:
                shown = rest.get("name")
            case _:
                raise wrong
        if not (shown is None or (isinstance(shown, str) and len(shown) <= _NAME_MAX)):
            raise wrong
        try:
            normalise_address(email)
        except AddressError as error:
            raise SetError.invalid_properties(str(error), name) from None
        addresses.append({"name": shown, "email": email.strip()})
    return addresses
