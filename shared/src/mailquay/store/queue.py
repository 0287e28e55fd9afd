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
    """What an attempt came to; ``report`` is the notification that is now due.

    ``possible_duplicate``: the attempt ended after the message's last byte was sent and before
    its reply came, so that the next one may be the second.
    """

    lease: Lease
    verdict: Verdict
    reply: str
    host: str | None = None
    retry_at: datetime | None = None
    report: str | None = None
    possible_duplicate: bool = False


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
    """How full the queue is.

    ``oldest_seconds`` is the age of the oldest that waits, ``late_seconds`` how long ago the first
    that no worker has taken was due. What is held counts in neither.
    """

    queued: int
    held: int
    leased: int
    oldest_seconds: float
    late_seconds: float


_MESSAGE = (
    "id, tenant_id, account_id, reverse_path, pack_id, pack_offset, stored_length, size, sha256, "
    "codec, smtputf8, is_8bit, envelope_id, ret, trace_id, expires_at, created_at"
)
_RECIPIENT = (
    "id, message_id, address, state, attempts, next_attempt_at, lease_owner, last_attempt_at, "
    "last_host, last_reply, possible_duplicate"
)

# Those due first lead to the other due recipients of the same message at the same destination, so
# that these go in one transaction. `due` locks what `first` has locked, and skips what others have.
# A lease that ran out was not ended by its worker: what it was sending may have arrived.
_LEASE = """
    WITH first AS (
        SELECT message_id, CASE WHEN $5 THEN NULL ELSE domain END AS domain FROM queue_recipient
        WHERE state = 'queued' AND next_attempt_at <= now() AND domain <> ALL($4::text[])
        ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED
    ), due AS (
        SELECT r.id FROM (SELECT DISTINCT message_id, domain FROM first) f
        JOIN queue_recipient r ON r.message_id = f.message_id
        WHERE (f.domain IS NULL OR r.domain = f.domain)
            AND r.state = 'queued' AND r.next_attempt_at <= now()
        FOR UPDATE OF r SKIP LOCKED
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

# A delay that nobody has been told of yet is none when the attempt was the last.
_FINISH = """
    UPDATE queue_recipient r SET
        state = CASE u.verdict WHEN 'retry' THEN r.state ELSE u.verdict END,
        attempts = attempts + 1, last_attempt_at = now(), last_reply = u.reply, last_host = u.host,
        next_attempt_at = coalesce(u.retry_at, now()),
        report = CASE u.verdict WHEN 'retry' THEN coalesce(u.report, r.report) ELSE u.report END,
        delay_notified = delay_notified OR u.report IS NOT DISTINCT FROM 'delayed',
        possible_duplicate = r.possible_duplicate OR u.possible_duplicate,
        lease_owner = NULL, lease_until = NULL
    FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[],
                $7::timestamptz[], $8::text[], $9::bool[])
         AS u(id, epoch, verdict, reply, host, retry_at, report, possible_duplicate)
    WHERE r.id = u.id AND r.lease_epoch = u.epoch AND r.lease_owner = $1
    RETURNING r.id
