"""The delivery batch: one transaction that makes many messages appear (RFC 5321 §4.2.5: 250).

Everything is set-wise: the number of statements does not grow with the number of messages. The
accounts' state rows are locked first, in the order of their ids; whoever changes an account waits
there, so that uids become visible in their order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from mailquay.store.engine import Connection, Engine, affected
from mailquay.store.errors import StoreUnavailable
from mailquay.store.types import AccountId, EmailId, MailboxId, ModSeq, TenantId, ThreadId, Uid

__all__ = [
    "BatchResult",
    "Deliveries",
    "EmailFacts",
    "NotPlaced",
    "PackRow",
    "Placed",
    "PlacementRow",
    "QueueRecipientRow",
    "QueueRow",
]

#: Email ids taken from the sequence at once; what a process does not use is never used.
_ID_BLOCK = 512


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


@dataclass(slots=True)
class _Account:
    """An account's state row, and what the batch adds to it."""

    modseq: int
    used_bytes: int
    quota_bytes: int | None
    inbox: int | None
    added_bytes: int = 0
    added_messages: int = 0


@dataclass(slots=True)
class _Mailbox:
    """What the batch adds to a mailbox."""

    messages: int = 0
    unseen: int = 0
    deleted: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class _Row:
    """A placement that was decided: it goes in, as each mailbox's next ``place``-th message."""

    index: int
    row: PlacementRow
    mailbox_id: int
    email_id: int
    thread_id: int
    #: Mailboxes with the place in each, `mailbox_id` first.
    places: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class _Batch:
    """What a batch works out between its statements."""

    accounts: dict[int, _Account]
    fresh: set[tuple[int, bytes]]
    threads: dict[tuple[int, int], int]
    results: list[Placed | NotPlaced | None]
    rows: list[_Row] = field(default_factory=list)
    mailboxes: dict[tuple[int, int], _Mailbox] = field(default_factory=dict)
    new_threads: dict[tuple[int, int], int] = field(default_factory=dict)


_LOCK = """
    SELECT s.account_id, s.modseq, s.used_bytes, a.quota_bytes,
           (SELECT m.id FROM mailbox m WHERE m.account_id = s.account_id AND m.name = 'INBOX')
    FROM account_state s JOIN account a ON a.id = s.account_id
    WHERE s.account_id = ANY($1::bigint[])
    ORDER BY s.account_id FOR UPDATE OF s
"""

# What a sender repeats within the window is not fresh; an older digest is taken over.
_KNOWN = """
    WITH fresh AS (
        INSERT INTO delivered AS d (account_id, digest)
        SELECT DISTINCT * FROM unnest($1::bigint[], $2::bytea[])
        ON CONFLICT (account_id, digest) DO UPDATE SET at = now()
            WHERE d.at < now() - make_interval(secs => $5)
        RETURNING account_id, digest
    )
    SELECT account_id, digest, NULL::bigint, NULL::bigint FROM fresh
    UNION ALL
    SELECT t.account_id, NULL, t.message_id_hash, t.thread_id
    FROM thread_reference t JOIN unnest($3::bigint[], $4::bigint[]) AS u(account_id, key)
      ON t.account_id = u.account_id AND t.message_id_hash = u.key
"""

_EMAIL_COLUMNS = {
    "pack_id": "uuid", "pack_offset": "bigint", "stored_length": "bigint", "size": "bigint",
    "sha256": "bytea", "codec": "smallint", "header_length": "int", "sent_at": "timestamptz",
    "message_id": "text", "subject": "text", "base_subject": "text", "from_": "text",
    "to_": "text", "cc": "text", "bcc": "text", "preview": "text", "has_attachment": "bool",
    "envelope": "bytea", "bodystructure": "bytea", "structure": "bytea",
    "header_fields": "bytea",
}  # fmt: skip
_EMAIL_ARRAYS = ", ".join(f"${33 + n}::{kind}[]" for n, kind in enumerate(_EMAIL_COLUMNS.values()))

