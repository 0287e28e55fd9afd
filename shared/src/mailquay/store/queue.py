"""The outbound queue: durable, leased, fenced (RFC 5321 §4.5.4).

A worker leases recipients that are due. A lease ends by itself; whoever takes it over gets a higher
epoch, and what the late worker still wants to write is refused. While a lease is held,
``next_attempt_at`` is its end, so that being due is one comparison on one index.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from mailquay.store.engine import Engine, affected
from mailquay.store.errors import NotFound
from mailquay.store.types import AccountId, TenantId

__all__ = [
    "Lease",
    "Outcome",
    "Queue",
    "QueueDepth",
    "QueuedMessage",
    "QueuedRecipient",
    "Report",
    "Verdict",
]


class Verdict(StrEnum):
    """How an attempt ended for a recipient."""

    DELIVERED = "delivered"
    FAILED = "failed"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """A message in the queue with its envelope."""

    id: int
    tenant_id: TenantId
    account_id: AccountId | None
    reverse_path: str
    pack_id: UUID
    pack_offset: int
    stored_length: int
    size: int
    sha256: bytes
    codec: int
    smtputf8: bool
    is_8bit: bool
    envelope_id: str | None
    ret: str | None
    trace_id: str
    expires_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Lease:
    """A recipient that a worker may try until the lease ends."""

    recipient_id: int
    epoch: int
    message_id: int
    address: str
    domain: str
    attempts: int
    possible_duplicate: bool
    delay_notified: bool
    notify: str | None
    original_recipient: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to; ``report`` is the notification that is now due."""

    lease: Lease
    verdict: Verdict
    reply: str
    host: str | None = None
    retry_at: datetime | None = None
    report: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A recipient of whom the sender is to be told (RFC 3464)."""

    recipient_id: int
    message_id: int
    address: str
    kind: str
    reply: str
    host: str | None
    attempts: int
    original_recipient: str | None
    last_attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class QueuedRecipient:
    """A recipient as an administrator sees it."""

    id: int
    message_id: int
    address: str
    state: str
    attempts: int
    next_attempt_at: datetime
    lease_owner: str | None
    last_attempt_at: datetime | None
    last_host: str | None
    last_reply: str | None
    possible_duplicate: bool


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """How full the queue is; ``oldest_seconds`` is the age of the oldest that waits."""

    queued: int
    held: int
    leased: int
    oldest_seconds: float


_MESSAGE = (
    "id, tenant_id, account_id, reverse_path, pack_id, pack_offset, stored_length, size, sha256, "
    "codec, smtputf8, is_8bit, envelope_id, ret, trace_id, expires_at, created_at"
)
_RECIPIENT = (
    "id, message_id, address, state, attempts, next_attempt_at, lease_owner, last_attempt_at, "
    "last_host, last_reply, possible_duplicate"
)

# A lease that ran out was not ended by its worker: what it was sending may have arrived.
_LEASE = """
    WITH due AS (
        SELECT id FROM queue_recipient
        WHERE state = 'queued' AND next_attempt_at <= now()
        ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED
    )
    UPDATE queue_recipient r SET
        possible_duplicate = possible_duplicate OR lease_owner IS NOT NULL,
        lease_owner = $1, lease_epoch = lease_epoch + 1,
        lease_until = now() + make_interval(secs => $3),
        next_attempt_at = now() + make_interval(secs => $3)
    FROM due WHERE r.id = due.id
    RETURNING r.id, lease_epoch, message_id, address, domain, attempts, possible_duplicate,
              delay_notified, notify, original_recipient
"""

_FINISH = """
    UPDATE queue_recipient r SET
        state = CASE u.verdict WHEN 'retry' THEN r.state ELSE u.verdict END,
        attempts = attempts + 1, last_attempt_at = now(), last_reply = u.reply,
        last_host = coalesce(u.host, last_host),
        next_attempt_at = coalesce(u.retry_at, now()),
        report = coalesce(u.report, r.report),
        delay_notified = delay_notified OR u.report IS NOT DISTINCT FROM 'delayed',
        lease_owner = NULL, lease_until = NULL
    FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[],
                $7::timestamptz[], $8::text[])
         AS u(id, epoch, verdict, reply, host, retry_at, report)
    WHERE r.id = u.id AND r.lease_epoch = u.epoch AND r.lease_owner = $1
    RETURNING r.id
