"""The delivery batch: one transaction that makes many messages appear (RFC 5321 §4.2.5: 250).

Everything is set-wise: the number of statements does not grow with the number of messages.

Theory of operation. What a batch needs is looked up while its bodies are still on their way; it is
decided here, and written by one statement, which is a transaction of its own. It locks the
accounts' state rows first, in the order of their ids, and writes only if each is as it was read:
whatever changes an account takes its next modseq, so that the same modseq means that nothing has
happened. Else nothing is written, and the batch is done again with the rows locked before they are
read. Whoever changes an account waits at its state row, so that uids become visible in their order.
"""

from collections.abc import Sequence
from typing import Any

from mailquay.store.admission import AccountState, Admission, Known
from mailquay.store.batches import (
    BatchResult,
    EmailFacts,
    NotPlaced,
    PackRow,
    Placed,
    PlacementRow,
    Question,
    QueueRecipientRow,
    QueueRow,
)
from mailquay.store.engine import Connection, Engine, affected
from mailquay.store.errors import StoreUnavailable
from mailquay.store.policies import QUOTA

__all__ = [
    "BatchResult",
    "Deliveries",
    "EmailFacts",
    "Known",
    "NotPlaced",
    "PackRow",
    "Placed",
    "PlacementRow",
    "Question",
    "QueueRecipientRow",
    "QueueRow",
]

#: Email ids taken from the sequence at once; what a process does not use is never used.
_ID_BLOCK = 512

_LOCK = """
    SELECT FROM account_state WHERE account_id = ANY($1::bigint[]) ORDER BY account_id FOR UPDATE
"""