# One statement: each part sees the snapshot before it, and none needs what another wrote but for
# the first uids, which `counted` hands on.
_WRITE = f"""
    WITH packed AS (
        INSERT INTO pack (id, tenant_id, size, messages)
        SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::int[])
    ), stated AS (
        UPDATE account_state s SET
            modseq = u.modseq, used_bytes = s.used_bytes + u.bytes,
            used_messages = s.used_messages + u.messages
        FROM unnest($5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
             AS u(account_id, modseq, bytes, messages)
        WHERE s.account_id = u.account_id
    ), counted AS (
        UPDATE mailbox m SET
            uidnext = m.uidnext + u.messages, messages = m.messages + u.messages,
            unseen = m.unseen + u.unseen, deleted = m.deleted + u.deleted,
            bytes = m.bytes + u.bytes, highestmodseq = u.modseq
        FROM unnest($9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[],
                    $14::bigint[], $15::bigint[])
             AS u(account_id, id, messages, unseen, deleted, bytes, modseq)
        WHERE m.account_id = u.account_id AND m.id = u.id AND m.is_selectable
        RETURNING m.account_id, m.id, m.uidnext - u.messages AS first, m.uidvalidity
    ), threaded AS (
        INSERT INTO thread_reference (account_id, message_id_hash, thread_id)
        SELECT * FROM unnest($16::bigint[], $17::bigint[], $18::bigint[])
        ON CONFLICT DO NOTHING
    ), described AS (
        INSERT INTO email (account_id, id, thread_id, received_at, {", ".join(_EMAIL_COLUMNS)})
        SELECT * FROM unnest($19::bigint[], $20::bigint[], $21::bigint[], $22::timestamptz[],
                             {_EMAIL_ARRAYS})
    )
    INSERT INTO mailbox_email (account_id, mailbox_id, uid, email_id, modseq, created_modseq,
                               flags, keywords, size, received_at, saved_at, thread_id)
    SELECT p.account_id, p.mailbox_id, c.first + p.place, p.email_id, p.modseq, p.modseq, p.flags,
           CASE WHEN p.keywords = '' THEN NULL ELSE string_to_array(p.keywords, ' ') END,
           p.size, p.received_at, now(), p.thread_id
    FROM unnest($23::bigint[], $24::bigint[], $25::bigint[], $26::bigint[], $27::bigint[],
                $28::smallint[], $29::text[], $30::bigint[], $31::timestamptz[], $32::bigint[])
         AS p(account_id, mailbox_id, place, email_id, modseq, flags, keywords, size, received_at,
              thread_id)
    JOIN counted c ON c.account_id = p.account_id AND c.id = p.mailbox_id
    RETURNING email_id, mailbox_id, uid,
              (SELECT uidvalidity FROM counted c WHERE c.id = mailbox_id
               AND c.account_id = mailbox_email.account_id)
"""  # column names of our own

_QUEUE = """
    WITH fresh AS (
        INSERT INTO queue_message (id, tenant_id, account_id, reverse_path, pack_id, pack_offset,
            stored_length, size, sha256, codec, smtputf8, is_8bit, envelope_id, ret, digest,
            trace_id, expires_at)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::uuid[],
            $6::bigint[], $7::bigint[], $8::bigint[], $9::bytea[], $10::smallint[], $11::bool[],
            $12::bool[], $13::text[], $14::text[], $15::bytea[], $16::text[], $17::timestamptz[])
        ON CONFLICT (digest) WHERE digest IS NOT NULL DO NOTHING
        RETURNING id
    ), addressed AS (
        INSERT INTO queue_recipient (message_id, address, domain, notify, original_recipient)
        SELECT r.* FROM unnest($18::bigint[], $19::text[], $20::text[], $21::text[], $22::text[])
            AS r(message_id, address, domain, notify, original_recipient)
        JOIN fresh f ON f.id = r.message_id
    )
    SELECT id FROM fresh
"""