"""


class Queue:
    """The queue; messages enter it in the transaction that accepts them (`deliveries`)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def lease(self, owner: str, limit: int, lease_seconds: float) -> list[Lease]:
        """Take up to ``limit`` recipients that are due."""
        async with self._engine.connection() as c:
            rows = await c.fetch(_LEASE, owner, limit, lease_seconds)
        return [Lease(*row.values()) for row in rows]

    async def messages(self, ids: Sequence[int]) -> dict[int, QueuedMessage]:
        """The messages of those ids; what was removed is left out."""
        async with self._engine.connection() as c:
            rows = await c.fetch(
                f"SELECT {_MESSAGE} FROM queue_message WHERE id = ANY($1::bigint[])",
                ids,
            )
        return {row[0]: QueuedMessage(*row.values()) for row in rows}

    async def extend(self, owner: str, leases: Sequence[Lease], lease_seconds: float) -> set[int]:
        """Hold leases for longer; returns the recipients that are still ours."""
        async with self._engine.connection() as c:
            rows = await c.fetch(
                "UPDATE queue_recipient r SET lease_until = now() + make_interval(secs => $4), "
                "next_attempt_at = now() + make_interval(secs => $4) "
                "FROM unnest($2::bigint[], $3::bigint[]) AS u(id, epoch) "
                "WHERE r.id = u.id AND r.lease_epoch = u.epoch AND r.lease_owner = $1 "
                "RETURNING r.id",
                owner, [lease.recipient_id for lease in leases], [x.epoch for x in leases],
                lease_seconds,
            )  # fmt: skip
        return {row[0] for row in rows}

    async def finish(self, owner: str, outcomes: Sequence[Outcome]) -> set[int]:
        """Write what attempts came to; returns the recipients that were still ours."""
        columns: list[list[Any]] = [
            [o.lease.recipient_id for o in outcomes],
            [o.lease.epoch for o in outcomes],
            [o.verdict.value for o in outcomes],
            [o.reply.replace("\0", "") for o in outcomes],
            [o.host for o in outcomes],
            [o.retry_at for o in outcomes],
            [o.report for o in outcomes],
        ]
        async with self._engine.connection() as c:
            rows = await c.fetch(_FINISH, owner, *columns)
        return {row[0] for row in rows}

    async def hand_back(self, owner: str, leases: Sequence[Lease]) -> None:
        """End leases without an attempt: another worker may take them at once."""
        async with self._engine.connection() as c:
            await c.execute(
                "UPDATE queue_recipient r SET lease_owner = NULL, lease_until = NULL, "
                "next_attempt_at = now() FROM unnest($2::bigint[], $3::bigint[]) AS u(id, epoch) "
                "WHERE r.id = u.id AND r.lease_epoch = u.epoch AND r.lease_owner = $1",
                owner, [lease.recipient_id for lease in leases], [x.epoch for x in leases],
            )  # fmt: skip

    async def seconds_until_due(self) -> float | None:
        """When the next recipient is due; 0 for now, None when none waits."""
        async with self._engine.connection() as c:
            value = await c.fetchval(
                "SELECT extract(epoch FROM min(next_attempt_at) - now())::float8 "
                "FROM queue_recipient WHERE state = 'queued'"
            )
        return None if value is None else max(0.0, float(value))

    async def reports(self, limit: int) -> list[Report]:
        """Reports that are due, by message. Sending one twice is prevented by its repeat key."""
        async with self._engine.connection() as c:
            rows = await c.fetch(
                "SELECT id, message_id, address, report, coalesce(last_reply, ''), last_host, "
                "attempts, original_recipient, last_attempt_at FROM queue_recipient "
                "WHERE report IS NOT NULL ORDER BY message_id, id LIMIT $1",
                limit,
            )
        return [Report(*row.values()) for row in rows]

    async def reported(self, reports: Sequence[Report]) -> None:
        """Those reports are in the senders' mailboxes, or in the queue."""
        async with self._engine.connection() as c:
            await c.execute(
                "UPDATE queue_recipient r SET report = NULL "
                "FROM unnest($1::bigint[], $2::text[]) AS u(id, kind) "
                "WHERE r.id = u.id AND r.report = u.kind",
                [report.recipient_id for report in reports], [r.kind for r in reports],
            )  # fmt: skip

    async def depth(self) -> QueueDepth:
        """How full the queue is."""
        async with self._engine.connection() as c:
            row = await c.fetchrow(
                "SELECT count(*) FILTER (WHERE state = 'queued'), "
                "count(*) FILTER (WHERE state = 'held'), "
                "count(*) FILTER (WHERE state = 'queued' AND lease_owner IS NOT NULL), "
                "coalesce(extract(epoch FROM now() - min(m.created_at)), 0)::float8 "
                "FROM queue_recipient r JOIN queue_message m ON m.id = r.message_id "
                "WHERE state IN ('queued', 'held')"
            )
        assert row is not None, "an aggregate gives one row"
        return QueueDepth(*row.values())

    async def list_messages(
        self, *, state: str | None = None, limit: int = 100
    ) -> list[tuple[QueuedMessage, list[QueuedRecipient]]]:
        """The oldest messages with a recipient in ``state``; None: that still wait or are held."""
        states = ["queued", "held"] if state is None else [state]
        async with self._engine.connection() as c:
            rows = await c.fetch(
                f"SELECT {_MESSAGE} FROM queue_message m WHERE EXISTS (SELECT 1 "
                "FROM queue_recipient r WHERE r.message_id = m.id AND r.state = ANY($1)) "
                "ORDER BY id LIMIT $2",
                states, limit,
            )  # fmt: skip
            messages = [QueuedMessage(*row.values()) for row in rows]
            recipients = await c.fetch(
                f"SELECT {_RECIPIENT} FROM queue_recipient "
                "WHERE message_id = ANY($1::bigint[]) ORDER BY id",
                [message.id for message in messages],
            )
        found: dict[int, list[QueuedRecipient]] = {}
        for row in recipients:
            recipient = QueuedRecipient(*row.values())
            found.setdefault(recipient.message_id, []).append(recipient)
        return [(message, found.get(message.id, [])) for message in messages]

    async def show(self, message_id: int) -> tuple[QueuedMessage, list[QueuedRecipient]]:
        """One message with all its recipients.

        Raises:
            NotFound: it is not in the queue.
        """
        async with self._engine.connection() as c:
            row = await c.fetchrow(
                f"SELECT {_MESSAGE} FROM queue_message WHERE id = $1",
                message_id,
            )
            recipients = await c.fetch(
                f"SELECT {_RECIPIENT} FROM queue_recipient WHERE message_id = $1 ORDER BY id",
                message_id,
            )
        if row is None:
            raise NotFound(f"message {message_id} is not in the queue")
        return QueuedMessage(*row.values()), [QueuedRecipient(*r.values()) for r in recipients]

    async def retry(self, message_id: int | None) -> int:
        """Make a message, or all, due now; those being tried are left. Returns the recipients."""
        return await self._change(
            "next_attempt_at = now()", "state = 'queued' AND lease_owner IS NULL", message_id
        )

    async def hold(self, message_id: int | None) -> int:
        """Keep a message, or all, from being tried."""
        return await self._change("state = 'held'", "state = 'queued'", message_id)

    async def release(self, message_id: int | None) -> int:
        """Let what was held go on, at once."""
        return await self._change(
            "state = 'queued', next_attempt_at = now(), lease_owner = NULL, lease_until = NULL",
            "state = 'held'",
            message_id,
        )

    async def _change(self, assignments: str, where: str, message_id: int | None) -> int:
        async with self._engine.connection() as c:
            # Both are written above, never by a user.
            status = await c.execute(
                f"UPDATE queue_recipient SET {assignments} "
                f"WHERE {where} AND ($1::bigint IS NULL OR message_id = $1)",
                message_id,
            )
        return affected(status)

    async def remove(self, message_id: int) -> None:
        """Take a message out of the queue; nobody is told.

        Raises:
            NotFound: it is not in the queue.
        """
        async with self._engine.connection() as c:
            status = await c.execute("DELETE FROM queue_message WHERE id = $1", message_id)
        if not affected(status):
            raise NotFound(f"message {message_id} is not in the queue")

    async def trim(self, keep_seconds: float) -> int:
        """Forget messages that are finished for that long; returns how many."""
        async with self._engine.connection() as c:
            status = await c.execute(
                "DELETE FROM queue_message m WHERE m.created_at < now() - make_interval(secs => $1)"
                " AND NOT EXISTS (SELECT 1 FROM queue_recipient r WHERE r.message_id = m.id AND "
                "(r.state IN ('queued', 'held') OR r.report IS NOT NULL OR "
                "r.last_attempt_at > now() - make_interval(secs => $1)))",
                keep_seconds,
            )
        return affected(status)
