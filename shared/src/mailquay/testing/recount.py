"""Counts an account's mail row by row, and holds what the store keeps of it to that."""

import asyncpg

__all__ = ["recount"]

# Each gives a row for whatever is wrong; $1 is the account.
_FAULTS = {
    "a mailbox's counters are not what is in it": """
        SELECT m.name, m.messages, m.unseen, m.deleted, m.bytes, c.*
        FROM mailbox m CROSS JOIN LATERAL (
            SELECT count(*) AS n, count(*) FILTER (WHERE flags & 1 = 0) AS u,
                   count(*) FILTER (WHERE flags & 8 <> 0) AS d, coalesce(sum(size), 0) AS b
            FROM mailbox_email p WHERE p.account_id = m.account_id AND p.mailbox_id = m.id
        ) c
        WHERE m.account_id = $1 AND (m.messages, m.unseen, m.deleted, m.bytes) <> (n, u, d, b)
    """,
    "the quota's use is not what the emails take": """
        SELECT s.used_bytes, s.used_messages, c.*
        FROM account_state s CROSS JOIN (
            SELECT coalesce(sum(size), 0) AS b, count(*) AS n FROM email WHERE account_id = $1
        ) c
        WHERE s.account_id = $1 AND (s.used_bytes, s.used_messages) <> (b, n)
    """,
    "a uid below uidnext is neither there nor expunged, or is both": """
        SELECT m.name, u.uid FROM mailbox m
        CROSS JOIN LATERAL generate_series(1, m.uidnext - 1) AS u(uid)
        WHERE m.account_id = $1 AND (
            SELECT count(*) FROM mailbox_email p
            WHERE p.account_id = $1 AND p.mailbox_id = m.id AND p.uid = u.uid
        ) + (
            SELECT count(*) FROM expunged x
            WHERE x.account_id = $1 AND x.mailbox_id = m.id AND x.uid = u.uid
        ) <> 1
    """,
    "a uid is not below uidnext, or in no mailbox that holds messages": """
        SELECT p.mailbox_id, p.uid FROM mailbox_email p
        LEFT JOIN mailbox m ON m.account_id = $1 AND m.id = p.mailbox_id
        WHERE p.account_id = $1 AND (m.id IS NULL OR p.uid >= m.uidnext OR NOT m.is_selectable)
    """,
    "a place does not say what its email says, or has none": """
        SELECT p.mailbox_id, p.uid FROM mailbox_email p
        LEFT JOIN email e ON e.account_id = $1 AND e.id = p.email_id
        WHERE p.account_id = $1 AND (p.size, p.received_at, p.thread_id)
              IS DISTINCT FROM (e.size, e.received_at, e.thread_id)
    """,
    "an email is in no mailbox, or its pack is not recorded": """
        SELECT e.id FROM email e WHERE e.account_id = $1 AND (
            NOT EXISTS (SELECT 1 FROM mailbox_email p
                        WHERE p.account_id = $1 AND p.email_id = e.id)
            OR NOT EXISTS (SELECT 1 FROM pack k WHERE k.id = e.pack_id)
        )
    """,
    "something changed later than the mailbox or the account knows": """
        SELECT m.name, m.highestmodseq, c.modseq, s.modseq
        FROM mailbox m JOIN account_state s USING (account_id)
        CROSS JOIN LATERAL (
            SELECT max(modseq) AS modseq FROM (
                SELECT modseq FROM mailbox_email p WHERE p.account_id = $1 AND p.mailbox_id = m.id
                UNION ALL
                SELECT modseq FROM expunged x WHERE x.account_id = $1 AND x.mailbox_id = m.id
            ) x
        ) c
        WHERE m.account_id = $1 AND (
            coalesce(c.modseq, 0) > m.highestmodseq OR m.changed_modseq > m.highestmodseq
            OR m.created_modseq > m.changed_modseq OR m.highestmodseq > s.modseq
        )
    """,
    "a message came after it last changed": """
        SELECT mailbox_id, uid FROM mailbox_email WHERE account_id = $1 AND created_modseq > modseq
        UNION ALL
        SELECT mailbox_id, uid FROM expunged WHERE account_id = $1 AND created_modseq > modseq
    """,
    "a UIDVALIDITY was given twice, or is higher than the highest": """
        SELECT m.name, m.uidvalidity FROM mailbox m JOIN account_state s USING (account_id)
        WHERE m.account_id = $1 AND (m.uidvalidity > s.uidvalidity OR EXISTS (
            SELECT 1 FROM mailbox o
            WHERE o.account_id = $1 AND o.uidvalidity = m.uidvalidity AND o.id <> m.id
        ))
    """,
    "a mailbox hangs in the air": """
        SELECT m.name FROM mailbox m WHERE m.account_id = $1 AND m.name LIKE '%/%'
        AND NOT EXISTS (SELECT 1 FROM mailbox o WHERE o.account_id = $1
                        AND o.name = regexp_replace(m.name, '/[^/]*$', ''))
    """,
}


async def recount(url: str, account_id: int) -> None:
    """Count everything again, in one snapshot.

    Tombstones count, too: none of them may have been trimmed.

    Raises:
        AssertionError: with all that is wrong.
    """
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            found = {what: await connection.fetch(sql, account_id) for what, sql in _FAULTS.items()}
    finally:
        await connection.close()
    wrong = [f"{what}: {[tuple(row) for row in rows[:5]]}" for what, rows in found.items() if rows]
    assert not wrong, "\n".join(wrong)
