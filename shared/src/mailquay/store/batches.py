"""What a delivery batch holds, and what becomes of it. No I/O here."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from mailquay.store.types import AccountId, EmailId, MailboxId, ModSeq, TenantId, ThreadId, Uid

__all__ = [
    "BatchResult",
    "EmailFacts",
    "NotPlaced",
    "PackRow",
    "Placed",
    "PlacementRow",
    "Question",
    "QueueRecipientRow",
    "QueueRow",
]


@dataclass(frozen=True, slots=True)
class PackRow:
    """An object that has been written."""

    id: UUID
    tenant_id: TenantId
    size: int
    messages: int


@dataclass(frozen=True, slots=True)
class EmailFacts:
    """What is kept of a message, by the names of `tables.EMAIL`'s columns."""

    pack_id: UUID
    pack_offset: int
    stored_length: int
    size: int
    sha256: bytes
    codec: int
    header_length: int
    sent_at: datetime | None
    message_id: str | None
    subject: str
    base_subject: str
    from_: str
    to_: str
    cc: str
    bcc: str
    preview: str
    has_attachment: bool
    envelope: bytes
    bodystructure: bytes
    structure: bytes
    header_fields: bytes
    #: Keys of the thread: the message's own id and those it refers to, hashed.
    thread_keys: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class PlacementRow:
    """A message's way into one mailbox."""

    email: EmailFacts
    account_id: AccountId
    mailbox_id: MailboxId | None  # None: INBOX
    flags: int
    keywords: tuple[str, ...]
    received_at: datetime
    #: What a repeated delivery has too; None stores it however often it comes.
    digest: bytes | None
    enforce_quota: bool
    #: More mailboxes that the same email is in, none twice (RFC 8621 §4.1.1, mailboxIds).
    also: tuple[MailboxId, ...] = ()


@dataclass(slots=True)
class Question:
    """What has to be known of the database before a batch is decided; pairs are of one account."""

    accounts: set[int] = field(default_factory=set)
    mailboxes: set[tuple[int, int]] = field(default_factory=set)
    digests: set[tuple[int, bytes]] = field(default_factory=set)
    thread_keys: set[tuple[int, int]] = field(default_factory=set)

    def add(
        self,
        account_id: int,
        mailbox_ids: Iterable[MailboxId | None],
        digest: bytes | None,
        thread_keys: Iterable[int],
    ) -> None:
        """Ask for a placement."""
        self.accounts.add(account_id)
        self.mailboxes.update((account_id, named) for named in mailbox_ids if named is not None)
        if digest is not None:
            self.digests.add((account_id, digest))
        self.thread_keys.update((account_id, key) for key in thread_keys)

    @classmethod
    def of(cls, placements: Iterable[PlacementRow]) -> "Question":
        """Ask for all of these."""
        question = cls()
        for row in placements:
            mailbox_ids = (row.mailbox_id, *row.also)
            question.add(row.account_id, mailbox_ids, row.digest, row.email.thread_keys)
        return question


@dataclass(frozen=True, slots=True)
class QueueRecipientRow:
    """A recipient elsewhere."""

    address: str
    domain: str
    notify: str | None = None
    original_recipient: str | None = None


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A message that leaves."""

    tenant_id: TenantId
    account_id: AccountId | None
    reverse_path: str
    email: EmailFacts
    smtputf8: bool
    is_8bit: bool
    envelope_id: str | None
    ret: str | None
    digest: bytes | None
    trace_id: str
    expires_at: datetime
    recipients: tuple[QueueRecipientRow, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """The message is in the mailbox; ``is_duplicate``: it was there already."""

    account_id: AccountId
    mailbox_id: MailboxId
    email_id: EmailId
    thread_id: ThreadId
    uid: Uid
    uidvalidity: int
    modseq: ModSeq
    is_duplicate: bool = False


@dataclass(frozen=True, slots=True)
class NotPlaced:
    """It is not: ``noaccount``, ``nomailbox`` or ``overquota``."""

    reason: str


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of each placement and queue row, in the order in which they were given."""

    placements: list[Placed | NotPlaced]
    queue_ids: list[int | None]  # None: a repetition