class Deliveries:
    """Commits batches."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ids: list[int] = []

    async def commit(
        self,
        packs: Sequence[PackRow],
        placements: Sequence[PlacementRow],
        queued: Sequence[QueueRow],
        *,
        duplicate_window_seconds: float,
        default_quota_bytes: int = 0,
    ) -> BatchResult:
        """Record a batch whose bodies are durable already; all of it, or nothing.

        Raises:
            StoreUnavailable: nothing is known of the outcome; delivering again is safe where the
                rows have a digest.
        """
        async with self._engine.transaction() as c:
            batch = await self._read(c, placements, duplicate_window_seconds)
            await self._decide(c, batch, placements, default_quota_bytes)
            await self._write(c, packs, batch)
            queue_ids = await self._enqueue(c, queued) if queued else []
        results = [result for result in batch.results if result is not None]
        assert len(results) == len(placements), "each placement was decided"
        return BatchResult(results, queue_ids)

    async def _read(
        self, c: Connection, placements: Sequence[PlacementRow], window_seconds: float
    ) -> _Batch:
        """Lock the accounts, and learn which deliveries are repeated and which threads known."""
        rows = await c.fetch(_LOCK, sorted({p.account_id for p in placements}))
        accounts = {row[0]: _Account(row[1], row[2], row[3], row[4]) for row in rows}
        here = [p for p in placements if p.account_id in accounts]
        digests = [(int(p.account_id), p.digest) for p in here if p.digest is not None]
        keys = list({(int(p.account_id), key) for p in here for key in p.email.thread_keys})
        fresh: set[tuple[int, bytes]] = set()
        threads: dict[tuple[int, int], int] = {}
        if digests or keys:
            known = await c.fetch(
                _KNOWN,
                [account for account, _ in digests], [digest for _, digest in digests],
                [account for account, _ in keys], [key for _, key in keys],
                window_seconds,
            )  # fmt: skip
            for account_id, digest, key, thread_id in known:
                if digest is not None:
                    fresh.add((account_id, digest))
                else:
                    threads[account_id, key] = thread_id
        return _Batch(accounts, fresh, threads, [None] * len(placements))

    async def _decide(
        self,
        c: Connection,
        batch: _Batch,
        placements: Sequence[PlacementRow],
        default_quota_bytes: int,
    ) -> None:
        """Say of each placement whether it goes in, and into which thread."""
        named = {
            (int(p.account_id), int(mailbox_id))
            for p in placements
            for mailbox_id in (p.mailbox_id, *p.also)
            if mailbox_id is not None
        }
        present = await _present(c, named) if named else set()
        ids = await self._take_ids(c, len(placements))
        for index, (row, email_id) in enumerate(zip(placements, ids, strict=True)):
            account = batch.accounts.get(row.account_id)
            if account is None:
                batch.results[index] = NotPlaced("noaccount")
                continue
            mailbox_id = account.inbox if row.mailbox_id is None else int(row.mailbox_id)
            if mailbox_id is None or any(
                (row.account_id, named_id) not in present
                for named_id in (row.mailbox_id, *row.also)
                if named_id is not None
            ):
                batch.results[index] = NotPlaced("nomailbox")
            elif row.digest is not None and (row.account_id, row.digest) not in batch.fresh:
                batch.results[index] = _repeated(row, mailbox_id, account)
            elif row.enforce_quota and _is_over(account, row.email.size, default_quota_bytes):
                batch.results[index] = NotPlaced("overquota")
            else:
                self._admit(batch, index, row, mailbox_id, email_id)

    def _admit(
        self, batch: _Batch, index: int, row: PlacementRow, mailbox_id: int, email_id: int
    ) -> None:
        account = batch.accounts[row.account_id]
        if row.digest is not None:
            batch.fresh.discard((row.account_id, row.digest))  # the same twice in one batch
        keys = [(int(row.account_id), key) for key in row.email.thread_keys]
        known = [batch.threads[key] for key in keys if key in batch.threads]
        thread_id = min(known) if known else email_id
        for key in keys:
            if key not in batch.threads:
                batch.threads[key] = batch.new_threads[key] = thread_id
        size = row.email.size
        account.added_bytes += size
        account.added_messages += 1
        places = []
        for target in (mailbox_id, *map(int, row.also)):
            counts = batch.mailboxes.setdefault((row.account_id, target), _Mailbox())
            places.append((target, counts.messages))
            counts.messages += 1
            counts.unseen += not row.flags & 1
            counts.deleted += bool(row.flags & 8)
            counts.bytes += size
        batch.rows.append(_Row(index, row, mailbox_id, email_id, thread_id, tuple(places)))

    async def _take_ids(self, c: Connection, count: int) -> list[int]:
        if len(self._ids) < count:
            block = max(_ID_BLOCK, count)
            rows = await c.fetch(
                "SELECT nextval('email_id_seq') FROM generate_series(1, $1)", block
            )
            self._ids += [row[0] for row in rows]
        taken, self._ids = self._ids[:count], self._ids[count:]
        return taken

    async def _write(self, c: Connection, packs: Sequence[PackRow], batch: _Batch) -> None:
        """Write everything in one statement; the uids come back."""
        changed = [(i, a) for i, a in batch.accounts.items() if a.added_messages]
        boxes = list(batch.mailboxes.items())
        threads = list(batch.new_threads.items())
        rows, emails = batch.rows, [row.row.email for row in batch.rows]
        places = [(row, *place) for row in rows for place in row.places]
        modseqs = {account_id: account.modseq + 1 for account_id, account in changed}
        written = await c.fetch(
            _WRITE,
            [p.id for p in packs], [p.tenant_id for p in packs],
            [p.size for p in packs], [p.messages for p in packs],
            [i for i, _ in changed], [modseqs[i] for i, _ in changed],
            [a.added_bytes for _, a in changed], [a.added_messages for _, a in changed],
            [key[0] for key, _ in boxes], [key[1] for key, _ in boxes],
            [m.messages for _, m in boxes], [m.unseen for _, m in boxes],
            [m.deleted for _, m in boxes], [m.bytes for _, m in boxes],
            [modseqs[key[0]] for key, _ in boxes],
            [key[0] for key, _ in threads], [key[1] for key, _ in threads],
            [thread for _, thread in threads],
            [r.row.account_id for r in rows], [r.email_id for r in rows],
            [r.thread_id for r in rows], [r.row.received_at for r in rows],
            [r.row.account_id for r, _, _ in places], [mailbox for _, mailbox, _ in places],
            [place for _, _, place in places], [r.email_id for r, _, _ in places],
            [modseqs[r.row.account_id] for r, _, _ in places],
            [int(r.row.flags) for r, _, _ in places],
            [" ".join(r.row.keywords) for r, _, _ in places],
            [r.row.email.size for r, _, _ in places], [r.row.received_at for r, _, _ in places],
            [r.thread_id for r, _, _ in places],
            *([getattr(e, name) for e in emails] for name in _EMAIL_COLUMNS),
        )  # fmt: skip
        if len(written) != len(places):
            raise StoreUnavailable("a mailbox went while the batch was written; try again")
        uids = {(row[0], row[1]): (row[2], row[3]) for row in written}
        for row in rows:
            uid, uidvalidity = uids[row.email_id, row.mailbox_id]
            batch.results[row.index] = Placed(
                row.row.account_id,
                MailboxId(row.mailbox_id),
                EmailId(row.email_id),
                ThreadId(row.thread_id),
                Uid(uid),
                uidvalidity,
                ModSeq(modseqs[row.row.account_id]),
            )

    async def _enqueue(self, c: Connection, queued: Sequence[QueueRow]) -> list[int | None]:
        rows = await c.fetch(
            "SELECT nextval('queue_message_id_seq') FROM generate_series(1, $1)", len(queued)
        )
        ids: list[int] = [row[0] for row in rows]
        recipients = [(i, r) for i, q in zip(ids, queued, strict=True) for r in q.recipients]
        fresh = await c.fetch(
            _QUEUE,
            ids, [q.tenant_id for q in queued], [q.account_id for q in queued],
            [q.reverse_path for q in queued], [q.email.pack_id for q in queued],
            [q.email.pack_offset for q in queued], [q.email.stored_length for q in queued],
            [q.email.size for q in queued], [q.email.sha256 for q in queued],
            [q.email.codec for q in queued], [q.smtputf8 for q in queued],
            [q.is_8bit for q in queued], [q.envelope_id for q in queued],
            [q.ret for q in queued], [q.digest for q in queued],
            [q.trace_id for q in queued], [q.expires_at for q in queued],
            [i for i, _ in recipients], [r.address for _, r in recipients],
            [r.domain for _, r in recipients], [r.notify for _, r in recipients],
            [r.original_recipient for _, r in recipients],
        )  # fmt: skip
        accepted = {row[0] for row in fresh}
        return [i if i in accepted else None for i in ids]

    async def trim(self, window_seconds: float, *, limit: int = 10_000) -> int:
        """Forget digests that are older than the window; returns how many."""
        async with self._engine.connection() as c:
            status = await c.execute(
                "DELETE FROM delivered WHERE (account_id, digest) IN (SELECT account_id, digest "
                "FROM delivered WHERE at < now() - make_interval(secs => $1) LIMIT $2)",
                window_seconds, limit,
            )  # fmt: skip
        return affected(status)


async def _present(c: Connection, named: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """Which of these mailboxes are there and hold messages."""
    keys = sorted(named)
    rows = await c.fetch(
        "SELECT m.account_id, m.id FROM mailbox m JOIN unnest($1::bigint[], $2::bigint[]) "
        "AS u(account_id, id) ON m.account_id = u.account_id AND m.id = u.id "
        "WHERE m.is_selectable",
        [key[0] for key in keys], [key[1] for key in keys],
    )  # fmt: skip
    return {(row[0], row[1]) for row in rows}


def _is_over(account: _Account, size: int, default_quota_bytes: int) -> bool:
    quota = default_quota_bytes if account.quota_bytes is None else account.quota_bytes
    return bool(quota) and account.used_bytes + account.added_bytes + size > quota


def _repeated(row: PlacementRow, mailbox_id: int, account: _Account) -> Placed:
    return Placed(
        row.account_id, MailboxId(mailbox_id), EmailId(0), ThreadId(0), Uid(0), 0,
        ModSeq(account.modseq), is_duplicate=True,
    )  # fmt: skip
