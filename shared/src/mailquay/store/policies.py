"""What tenants and domains grant: read where it is enforced, the domain's word before its tenant's.

==================== ==========================================================
default quota        `deliveries`, `recipients` and `accounts`, by `QUOTA` here
accounts, domains    `accounts`, as they are added; `declared.planner`
sending              whoever takes a submission, by `Policies`
==================== ==========================================================
"""

from dataclasses import dataclass
from typing import Final

from mailquay.store.engine import Connection, Engine
from mailquay.store.errors import LimitReached
from mailquay.store.types import AccountId

__all__ = [
    "QUOTA", "Policies", "SendingPolicy", "require_room_for_account", "require_room_for_domain",
]  # fmt: skip

#: The quota of an account ``a`` in bytes, 0 for none; NULL where only the settings say one. Looked
#: up where it has none of its own.
QUOTA: Final = """coalesce(a.quota_bytes, (
        SELECT coalesce(pd.default_quota_bytes, pt.default_quota_bytes)
        FROM domain pd JOIN tenant pt ON pt.id = pd.tenant_id WHERE pd.id = a.domain_id
    ))"""

# The rows that are counted by are locked, so that two who add at once are one too many.
_LIMITS: Final = """
    SELECT d.name, d.max_accounts, t.name, t.max_accounts,
           (SELECT count(*) FROM account a WHERE a.domain_id = d.id),
           (SELECT count(*) FROM account a WHERE a.tenant_id = t.id)
    FROM domain d JOIN tenant t ON t.id = d.tenant_id WHERE d.id = $1
"""
_LOCK: Final = """
    SELECT FROM domain d JOIN tenant t ON t.id = d.tenant_id WHERE d.id = $1
    FOR NO KEY UPDATE OF d, t
"""

# One row an account: its window begins with the first message after the last one has ended.
_COUNT: Final = """
    INSERT INTO sending AS s (account_id, since, recipients)
    SELECT $1, now(), $2::int WHERE $2::int <= $3::int
    ON CONFLICT (account_id) DO UPDATE SET
        since = CASE WHEN s.since <= now() - interval '1 day' THEN now() ELSE s.since END,
        recipients = $2::int + CASE WHEN s.since <= now() - interval '1 day' THEN 0
                               ELSE s.recipients END
    WHERE $2::int + CASE WHEN s.since <= now() - interval '1 day' THEN 0
                    ELSE s.recipients END <= $3::int
    RETURNING recipients
"""


async def require_room_for_account(c: Connection, domain_id: int) -> None:
    """Refuse an account too many; holds off others who add, until the transaction ends.

    Raises:
        LimitReached: the domain or its tenant has as many as it may.
    """
    await c.execute(_LOCK, domain_id)
    row = await c.fetchrow(_LIMITS, domain_id)
    assert row is not None, "the domain was just found"
    domain, domain_max, tenant, tenant_max, in_domain, in_tenant = row
    if domain_max is not None and in_domain >= domain_max:
        raise LimitReached(f"the domain {domain} may have {domain_max} accounts, and has them")
    if tenant_max is not None and in_tenant >= tenant_max:
        raise LimitReached(f"the tenant {tenant} may have {tenant_max} accounts, and has them")


async def require_room_for_domain(c: Connection, tenant_id: int) -> None:
    """Refuse a domain too many; holds off others who add, until the transaction ends.

    Raises:
        LimitReached: the tenant has as many as it may.
    """
    row = await c.fetchrow(
        "SELECT name, max_domains FROM tenant WHERE id = $1 FOR NO KEY UPDATE", tenant_id
    )
    assert row is not None, "the tenant was just found"
    if row[1] is None:
        return
    count = await c.fetchval("SELECT count(*) FROM domain WHERE tenant_id = $1", tenant_id)
    if count >= row[1]:
        raise LimitReached(f"the tenant {row[0]} may have {row[1]} domains, and has them")


@dataclass(frozen=True, slots=True)
class SendingPolicy:
    """What an account may send; None: without a limit but the server's."""

    outbound: bool = True
    max_message_bytes: int | None = None
    max_recipients_per_day: int | None = None

    def message_limit(self, server_limit: int) -> int:
        """The largest message in bytes, where the server takes none above ``server_limit``."""
        own = self.max_message_bytes
        return server_limit if own is None else min(own, server_limit)


class Policies:
    """What accounts may send, and what they have sent."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def sending(self, account_id: AccountId) -> SendingPolicy:
        """An account's policy as it is now. One round trip, by primary keys."""
        async with self._engine.connection() as c:
            row = await c.fetchrow(
                "SELECT coalesce(d.outbound, t.outbound, true), "
                "coalesce(d.max_message_bytes, t.max_message_bytes), "
                "coalesce(d.max_recipients_per_day, t.max_recipients_per_day) "
                "FROM account a JOIN domain d ON d.id = a.domain_id "
                "JOIN tenant t ON t.id = d.tenant_id WHERE a.id = $1",
                account_id,
            )
        return SendingPolicy() if row is None else SendingPolicy(*row.values())

    async def take_recipients(self, account_id: AccountId, count: int, *, limit: int) -> bool:
        """Count recipients of a message that is about to be taken; False: it would be too many.

        Whoever asks at the same time, on whatever machine, is counted one after the other.
        """
        async with self._engine.connection() as c:
            return await c.fetchval(_COUNT, account_id, count, limit) is not None

    async def give_back_recipients(self, account_id: AccountId, count: int) -> None:
        """The message was not taken after all."""
        async with self._engine.connection() as c:
            await c.execute(
                "UPDATE sending SET recipients = greatest(0, recipients - $2) "
                "WHERE account_id = $1",
                account_id, count,
            )  # fmt: skip
