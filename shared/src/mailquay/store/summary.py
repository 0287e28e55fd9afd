"""What the database knows of the last day: for the administrators' report, never on a hot path.

Accounts are read in slices by their ids. The queue's tables are read whole: they hold a few days of
mail, most of which is that of the day.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from mailquay.store.engine import Engine
from mailquay.store.policies import QUOTA
from mailquay.store.types import AccountId, TenantId

__all__ = ["Administrator", "Destination", "FullAccount", "QueueDay", "Summary", "Usage"]

_DAY: Final = "interval '1 day'"
_SLICE: Final = 5_000
#: Accounts that are told by name; the rest is counted.
_FULL_TOLD: Final = 20


@dataclass(frozen=True, slots=True)
class Administrator:
    """An account that administers, and may sign in."""

    id: AccountId
    tenant_id: TenantId
    address: str


@dataclass(frozen=True, slots=True)
class QueueDay:
    """Mail to elsewhere in the last 24 hours; recipients, but for ``queued``, which is messages."""

    queued: int
    delivered: int
    failed: int


@dataclass(frozen=True, slots=True)
class Destination:
    """A domain with recipients that wait or were given up, and what its server said last."""

    domain: str
    recipients: int
    oldest_at: datetime
    last_reply: str | None


@dataclass(frozen=True, slots=True)
class FullAccount:
    """An account that has little room left."""

    address: str
    used_bytes: int
    quota_bytes: int


@dataclass(slots=True)
class Usage:
    """What all accounts take; ``full`` are the fullest of the ``full_count`` that are nearly so."""

    accounts: int = 0
    messages: int = 0
    bytes: int = 0
    full_count: int = 0
    full: list[FullAccount] = field(default_factory=list)


# Waiting ones by the partial index on what is due where there are few; held ones are few, too.
_WAITING: Final = """
    SELECT r.domain, count(*), min(m.created_at),
           (array_agg(r.last_reply ORDER BY r.last_attempt_at DESC NULLS LAST))[1]
    FROM queue_recipient r JOIN queue_message m ON m.id = r.message_id
    WHERE r.state IN ('queued', 'held') GROUP BY r.domain ORDER BY 2 DESC, 1 LIMIT $1
"""
_FAILED: Final = f"""
    SELECT r.domain, count(*), min(m.created_at),
           (array_agg(r.last_reply ORDER BY r.last_attempt_at DESC NULLS LAST))[1]
    FROM queue_recipient r JOIN queue_message m ON m.id = r.message_id
    WHERE r.state = 'failed' AND r.last_attempt_at > now() - {_DAY}
    GROUP BY r.domain ORDER BY 2 DESC, 1 LIMIT $1
"""


class Summary:
    """Numbers over all accounts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def revision(self) -> str | None:
        """The revision of the schema."""
        return (await self._engine.schema()).revision

    async def administrators(self) -> list[Administrator]:
        """Accounts with the role, active ones, by address."""
        async with self._engine.connection() as c:
            rows = await c.fetch(
                "SELECT id, tenant_id, address FROM account "
                "WHERE role = 'admin' AND state = 'active' ORDER BY address"
            )
        return [Administrator(AccountId(row[0]), TenantId(row[1]), row[2]) for row in rows]

    async def deliveries(self) -> int:
        """Messages delivered into mailboxes here in the last 24 hours, once a recipient.

        By the digests that know a repetition: what IMAP has appended is not among them, nor a
        message without a Message-ID, nor anything older than the window of repetitions. Index
        ``ix_delivered_at``.
        """
        async with self._engine.connection() as c:
            value: int = await c.fetchval(
                f"SELECT count(*) FROM delivered WHERE at > now() - {_DAY}"
            )
        return value

    async def queue_day(self) -> QueueDay:
        """What has become of mail to elsewhere in the last 24 hours."""
        async with self._engine.connection() as c:
            row = await c.fetchrow(
                f"SELECT (SELECT count(*) FROM queue_message WHERE created_at > now() - {_DAY}), "
                "count(*) FILTER (WHERE state = 'delivered'), "
                "count(*) FILTER (WHERE state = 'failed') "
                f"FROM queue_recipient WHERE last_attempt_at > now() - {_DAY}"
            )
        assert row is not None, "an aggregate gives one row"
        return QueueDay(*row.values())

    async def waiting(self, limit: int) -> list[Destination]:
        """Domains that most recipients wait or are held for."""
        return await self._destinations(_WAITING, limit)

    async def failed(self, limit: int) -> list[Destination]:
        """Domains that most recipients were given up of in the last 24 hours."""
        return await self._destinations(_FAILED, limit)

    async def _destinations(self, query: str, limit: int) -> list[Destination]:
        async with self._engine.connection() as c:
            rows = await c.fetch(query, limit)
        return [Destination(*row.values()) for row in rows]

    async def usage(self, *, default_quota_bytes: int, full_share: float) -> Usage:
        """What all accounts take, and which have used more than that share of their quota."""
        usage = Usage()
        after = 0
        while True:
            async with self._engine.connection() as c:
                rows = await c.fetch(
                    f"SELECT a.id, a.address, s.used_messages, s.used_bytes, "
                    f"coalesce({QUOTA}, $3) FROM account a "
                    "JOIN account_state s ON s.account_id = a.id "
                    "WHERE a.id > $1 ORDER BY a.id LIMIT $2",
                    after, _SLICE, default_quota_bytes,
                )  # fmt: skip
            for _, address, messages, used, quota in rows:
                usage.accounts += 1
                usage.messages += messages
                usage.bytes += used
                if quota and used > quota * full_share:
                    usage.full_count += 1
                    usage.full.append(FullAccount(address, used, quota))
            usage.full.sort(key=lambda one: -one.used_bytes / one.quota_bytes)
            del usage.full[_FULL_TOLD:]
            if len(rows) < _SLICE:
                return usage
            after = rows[-1][0]
