"""Forgetting by age what would otherwise only grow, a slice at a time.

Every call is one short transaction that reads its rows by an index on their age, so that it may be
ended anywhere, run beside everything else and twice at once: whose account somebody is at is left
for another time. What a slice takes of an account's history raises the floor of the account in the
same transaction (`account_state.trimmed_modseq`): whoever asks what has happened since an earlier
state is told that nobody knows, which is `Forgotten`.
"""

from dataclasses import dataclass
from typing import Any, Final

from mailquay.store.engine import Connection, Engine, affected

__all__ = ["OLD_QUERIES", "Slice", "Trims"]

_OLD_EXPUNGED: Final = """
    SELECT account_id, modseq, mailbox_id, uid FROM expunged
    WHERE at < now() - make_interval(secs => $1) ORDER BY at LIMIT $2
"""
_OLD_MAILBOXES: Final = """
    SELECT account_id, modseq, mailbox_id FROM mailbox_removed
    WHERE at < now() - make_interval(secs => $1) ORDER BY at LIMIT $2
"""
_OLD_REMOVED: Final = """
    SELECT account_id, modseq, id FROM {table}
    WHERE removed_at < now() - make_interval(secs => $1) ORDER BY removed_at LIMIT $2
"""
_OLD_IDENTITIES: Final = _OLD_REMOVED.format(table="identity")
_OLD_REMOVED_SUBMISSIONS: Final = _OLD_REMOVED.format(table="email_submission")
# What may still be taken back is not over (RFC 8621 §7).
_OLD_SUBMISSIONS: Final = """
    SELECT account_id, id FROM email_submission
    WHERE NOT removed AND undo_status <> 'pending'
        AND send_at < now() - make_interval(secs => $1) ORDER BY send_at LIMIT $2
"""
_EXPIRED_UPLOADS: Final = """
    SELECT account_id, id FROM upload WHERE expires_at < now()
    ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
"""
_EXPIRED_SESSIONS: Final = """
    SELECT token_hash FROM web_session WHERE expires_at < now()
    ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
"""
#: What reads a table by age; each has an index for it.
OLD_QUERIES: Final = (
    _OLD_EXPUNGED, _OLD_MAILBOXES, _OLD_IDENTITIES, _OLD_REMOVED_SUBMISSIONS, _OLD_SUBMISSIONS,
    _EXPIRED_UPLOADS, _EXPIRED_SESSIONS,
)  # fmt: skip

