"""Places in mailboxes, inside a transaction: what several repositories do alike.

Every function here wants the account's state row locked (`take_modseq` or `lock_state`), which
puts all changes of one account in a row; mailbox rows are locked after it.
"""

from collections.abc import Sequence

from mailquay.store.engine import Connection
from mailquay.store.errors import NotFound
from mailquay.store.types import AccountId, EmailId, MailboxId, ModSeq, Uid

__all__ = ["copy_places", "lock_state", "remove_places", "take_modseq"]


async def lock_state(c: Connection, account_id: AccountId) -> ModSeq:
    """Lock the account's state row; return the modseq that a change would take.

    Raises:
        NotFound: the account is gone.
    """
    value = await c.fetchval(
        "SELECT modseq + 1 FROM account_state WHERE account_id = $1 FOR UPDATE", account_id
    )
    if value is None:
        raise NotFound(f"there is no account {account_id}")
    return ModSeq(value)


async def take_modseq(c: Connection, account_id: AccountId) -> ModSeq:
    """Take the account's next modseq; its state row stays locked until the transaction ends.

    Raises:
        NotFound: the account is gone.
    """
    value = await c.fetchval(
        "UPDATE account_state SET modseq = modseq + 1 WHERE account_id = $1 RETURNING modseq",
        account_id,
    )
    if value is None:
        raise NotFound(f"there is no account {account_id}")
    return ModSeq(value)


_COPY = """
    WITH source AS (
        SELECT row_number() OVER (ORDER BY uid) AS place, uid, email_id,
               (flags & $6)::smallint AS flags, CASE WHEN $7 THEN keywords END AS keywords,
               size, received_at, thread_id
        FROM mailbox_email
        WHERE account_id = $1 AND mailbox_id = $2
          AND ($3::bigint[] IS NULL OR uid = ANY($3))
    ), counted AS (
        UPDATE mailbox SET
            uidnext = uidnext + n, messages = messages + n, unseen = unseen + u,
            deleted = deleted + d, bytes = bytes + b, highestmodseq = $5
        FROM (
            SELECT count(*) AS n, count(*) FILTER (WHERE flags & 1 = 0) AS u,
                   count(*) FILTER (WHERE flags & 8 <> 0) AS d, coalesce(sum(size), 0) AS b
            FROM source
        ) g
        WHERE account_id = $1 AND id = $4 AND n > 0
        RETURNING uidnext - n AS first
    ), inserted AS (
        INSERT INTO mailbox_email
        SELECT $1, $4, first + place - 1, email_id, $5, $5, flags, keywords, size, received_at,
               now(), thread_id
        FROM source, counted
    ), state AS (
        UPDATE account_state SET modseq = $5
        WHERE account_id = $1 AND EXISTS (SELECT 1 FROM source)
    )
    SELECT uid, first + place - 1 FROM source, counted ORDER BY place
"""


async def copy_places(
    c: Connection,
    account_id: AccountId,
    source: MailboxId,
    uids: Sequence[int] | None,
    target: MailboxId,
    modseq: ModSeq,
    *,
    kept_flags: int = 31,
    keeps_keywords: bool = True,
) -> list[tuple[Uid, Uid]]:
    """Put messages into one more mailbox, in the order of their uids; None is all of them.

    ``kept_flags`` are the bits of flags that go along.

    Returns:
        the uid in the source and the one in the target of each that was there.
    """
    rows = await c.fetch(
        _COPY, account_id, source, uids, target, modseq, kept_flags, keeps_keywords
    )
    return [(Uid(row[0]), Uid(row[1])) for row in rows]


_REMOVE = """
    WITH gone AS (
        DELETE FROM mailbox_email
        WHERE account_id = $1 AND mailbox_id = $2 AND uid = ANY($3::bigint[])
        RETURNING uid, email_id, flags, size, created_modseq, thread_id
    ), tombstone AS (
        INSERT INTO expunged (account_id, mailbox_id, uid, email_id, modseq, created_modseq,
                              thread_id)
        SELECT $1, $2, uid, email_id, $4, created_modseq, thread_id FROM gone
        ON CONFLICT DO NOTHING
    ), unread AS (
        DELETE FROM reader_seen
        WHERE account_id = $1 AND mailbox_id = $2 AND uid = ANY($3::bigint[])
        RETURNING reader_id, seen
    ), readers AS (
        UPDATE mailbox_reader r SET seen = r.seen - u.n
        FROM (SELECT reader_id, count(*) AS n FROM unread WHERE seen GROUP BY reader_id) u
        WHERE r.account_id = $1 AND r.mailbox_id = $2 AND r.reader_id = u.reader_id
    ), counted AS (
        UPDATE mailbox SET
            messages = messages - n, unseen = unseen - u, deleted = deleted - d,
            bytes = bytes - b, highestmodseq = $4
        FROM (
            SELECT count(*) AS n, count(*) FILTER (WHERE flags & 1 = 0) AS u,
                   count(*) FILTER (WHERE flags & 8 <> 0) AS d, coalesce(sum(size), 0) AS b
            FROM gone
        ) g
        WHERE account_id = $1 AND id = $2 AND n > 0
    )
    SELECT uid, email_id FROM gone ORDER BY uid
"""

# An email without a place is nobody's; its bytes are found by the collector (ix_email_pack).
_REMOVE_ORPHANS = """
    WITH orphan AS (
        DELETE FROM email e
        WHERE e.account_id = $1 AND e.id = ANY($2::bigint[]) AND NOT EXISTS (
            SELECT 1 FROM mailbox_email p
            WHERE p.account_id = e.account_id AND p.email_id = e.id
        )
        RETURNING size
    )
    UPDATE account_state SET
        used_bytes = used_bytes - (SELECT coalesce(sum(size), 0) FROM orphan),
        used_messages = used_messages - (SELECT count(*) FROM orphan)
    WHERE account_id = $1
"""


async def remove_places(
    c: Connection,
    account_id: AccountId,
    mailbox_id: MailboxId,
    uids: Sequence[int],
    modseq: ModSeq,
) -> list[tuple[Uid, EmailId]]:
    """Take messages out of a mailbox: tombstones, counters, and emails that are nowhere any more.

    Returns:
        uid and email of each that was there, by uid.
    """
    rows = await c.fetch(_REMOVE, account_id, mailbox_id, uids, modseq)
    if rows:
        await c.execute(_REMOVE_ORPHANS, account_id, list({row[1] for row in rows}))
    return [(Uid(row[0]), EmailId(row[1])) for row in rows]
