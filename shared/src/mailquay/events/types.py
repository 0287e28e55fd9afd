"""The events, and the subjects they travel on. Versioned: a field may be added, none changed.

Anyone may subscribe. An event tells that something is new and where; what it is, is read from
Postgres. No content, no secret is in one.
"""

from typing import Final, cast

import msgspec

__all__ = [
    "PREFIX",
    "AccountChanged",
    "ConfigChanged",
    "Event",
    "IdentityRevoked",
    "QueueReady",
    "decode",
    "encode",
    "subject_of",
]

PREFIX: Final = "mailquay.v1"


class AccountChanged(msgspec.Struct, frozen=True, kw_only=True):
    """Something in an account has changed: mail, flags, mailboxes.

    ``modseq`` is the account's after the change; several changes may come as one event.
    """

    account_id: int
    modseq: int
    mailbox_ids: tuple[int, ...] = ()
    trace_id: str = ""


class QueueReady(msgspec.Struct, frozen=True, kw_only=True):
    """A message has entered the outbound queue."""

    queue_id: int = 0


class ConfigChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A domain, account, alias, tenant or relay has changed: what was cached of it is void."""

    kind: str
    name: str


class IdentityRevoked(msgspec.Struct, frozen=True, kw_only=True):
    """An account's credentials have changed: what was signed in with older ones is void."""

    account_id: int
    credential_version: int


Event = AccountChanged | QueueReady | ConfigChanged | IdentityRevoked

_ENCODER: Final = msgspec.json.Encoder()


def subject_of(event: Event) -> str:
    """The subject that an event is published on."""
    match event:
        case AccountChanged():
            return f"{PREFIX}.account.{event.account_id}.changed"
        case QueueReady():
            return f"{PREFIX}.queue.ready"
        case ConfigChanged():
            return f"{PREFIX}.config.changed"
        case IdentityRevoked():
            return f"{PREFIX}.identity.revoked"


def encode(event: Event) -> bytes:
    """The payload: a JSON object."""
    return _ENCODER.encode(event)


_KINDS: Final[dict[str, type[Event]]] = {
    "changed": AccountChanged,
    "ready": QueueReady,
    "revoked": IdentityRevoked,
}


def decode(subject: str, payload: bytes) -> Event | None:
    """Read an event; None for what is none of ours, or is broken: a hint that says nothing."""
    _, _, last = subject.rpartition(".")
    kind = ConfigChanged if subject == f"{PREFIX}.config.changed" else _KINDS.get(last)
    if kind is None:
        return None
    try:
        event = cast("Event", msgspec.json.decode(payload, type=kind))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return event