# Whoever removes an account locks its state first, and its rows after that; so do we.
_LOCK: Final = """
    SELECT account_id FROM account_state WHERE account_id = ANY($1::bigint[])
    ORDER BY account_id FOR UPDATE SKIP LOCKED
"""
_RAISE_FLOORS: Final = """
    UPDATE account_state s SET trimmed_modseq = greatest(s.trimmed_modseq, u.modseq)
    FROM (SELECT * FROM unnest($1::bigint[], $2::bigint[]) AS u(account_id, modseq)) u
    WHERE s.account_id = u.account_id
"""


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows that were old enough, and those that went: fewer, where somebody was at an account."""

    found: int
    gone: int


class Trims:
    """Each forgets at most ``limit`` rows, the oldest."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def expunged(self, keep_seconds: float, limit: int) -> Slice:
        """Forget messages that went (RFC 7162 §3.2.7, RFC 8620 §5.2)."""
        async with self._engine.transaction() as c:
            found, rows = await _take_history(c, _OLD_EXPUNGED, keep_seconds, limit)
            status = await c.execute(
                "DELETE FROM expunged x "
                "USING unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS u(account_id, "
                "mailbox_id, uid) WHERE x.account_id = u.account_id "
                "AND x.mailbox_id = u.mailbox_id AND x.uid = u.uid",
                [row[0] for row in rows], [row[2] for row in rows], [row[3] for row in rows],
            )  # fmt: skip
        return Slice(found, affected(status))

    async def removed_mailboxes(self, keep_seconds: float, limit: int) -> Slice:
        """Forget mailboxes that went."""
        return await self._forget(
            "mailbox_removed", "mailbox_id", _OLD_MAILBOXES, keep_seconds, limit
        )

    async def removed_identities(self, keep_seconds: float, limit: int) -> Slice:
        """Forget identities that went."""
        return await self._forget("identity", "id", _OLD_IDENTITIES, keep_seconds, limit)

    async def removed_submissions(self, keep_seconds: float, limit: int) -> Slice:
        """Forget submissions that went."""
        return await self._forget(
            "email_submission", "id", _OLD_REMOVED_SUBMISSIONS, keep_seconds, limit
        )

    async def _forget(
        self, table: str, key: str, old: str, keep_seconds: float, limit: int
    ) -> Slice:
        async with self._engine.transaction() as c:
            found, rows = await _take_history(c, old, keep_seconds, limit)
            # The names are ours.
            status = await c.execute(
                f"DELETE FROM {table} x USING unnest($1::bigint[], $2::bigint[]) "
                f"AS u(account_id, id) WHERE x.account_id = u.account_id AND x.{key} = u.id",
                [row[0] for row in rows], [row[2] for row in rows],
            )  # fmt: skip
        return Slice(found, affected(status))

    async def submissions(self, keep_seconds: float, limit: int) -> Slice:
        """Remove submissions that are over, as a client's destroy would (RFC 8621 §7)."""
        async with self._engine.transaction() as c:
            old = await c.fetch(_OLD_SUBMISSIONS, keep_seconds, limit)
            free = await _lock(c, old)
            rows = [row for row in old if row[0] in free]
            status = await c.execute(
                "WITH taken AS (UPDATE account_state SET modseq = modseq + 1 "
                "WHERE account_id = ANY($1::bigint[]) RETURNING account_id, modseq) "
                "UPDATE email_submission e SET removed = true, removed_at = now(), "
                "modseq = t.modseq FROM taken t, unnest($1::bigint[], $2::bigint[]) "
                "AS u(account_id, id) WHERE u.account_id = t.account_id "
                "AND e.account_id = u.account_id AND e.id = u.id AND NOT e.removed",
                [row[0] for row in rows], [row[1] for row in rows],
            )  # fmt: skip
        return Slice(len(old), affected(status))

    async def uploads(self, limit: int) -> Slice:
        """Forget uploads that have expired; their bytes are collected then."""
        async with self._engine.connection() as c:
            status = await c.execute(
                f"DELETE FROM upload WHERE (account_id, id) IN ({_EXPIRED_UPLOADS})", limit
            )
        return Slice(affected(status), affected(status))

    async def sessions(self, limit: int) -> Slice:
        """Forget browsers whose session has expired."""
        async with self._engine.connection() as c:
            status = await c.execute(
                f"DELETE FROM web_session WHERE token_hash IN ({_EXPIRED_SESSIONS})", limit
            )
        return Slice(affected(status), affected(status))


async def _take_history(
    c: Connection, old: str, keep_seconds: float, limit: int
) -> tuple[int, list[Any]]:
    """How many rows are old, and those that may go now; the floors of their accounts are raised."""
    found = await c.fetch(old, keep_seconds, limit)
    free = await _lock(c, found)
    rows = [row for row in found if row[0] in free]
    floors: dict[int, int] = {}
    for row in rows:
        floors[row[0]] = max(floors.get(row[0], 0), row[1])
    await c.execute(_RAISE_FLOORS, list(floors), list(floors.values()))
    return len(found), rows


async def _lock(c: Connection, rows: list[Any]) -> set[int]:
    """The accounts of rows that nobody is at; locked until the transaction ends."""
    locked = await c.fetch(_LOCK, list({row[0] for row in rows}))
    return {row[0] for row in locked}
