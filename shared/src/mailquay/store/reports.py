"""Reports that senders are still owed of their queued messages (RFC 3464).

That one is due is written with the outcome that it tells of (`queue`), so that no crash forgets
it; it is taken off when it lies in the sender's mailbox or in the queue.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from mailquay.store.engine import Engine

__all__ = ["Claim", "Report", "Reports"]


@dataclass(frozen=True, slots=True)
class Report:
    """A recipient of whom the sender is to be told; ``kind`` is failed, delayed or relayed.

    Recipients whose attempt ended together have the same ``last_attempt_at``.
    """

    recipient_id: int
    message_id: int
    address: str
    kind: str
    reply: str
    host: str | None
    attempts: int
    original_recipient: str | None
    last_attempt_at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """One message's reports, which nobody else sends meanwhile."""

    reports: tuple[Report, ...]
    #: Put in here what has been sent.
    sent: list[Report] = field(default_factory=list)


_CLAIM = """
    WITH next AS (
        SELECT message_id FROM queue_recipient WHERE report IS NOT NULL AND message_id > $1
        ORDER BY message_id LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    SELECT r.id, r.message_id, address, report, coalesce(last_reply, ''), last_host, attempts,
           original_recipient, last_attempt_at
    FROM queue_recipient r JOIN next USING (message_id)
    WHERE report IS NOT NULL AND last_attempt_at IS NOT NULL
    ORDER BY r.id FOR UPDATE OF r SKIP LOCKED
"""


class Reports:
    """The reports of all messages in the queue."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def claim(self, after: int) -> AsyncIterator[Claim]:
        """Take the reports of the next message whose id is over ``after``; none is the end.

        They are held in a transaction until the end of the context, and are due again for
        others where it does not come to that.
        """
        async with self._engine.transaction() as c:
            rows = await c.fetch(_CLAIM, after)
            claim = Claim(tuple(Report(*row.values()) for row in rows))
            yield claim
            await c.execute(
                "UPDATE queue_recipient SET report = NULL WHERE id = ANY($1::bigint[])",
                [report.recipient_id for report in claim.sent],
            )
