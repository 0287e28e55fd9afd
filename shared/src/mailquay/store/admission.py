"""Which messages of a batch go in, and where: decided from what the database knew. No I/O here."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from mailquay.store.batches import NotPlaced, Placed, PlacementRow
from mailquay.store.types import EmailId, MailboxId, ModSeq, ThreadId, Uid

__all__ = ["AccountState", "Admission", "Admitted", "Known", "MailboxGain"]


@dataclass(slots=True)
class AccountState:
    """An account's state row, and what the batch adds to it."""

    modseq: int
    used_bytes: int
    quota_bytes: int | None
    inbox: int | None
    added_bytes: int = 0
    added_messages: int = 0

    def is_over(self, size: int, default_quota_bytes: int) -> bool:
        """Whether a message of that size is more than the quota leaves."""
        quota = default_quota_bytes if self.quota_bytes is None else self.quota_bytes
        return bool(quota) and self.used_bytes + self.added_bytes + size > quota


@dataclass(slots=True)
class MailboxGain:
    """What the batch adds to a mailbox."""

    messages: int = 0
    unseen: int = 0
    deleted: int = 0
    bytes: int = 0


@dataclass(slots=True)
class Known:
    """What the database knew of a batch's accounts, at one moment."""

    accounts: dict[int, AccountState] = field(default_factory=dict)
    #: Mailboxes among those that the batch names.
    mailboxes: set[tuple[int, int]] = field(default_factory=set)
    #: Digests that were delivered within the window.
    delivered: set[tuple[int, bytes]] = field(default_factory=set)
    #: Threads by account and key.
    threads: dict[tuple[int, int], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A placement that goes in, as each mailbox's next ``place``-th message."""

    index: int
    row: PlacementRow
    mailbox_id: int
    email_id: int
    thread_id: int
    #: Mailboxes with the place in each, `mailbox_id` first.
    places: tuple[tuple[int, int], ...]


class Admission:
    """A batch's decisions: `admitted`, the sums they make, and a result for each of the others."""

    def __init__(
        self,
        known: Known,
        placements: Sequence[PlacementRow],
        email_ids: Sequence[int],
        default_quota_bytes: int,
        *,
        together: bool = False,
    ) -> None:
        """Decide.

        Args:
            known: what the database knew.
            placements: the batch.
            email_ids: an unused one for each.
            default_quota_bytes: of accounts without a quota of their own.
            together: all go in, or none.
        """
        self.results: list[Placed | NotPlaced | None] = [None] * len(placements)
        self.admitted: list[Admitted] = []
        self.mailboxes: dict[tuple[int, int], MailboxGain] = {}
        self.threads: dict[tuple[int, int], int] = {}
        self._known = known
        for index, (row, email_id) in enumerate(zip(placements, email_ids, strict=True)):
            self.results[index] = self._judge(index, row, email_id, default_quota_bytes)
        refused = next((r for r in self.results if isinstance(r, NotPlaced)), None)
        if together and refused is not None:
            self._withdraw(refused)

    @property
    def changed(self) -> list[tuple[int, AccountState]]:
        """The accounts that something goes into."""
        return [(i, a) for i, a in self._known.accounts.items() if a.added_messages]

    def _judge(
        self, index: int, row: PlacementRow, email_id: int, default_quota_bytes: int
    ) -> Placed | NotPlaced | None:
        """Admit a placement (None), or say why it is none."""
        account = self._known.accounts.get(row.account_id)
        if account is None:
            return NotPlaced("noaccount")
        mailbox_id = account.inbox if row.mailbox_id is None else int(row.mailbox_id)
        if mailbox_id is None or any(
            (row.account_id, named) not in self._known.mailboxes
            for named in (row.mailbox_id, *row.also)
            if named is not None
        ):
            return NotPlaced("nomailbox")
        if row.digest is not None and (row.account_id, row.digest) in self._known.delivered:
            return _repeated(row, mailbox_id, account)
        if row.enforce_quota and account.is_over(row.email.size, default_quota_bytes):
            return NotPlaced("overquota")
        self._admit(index, row, account, mailbox_id, email_id)
        return None

    def _admit(
        self, index: int, row: PlacementRow, account: AccountState, mailbox_id: int, email_id: int
    ) -> None:
        if row.digest is not None:
            self._known.delivered.add((row.account_id, row.digest))  # the same twice in one batch
        size = row.email.size
        account.added_bytes += size
        account.added_messages += 1
        places = []
        for target in (mailbox_id, *map(int, row.also)):
            gain = self.mailboxes.setdefault((row.account_id, target), MailboxGain())
            places.append((target, gain.messages))
            gain.messages += 1
            gain.unseen += not row.flags & 1
            gain.deleted += bool(row.flags & 8)
            gain.bytes += size
        thread_id = self._thread(row, email_id)
        self.admitted.append(Admitted(index, row, mailbox_id, email_id, thread_id, tuple(places)))

    def _withdraw(self, reason: NotPlaced) -> None:
        """Nothing goes in after all."""
        self.results = [reason for _ in self.results]
        self.admitted, self.mailboxes, self.threads = [], {}, {}
        for account in self._known.accounts.values():
            account.added_bytes = account.added_messages = 0

    def _thread(self, row: PlacementRow, email_id: int) -> int:
        """The oldest thread that any of the keys is of, else a new one; the other keys join it."""
        threads = self._known.threads
        keys = [(int(row.account_id), key) for key in row.email.thread_keys]
        thread_id = min((threads[key] for key in keys if key in threads), default=email_id)
        for key in keys:
            if key not in threads:
                threads[key] = self.threads[key] = thread_id
        return thread_id

    def place(self, uids: dict[tuple[int, int], tuple[int, int]]) -> list[Placed | NotPlaced]:
        """What became of each placement, in the order in which they were given.

        Args:
            uids: uid and uidvalidity by email and mailbox, as they were written.
        """
        for item in self.admitted:
            uid, uidvalidity = uids[item.email_id, item.mailbox_id]
            self.results[item.index] = Placed(
                item.row.account_id,
                MailboxId(item.mailbox_id),
                EmailId(item.email_id),
                ThreadId(item.thread_id),
                Uid(uid),
                uidvalidity,
                ModSeq(self._known.accounts[item.row.account_id].modseq + 1),
            )
        results = [result for result in self.results if result is not None]
        assert len(results) == len(self.results), "each placement was decided"
        return results


def _repeated(row: PlacementRow, mailbox_id: int, account: AccountState) -> Placed:
    return Placed(
        row.account_id, MailboxId(mailbox_id), EmailId(0), ThreadId(0), Uid(0), 0,
        ModSeq(account.modseq), is_duplicate=True,
    )  # fmt: skip
