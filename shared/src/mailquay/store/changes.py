r"""What has happened since a state: emails, threads, mailboxes (RFC 8620 §5.2).

A `Point` is a place in the history of an account. Changes are told in the order of a key, a modseq
and an id: of what is new since then the modseq it came with, of everything else the modseq of its
last change. So a client may stop anywhere, and going on from there leaves nothing out.

An email whose places all have ``\Deleted`` is not visible to JMAP (RFC 8621 §4.1.1), which is as
good as gone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from mailquay.store.engine import Connection, Engine
from mailquay.store.errors import Forgotten, NotFound
from mailquay.store.tracked import trimmed_modseq
from mailquay.store.types import AccountId, EmailId, MailboxId, ModSeq, ThreadId

__all__ = ["Changes", "EmailChanges", "MailboxChanges", "Point", "ThreadChanges"]

_LAST_ID: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Point:
    """Everything up to ``modseq`` is known, and of that modseq itself everything up to ``id``."""

    modseq: int
    id: int = _LAST_ID

    @property
    def is_whole(self) -> bool:
        """Whether all of the modseq is known: what no limit has cut."""
        return self.id == _LAST_ID


@dataclass(frozen=True, slots=True)
class EmailChanges:
    """Emails that came, changed or went (RFC 8621 §4.3)."""

    state: Point
    created: tuple[EmailId, ...]
    updated: tuple[EmailId, ...]
    destroyed: tuple[EmailId, ...]
    has_more: bool
    #: The threads that all of these are or were of.
    thread_ids: frozenset[ThreadId]


@dataclass(frozen=True, slots=True)
class ThreadChanges:
    """Threads that came, got or lost emails, or went (RFC 8621 §3.2)."""

    state: Point
    created: tuple[ThreadId, ...]
    updated: tuple[ThreadId, ...]
    destroyed: tuple[ThreadId, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class MailboxChanges:
    """Mailboxes that came, changed or went (RFC 8621 §2.2)."""

    state: Point
    created: tuple[MailboxId, ...]
    updated: tuple[MailboxId, ...]
    destroyed: tuple[MailboxId, ...]
    has_more: bool
    #: Those updated in which nothing but numbers of messages and threads has changed.
    only_counts: tuple[MailboxId, ...]


# A place that comes back into view has come anew, so `created_modseq` tells since when an email
# was to be seen. Of the places that have not changed, those with \Deleted were out of sight.
_EMAILS: Final = """
    WITH touched AS (
        SELECT email_id, thread_id, created_modseq AS created, modseq, flags & 8 = 0 AS is_there
        FROM mailbox_email WHERE account_id = $1 AND modseq >= $2
        UNION ALL
        SELECT email_id, thread_id, created_modseq, modseq, false
        FROM expunged WHERE account_id = $1 AND modseq >= $2
    ), changed AS (
        SELECT email_id, min(thread_id) AS thread_id, min(created) AS created,
               max(modseq) AS modseq, bool_or(is_there) AS is_there
        FROM touched GROUP BY email_id HAVING (max(modseq), email_id) > ($2, $3)
    ), judged AS (
        SELECT c.email_id, c.thread_id, c.modseq, c.is_there OR p.created IS NOT NULL AS is_there,
               least(c.created, p.created) AS created
        FROM changed c CROSS JOIN LATERAL (
            SELECT min(created_modseq) AS created FROM mailbox_email
            WHERE account_id = $1 AND email_id = c.email_id AND flags & 8 = 0
        ) p
    ), sorted AS (
        SELECT email_id, thread_id, is_there, (created, email_id) <= ($2, $3) AS was_there,
               CASE WHEN (created, email_id) <= ($2, $3) THEN modseq ELSE created END AS key
        FROM judged
    )
    SELECT email_id, thread_id, is_there, was_there, key FROM sorted
    WHERE (is_there OR was_there)
"""

# By the index of the emails' threads, as places have none.
_THREADS: Final = """
    SELECT t.id, coalesce(p.is_there, false), t.was_there OR coalesce(p.was_there, false)
    FROM unnest($2::bigint[], $3::bool[]) AS t(id, was_there)
    CROSS JOIN LATERAL (
        SELECT bool_or(true) AS is_there,
               bool_or((p.created_modseq, p.email_id) <= ($4, $5)) AS was_there
        FROM email e JOIN mailbox_email p ON p.account_id = $1 AND p.email_id = e.id
        WHERE e.account_id = $1 AND e.thread_id = t.id AND p.flags & 8 = 0
    ) p
"""

# A mailbox's numbers of threads change with emails of those threads elsewhere, too.
_MAILBOXES: Final = """
    WITH touched AS (
        SELECT thread_id, max(modseq) AS modseq FROM (
            SELECT thread_id, modseq FROM mailbox_email WHERE account_id = $1 AND modseq > $2
            UNION ALL
            SELECT thread_id, modseq FROM expunged WHERE account_id = $1 AND modseq > $2
        ) x GROUP BY thread_id
    ), counted AS (
        SELECT p.mailbox_id AS id, max(t.modseq) AS modseq
        FROM touched t
        JOIN email e ON e.account_id = $1 AND e.thread_id = t.thread_id
        JOIN mailbox_email p ON p.account_id = $1 AND p.email_id = e.id
        GROUP BY p.mailbox_id
    )
    SELECT m.id, (m.created_modseq, m.id) <= ($2, $3) AS was_there, true AS is_there,
           (m.changed_modseq, m.id) > ($2, $3) AS is_changed,
           CASE WHEN (m.created_modseq, m.id) <= ($2, $3)
                THEN greatest(m.highestmodseq, c.modseq) ELSE m.created_modseq END AS key
    FROM mailbox m LEFT JOIN counted c ON c.id = m.id
    WHERE m.account_id = $1 AND (greatest(m.highestmodseq, c.modseq), m.id) > ($2, $3)
    UNION ALL
    SELECT mailbox_id, true, false, true, modseq FROM mailbox_removed
    WHERE account_id = $1 AND (modseq, mailbox_id) > ($2, $3)
    ORDER BY key, id LIMIT $4