# All that a decision needs, of one moment; each row is of one kind and fills that kind's columns.
_READ = f"""
    SELECT 'account', s.account_id, s.modseq, s.used_bytes, {QUOTA},
           (SELECT m.id FROM mailbox m WHERE m.account_id = s.account_id AND m.name = 'INBOX'),
           NULL::bytea
    FROM account_state s JOIN account a ON a.id = s.account_id
    WHERE s.account_id = ANY($1::bigint[])
    UNION ALL
    SELECT 'mailbox', m.account_id, m.id, NULL, NULL, NULL, NULL
    FROM mailbox m JOIN unnest($2::bigint[], $3::bigint[]) AS u(account_id, id)
      ON m.account_id = u.account_id AND m.id = u.id
    WHERE m.is_selectable
    UNION ALL
    SELECT 'delivered', d.account_id, NULL, NULL, NULL, NULL, d.digest
    FROM delivered d JOIN unnest($4::bigint[], $5::bytea[]) AS u(account_id, digest)
      ON d.account_id = u.account_id AND d.digest = u.digest
    WHERE d.at >= now() - make_interval(secs => $8)
    UNION ALL
    SELECT 'thread', t.account_id, t.message_id_hash, t.thread_id, NULL, NULL, NULL
    FROM thread_reference t JOIN unnest($6::bigint[], $7::bigint[]) AS u(account_id, key)
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
_EMAIL_ARRAYS = ", ".join(f"${35 + n}::{kind}[]" for n, kind in enumerate(_EMAIL_COLUMNS.values()))

# Each part sees the snapshot before the statement, and none needs what another wrote but for the
# first uids, which `counted` hands on. All of them wait for `locked`, or write nothing.
_WRITE = f"""
    WITH locked AS (
        SELECT s.account_id FROM account_state s
        JOIN unnest($5::bigint[], $6::bigint[]) AS u(account_id, modseq)
          ON u.account_id = s.account_id AND u.modseq = s.modseq + 1
        ORDER BY s.account_id FOR UPDATE OF s
    ), as_read AS (
        SELECT count(*) = cardinality($5) AS is_so FROM locked
    ), packed AS (
        INSERT INTO pack (id, tenant_id, size, messages)
        SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::int[])
        WHERE (SELECT is_so FROM as_read)
    ), stated AS (
        UPDATE account_state s SET
            modseq = u.modseq, used_bytes = s.used_bytes + u.bytes,
            used_messages = s.used_messages + u.messages
        FROM unnest($5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
             AS u(account_id, modseq, bytes, messages)
        WHERE s.account_id = u.account_id AND (SELECT is_so FROM as_read)
    ), counted AS (
        UPDATE mailbox m SET
            uidnext = m.uidnext + u.messages, messages = m.messages + u.messages,
            unseen = m.unseen + u.unseen, deleted = m.deleted + u.deleted,
            bytes = m.bytes + u.bytes, highestmodseq = u.modseq
        FROM unnest($9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[],
                    $14::bigint[], $15::bigint[])
             AS u(account_id, id, messages, unseen, deleted, bytes, modseq)
        WHERE m.account_id = u.account_id AND m.id = u.id AND m.is_selectable
          AND (SELECT is_so FROM as_read)
        RETURNING m.account_id, m.id, m.uidnext - u.messages AS first, m.uidvalidity
    ), threaded AS (
        INSERT INTO thread_reference (account_id, message_id_hash, thread_id)
        SELECT * FROM unnest($16::bigint[], $17::bigint[], $18::bigint[])
        WHERE (SELECT is_so FROM as_read)
        ON CONFLICT DO NOTHING
    ), remembered AS (
        INSERT INTO delivered (account_id, digest)
        SELECT * FROM unnest($33::bigint[], $34::bytea[]) WHERE (SELECT is_so FROM as_read)
        ON CONFLICT (account_id, digest) DO UPDATE SET at = now()
    ), described AS (
        INSERT INTO email (account_id, id, thread_id, received_at, {", ".join(_EMAIL_COLUMNS)})
        SELECT * FROM unnest($19::bigint[], $20::bigint[], $21::bigint[], $22::timestamptz[],
                             {_EMAIL_ARRAYS})
        WHERE (SELECT is_so FROM as_read)
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

# In the order of the digests, as two batches with the same repetitions wait for each other there.
_QUEUE = """
    WITH fresh AS (
        INSERT INTO queue_message (id, tenant_id, account_id, reverse_path, pack_id, pack_offset,
            stored_length, size, sha256, codec, smtputf8, is_8bit, envelope_id, ret, digest,
            trace_id, expires_at)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::uuid[],
            $6::bigint[], $7::bigint[], $8::bigint[], $9::bytea[], $10::smallint[], $11::bool[],
            $12::bool[], $13::text[], $14::text[], $15::bytea[], $16::text[], $17::timestamptz[])
            AS q(id, tenant_id, account_id, reverse_path, pack_id, pack_offset, stored_length, size,
                 sha256, codec, smtputf8, is_8bit, envelope_id, ret, digest, trace_id, expires_at)
        ORDER BY q.digest, q.id
        ON CONFLICT (digest) WHERE digest IS NOT NULL DO NOTHING
        RETURNING id
    ), addressed AS (
        INSERT INTO queue_recipient (message_id, address, domain, notify, original_recipient)
        SELECT r.message_id, r.address, r.domain, r.notify, r.original_recipient
        FROM unnest($18::bigint[], $19::text[], $20::text[], $21::text[], $22::text[])
            WITH ORDINALITY AS r(message_id, address, domain, notify, original_recipient, place)
        JOIN fresh f ON f.id = r.message_id
        ORDER BY r.place
    )
    SELECT id FROM fresh
"""


class Deliveries:
    """Commits batches."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ids: list[int] = []

    async def look(self, question: Question, duplicate_window_seconds: float) -> Known:
        """Learn what a batch's decisions need, while its bodies are still being written.

        Raises:
            StoreUnavailable
        """
        async with self._engine.connection() as c:
            return await _read(c, question, duplicate_window_seconds)

    async def commit(
        self,
        packs: Sequence[PackRow],
        placements: Sequence[PlacementRow],
        queued: Sequence[QueueRow],
        *,
        known: Known | None = None,
        duplicate_window_seconds: float,
        default_quota_bytes: int = 0,
        together: bool = False,
    ) -> BatchResult:
        """Record a batch whose bodies are durable already; all of it, or nothing.

        One round trip where nothing is queued, and nobody has changed the same accounts since
        `look` told what is ``known``. Messages that do not go in keep no others out, but where they
        are to go in ``together``.

        Raises:
            StoreUnavailable: nothing is known of the outcome; delivering again is safe where the
                rows have a digest.
        """

        async def record(c: Connection, known: Known) -> list[Placed | NotPlaced] | None:
            ids = await self._take_ids(c, len(placements))
            admission = Admission(known, placements, ids, default_quota_bytes, together=together)
            return await self._write(c, packs, admission)

        if known is not None and not queued:
            async with self._engine.connection() as c:
                if (results := await record(c, known)) is not None:
                    return BatchResult(results, [])
        question = Question.of(placements)
        async with self._engine.transaction() as c:
            await c.execute(_LOCK, sorted(question.accounts))
            results = await record(c, await _read(c, question, duplicate_window_seconds))
            if results is None:
                raise StoreUnavailable("an account went while the batch was written; try again")
            queue_ids = await self._enqueue(c, queued) if queued else []
        return BatchResult(results, queue_ids)

    async def _take_ids(self, c: Connection, count: int) -> list[int]:
        if len(self._ids) < count:
            block = max(_ID_BLOCK, count)
            rows = await c.fetch(
                "SELECT nextval('email_id_seq') FROM generate_series(1, $1)", block
            )
            self._ids += [row[0] for row in rows]
        taken, self._ids = self._ids[:count], self._ids[count:]
        return taken

    async def _write(
        self, c: Connection, packs: Sequence[PackRow], admission: Admission
    ) -> list[Placed | NotPlaced] | None:
        """Write everything; None, and nothing is written, when an account is not as it was read."""
        changed = admission.changed
        boxes, threads = list(admission.mailboxes.items()), list(admission.threads.items())
        rows, emails = admission.admitted, [item.row.email for item in admission.admitted]
        places = [(row, *place) for row in rows for place in row.places]
        modseqs = {account_id: account.modseq + 1 for account_id, account in changed}
        digests = [(r.row.account_id, r.row.digest) for r in rows if r.row.digest is not None]
        written: list[Any] = await c.fetch(
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
            [account for account, _ in digests], [digest for _, digest in digests],
            *([getattr(e, name) for e in emails] for name in _EMAIL_COLUMNS),
        )  # fmt: skip
        if places and not written:
            return None
        return admission.place({(row[0], row[1]): (row[2], row[3]) for row in written})

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


async def _read(c: Connection, question: Question, window_seconds: float) -> Known:
    rows = await c.fetch(
        _READ,
        list(question.accounts),
        [account for account, _ in question.mailboxes], [i for _, i in question.mailboxes],
        [account for account, _ in question.digests], [digest for _, digest in question.digests],
        [account for account, _ in question.thread_keys], [key for _, key in question.thread_keys],
        window_seconds,
    )  # fmt: skip
    known = Known()
    for kind, account_id, number, value, quota, inbox, digest in rows:
        match kind:
            case "account":
                known.accounts[account_id] = AccountState(number, value, quota, inbox)
            case "mailbox":
                known.mailboxes.add((account_id, number))
            case "delivered":
                known.delivered.add((account_id, digest))
            case _:
                known.threads[account_id, number] = value
    return known
