"""What is handed to the delivery, and what it gives back."""

from dataclasses import dataclass
from datetime import datetime

from mailquay.store.deliveries import NotPlaced, Placed
from mailquay.store.types import AccountId, MailboxId, TenantId

__all__ = ["Delivered", "Incoming", "LocalPlacement", "RemoteRecipient"]


@dataclass(frozen=True, slots=True)
class LocalPlacement:
    """A mailbox that the message goes into; ``mailbox_id`` None is INBOX."""

    account_id: AccountId
    mailbox_id: MailboxId | None = None
    flags: int = 0
    keywords: tuple[str, ...] = ()
    received_at: datetime | None = None  # None: now
    #: The envelope's recipient, part of what makes a repetition; empty for what has no envelope.
    recipient: str = ""
    enforce_quota: bool = True
    #: More mailboxes that the same email is in, none twice.
    also: tuple[MailboxId, ...] = ()


@dataclass(frozen=True, slots=True)
class RemoteRecipient:
    """A recipient elsewhere; NOTIFY and ORCPT as RFC 3461 has them."""

    address: str
    domain: str
    notify: str | None = None
    original_recipient: str | None = None


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message with all of its recipients; ``raw`` is stored byte for byte."""

    tenant_id: TenantId
    raw: bytes
    trace_id: str
    local: tuple[LocalPlacement, ...] = ()
    remote: tuple[RemoteRecipient, ...] = ()
    reverse_path: str = ""
    #: What a repetition has too: the bytes as the sender sent them. None: never a repetition.
    repeat_key: bytes | None = None
    submitter: AccountId | None = None
    smtputf8: bool = False
    envelope_id: str | None = None
    ret: str | None = None


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of each local placement, in order; and the queue's id for those elsewhere."""

    placements: tuple[Placed | NotPlaced, ...]
    queue_id: int | None = None