"""


class Changes:
    """The history of accounts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def emails(self, account_id: AccountId, since: Point, limit: int) -> EmailChanges:
        """At most ``limit`` emails that are not as they were.

        Three round trips; indexes ``ix_mailbox_email_modseq``, ``ix_expunged_modseq``.

        Raises:
            NotFound: the account is gone.
            Forgotten: tombstones since then were trimmed.
        """
        async with self._engine.transaction() as c:
            state = await _state(c, account_id)
            rows = await c.fetch(
                f"{_EMAILS} ORDER BY key, email_id LIMIT $4",
                account_id, since.modseq, since.id, limit + 1,
            )  # fmt: skip
            await _check_remembered(c, account_id, since)
        has_more = len(rows) > limit
        rows = rows[:limit]
        created, updated, destroyed = _sort(
            (EmailId(row[0]), bool(row[2]), bool(row[3])) for row in rows
        )
        reached = Point(rows[-1][4], rows[-1][0]) if has_more else state
        threads = frozenset(ThreadId(row[1]) for row in rows)
        return EmailChanges(reached, created, updated, destroyed, has_more, threads)

    async def threads(self, account_id: AccountId, since: Point, limit: int) -> ThreadChanges:
        """At most ``limit`` threads that have other emails than they had.

        Raises:
            NotFound: the account is gone.
            Forgotten: tombstones since then were trimmed.
        """
        async with self._engine.transaction() as c:
            state = await _state(c, account_id)
            rows = await c.fetch(
                f"{_EMAILS} AND is_there <> was_there ORDER BY key, email_id",
                account_id, since.modseq, since.id,
            )  # fmt: skip
            await _check_remembered(c, account_id, since)
            was_there: dict[int, bool] = {}
            for row in rows:
                was_there[row[1]] = was_there.get(row[1], False) or row[3]
            chosen = list(was_there)[:limit]
            judged = await c.fetch(
                _THREADS, account_id, chosen, [was_there[thread] for thread in chosen],
                since.modseq, since.id,
            )  # fmt: skip
        created, updated, destroyed = _sort(
            (ThreadId(row[0]), bool(row[1]), bool(row[2])) for row in judged
        )
        has_more = len(was_there) > limit
        reached = _before(rows, set(chosen)) if has_more else state
        return ThreadChanges(reached, created, updated, destroyed, has_more)

    async def mailboxes(self, account_id: AccountId, since: Point, limit: int) -> MailboxChanges:
        """At most ``limit`` mailboxes that are not as they were.

        Raises:
            NotFound: the account is gone.
            Forgotten: tombstones since then were trimmed.
        """
        async with self._engine.transaction() as c:
            state = await _state(c, account_id)
            rows = await c.fetch(_MAILBOXES, account_id, since.modseq, since.id, limit + 1)
            await _check_remembered(c, account_id, since)
        has_more = len(rows) > limit
        rows = rows[:limit]
        created, updated, destroyed = _sort((MailboxId(row[0]), row[2], row[1]) for row in rows)
        only_counts = tuple(MailboxId(row[0]) for row in rows if row[1] and row[2] and not row[3])
        reached = Point(rows[-1][4], rows[-1][0]) if has_more else state
        return MailboxChanges(reached, created, updated, destroyed, has_more, only_counts)


async def _state(c: Connection, account_id: AccountId) -> Point:
    """Read before what it tells of: a change in between is told again, none is left out."""
    value = await c.fetchval("SELECT modseq FROM account_state WHERE account_id = $1", account_id)
    if value is None:
        raise NotFound(f"there is no account {account_id}")
    return Point(ModSeq(value))


async def _check_remembered(c: Connection, account_id: AccountId, since: Point) -> None:
    """Raise Forgotten where tombstones that would have told of something may be gone.

    Asked after they were read: what is trimmed in between is noticed, and what is trimmed later
    was there.
    """
    floor = await trimmed_modseq(c, account_id)
    if since.modseq < floor or (since.modseq == floor and not since.is_whole):
        raise Forgotten(f"what happened before {floor} is not known any more")


def _before(rows: Sequence[Any], threads: set[int]) -> Point:
    """The last point before anything of another thread has happened."""
    reached = Point(0)
    for email_id, thread_id, _, _, key in rows:
        if thread_id not in threads:
            break
        reached = Point(key, email_id)
    return reached


def _sort(rows: Any) -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]:
    """Created, updated and destroyed, by whether each is and was there."""
    groups: dict[tuple[bool, bool], list[Any]] = {}
    for item, is_there, was_there in rows:
        groups.setdefault((is_there, was_there), []).append(item)
    order: Sequence[tuple[bool, bool]] = ((True, False), (True, True), (False, True))
    created, updated, destroyed = (tuple(groups.get(key, ())) for key in order)
    return created, updated, destroyed