"""


class Queue:
    """The queue; messages enter it in the transaction that accepts them (`deliveries`)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def lease(
        self,
        owner: str,
        limit: int,
        lease_seconds: float,
        *,
        except_domains: Sequence[str] = (),
        by_message: bool = False,
    ) -> list[Lease]:
        """Take recipients that are due, of up to ``limit`` messages at one destination each.

        Args:
            owner: the worker, by a name that no other has ever had.
            limit: how many deliveries; each has all the recipients that can go together.
            lease_seconds: when others may take them, unless `extend` is called.
            except_domains: those that this worker has enough of.
            by_message: all domains are one destination, as where a smarthost takes everything.
        """
        async with self._engine.connection() as c:
            rows = await c.fetch(_LEASE, owner, limit, lease_seconds, except_domains, by_message)
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
        """Hold leases for longer; returns the recipients that are ours, and not on hold."""
        async with self._engine.connection() as c:
            rows = await c.fetch(
                "UPDATE queue_recipient r SET lease_until = now() + make_interval(secs => $4), "
                "next_attempt_at = now() + make_interval(secs => $4) "
                "FROM unnest($2::bigint[], $3::bigint[]) AS u(id, epoch) "
                "WHERE r.id = u.id AND r.lease_epoch = u.epoch AND r.lease_owner = $1 "
                "RETURNING r.id, r.state = 'queued'",
                owner, [lease.recipient_id for lease in leases], [x.epoch for x in leases],
                lease_seconds,
            )  # fmt: skip
        return {row[0] for row in rows if row[1]}

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
            [o.possible_duplicate for o in outcomes],
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

    async def seconds_until_due(self, except_domains: Sequence[str] = ()) -> float | None:
        """When the next recipient is due; 0 for now, None when none waits."""
        async with self._engine.connection() as c:
            value = await c.fetchval(
                "SELECT extract(epoch FROM min(next_attempt_at) - now())::float8 "
                "FROM queue_recipient WHERE state = 'queued' AND domain <> ALL($1::text[])",
                except_domains,
            )
        return None if value is None else max(0.0, float(value))

    async def depth(self) -> QueueDepth:
        """How full the queue is."""
        async with self._engine.connection() as c:
            row = await c.fetchrow(
                "SELECT count(*) FILTER (WHERE state = 'queued'), "
                "count(*) FILTER (WHERE state = 'held'), "
                "count(*) FILTER (WHERE state = 'queued' AND lease_owner IS NOT NULL), "
                "coalesce(extract(epoch FROM now() - min(m.created_at) "
                "FILTER (WHERE state = 'queued')), 0)::float8, "
                "greatest(extract(epoch FROM now() - min(next_attempt_at) FILTER (WHERE "
                "state = 'queued' AND (lease_owner IS NULL OR lease_until < now()))), 0)::float8 "
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

    async def recipients_of(self, message_ids: Sequence[int]) -> dict[int, list[QueuedRecipient]]:
        """The recipients of messages; of those that have left the queue there is nothing."""
        async with self._engine.connection() as c:
            rows = await c.fetch(
                f"SELECT {_RECIPIENT} FROM queue_recipient "
                "WHERE message_id = ANY($1::bigint[]) ORDER BY id",
                message_ids,
            )
        found: dict[int, list[QueuedRecipient]] = {}
        for row in rows:
            recipient = QueuedRecipient(*row.values())
            found.setdefault(recipient.message_id, []).append(recipient)
        return found

    async def retry(self, message_id: int | None) -> int:
        """Make a message, or all, due now; those being tried are left. Returns the recipients."""
        return await self._change(
            "next_attempt_at = now()", "state = 'queued' AND lease_owner IS NULL", message_id
        )

    async def hold(self, message_id: int | None) -> int:
        """Keep a message, or all, from being tried."""
        return await self._change("state = 'held'", "state = 'queued'", message_id)

    async def release(self, message_id: int | None) -> int:
        """Let what was held go on: at once, or when a worker that is still at it is done."""
        return await self._change(
            "state = 'queued', next_attempt_at = greatest(now(), lease_until)",
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

    async def trim(self, keep_seconds: float, *, limit: int = 10_000) -> int:
        """Forget messages that are finished for that long; returns how many."""
        async with self._engine.connection() as c:
            status = await c.execute(
                "DELETE FROM queue_message WHERE id IN (SELECT id FROM queue_message m "
                "WHERE m.created_at < now() - make_interval(secs => $1) "
                "AND NOT EXISTS (SELECT 1 FROM queue_recipient r WHERE r.message_id = m.id AND "
                "(r.state IN ('queued', 'held') OR r.report IS NOT NULL OR "
                "r.last_attempt_at > now() - make_interval(secs => $1))) LIMIT $2)",
                keep_seconds, limit,
            )  # fmt: skip
        return affected(status)
