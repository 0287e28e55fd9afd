"""EmailSubmissions: what was sent through JMAP (RFC 8621 §7)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from mailquay.store.engine import Engine
from mailquay.store.errors import NotFound
from mailquay.store.places import take_modseq
from mailquay.store.tracked import TrackedChanges, tracked_changes
from mailquay.store.types import AccountId, EmailId, ModSeq, ThreadId

__all__ = ["Submission", "Submissions"]


@dataclass(frozen=True, slots=True)
class Submission:
    """A message handed in for sending; ``envelope`` is RFC 8621's Envelope object."""

    id: int
    identity_id: int
    email_id: EmailId
    thread_id: ThreadId
    envelope: dict[str, Any]
    send_at: datetime
    undo_status: str
    queue_message_id: int | None


_COLUMNS = "id, identity_id, email_id, thread_id, envelope, send_at, undo_status, queue_message_id"


def _submission(row: asyncpg.Record) -> Submission:
    return Submission(
        row[0], row[1], EmailId(row[2]), ThreadId(row[3]), json.loads(row[4]), row[5], row[6],
        row[7],
    )  # fmt: skip


class Submissions:
    """An account's submissions; each call is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def add(
        self,
        account_id: AccountId,
        *,
        identity_id: int,
        email_id: EmailId,
        thread_id: ThreadId,
        envelope: dict[str, Any],
        queue_message_id: int | None,
    ) -> Submission:
        """Record a submission that is on its way; it is final at once."""
        async with self._engine.transaction() as c:
            modseq = await take_modseq(c, account_id)
            row = await c.fetchrow(
                "INSERT INTO email_submission (account_id, identity_id, email_id, thread_id, "
                "envelope, send_at, undo_status, queue_message_id, created_modseq, modseq) "
                f"VALUES ($1, $2, $3, $4, $5::jsonb, now(), 'final', $6, $7, $7) "
                f"RETURNING {_COLUMNS}",
                account_id, identity_id, email_id, thread_id, json.dumps(envelope),
                queue_message_id, modseq,
            )  # fmt: skip
        assert row is not None, "INSERT … RETURNING gives a row"
        return _submission(row)

    async def list_submissions(
        self, account_id: AccountId, ids: Sequence[int] | None = None
    ) -> list[Submission]:
        """An account's submissions, all or those of the ids, the newest first."""
        async with self._engine.connection() as c:
            rows = await c.fetch(
                f"SELECT {_COLUMNS} FROM email_submission "
                "WHERE account_id = $1 AND NOT removed "
                "AND ($2::bigint[] IS NULL OR id = ANY($2)) ORDER BY id DESC LIMIT 5000",
                account_id, ids,
            )  # fmt: skip
        return [_submission(row) for row in rows]

    async def remove(self, account_id: AccountId, submission_id: int) -> ModSeq:
        """Forget a submission; the message goes its way.

        Raises:
            NotFound: it is not there.
        """
        async with self._engine.transaction() as c:
            modseq = await take_modseq(c, account_id)
            number = await c.fetchval(
                "UPDATE email_submission SET removed = true, removed_at = now(), modseq = $3 "
                "WHERE account_id = $1 AND id = $2 AND NOT removed RETURNING id",
                account_id, submission_id, modseq,
            )  # fmt: skip
            if number is None:
                raise NotFound("there is no such submission")
        return modseq

    async def changes(self, account_id: AccountId, since: int, limit: int) -> TrackedChanges:
        """At most ``limit`` submissions that are not as they were.

        Raises:
            Forgotten: tombstones since then were trimmed.
        """
        async with self._engine.transaction() as c:
            return await tracked_changes(c, "email_submission", account_id, since, limit)
