"""The nouns that the store hands out and takes: ids, flags, and what is in a mailbox.

Frozen dataclasses, not rows. No I/O here.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import IntFlag
from typing import NewType

TenantId = NewType("TenantId", int)
AccountId = NewType("AccountId", int)
MailboxId = NewType("MailboxId", int)
EmailId = NewType("EmailId", int)
ThreadId = NewType("ThreadId", int)
Uid = NewType("Uid", int)
ModSeq = NewType("ModSeq", int)


class Flag(IntFlag):
    """System flags as bits (RFC 9051 §2.3.2); everything else is a keyword."""

    SEEN = 1
    ANSWERED = 2
    FLAGGED = 4
    DELETED = 8
    DRAFT = 16


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox with its counters, as they stood in one transaction (RFC 9051 §2.3.1)."""

    account_id: AccountId
    id: MailboxId
    name: str
    role: str | None
    uidvalidity: int
    uidnext: int
    highestmodseq: ModSeq
    messages: int
    unseen: int
    deleted: int
    bytes: int
    first_recent_uid: int
    is_selectable: bool
    is_subscribed: bool
    sort_order: int
    created_modseq: ModSeq
    changed_modseq: ModSeq


@dataclass(frozen=True, slots=True)
class Entry:
    """A message's place in a mailbox."""

    uid: Uid
    email_id: EmailId
    modseq: ModSeq
    flags: int
    keywords: tuple[str, ...]
    size: int
    received_at: datetime
    saved_at: datetime
