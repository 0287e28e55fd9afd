"""Whom an envelope's recipient address means: accounts, aliases, subaddresses, catch-all."""

from dataclasses import dataclass

from mailquay.store.engine import Connection, Engine
from mailquay.store.policies import QUOTA
from mailquay.store.types import AccountId, TenantId

__all__ = ["LocalTarget", "Recipients", "RemoteTarget", "Resolution"]

#: Aliases of aliases; more is a loop or a mistake.
DEPTH_MAX = 10
TARGETS_MAX = 1000


@dataclass(frozen=True, slots=True)
class LocalTarget:
    """An account here."""

    account_id: AccountId
    tenant_id: TenantId
    address: str
    is_active: bool
    quota_bytes: int | None
    used_bytes: int


@dataclass(frozen=True, slots=True)
class RemoteTarget:
    """An address elsewhere, which an alias here points to."""

    address: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """What an address means. ``is_local_domain`` False: the address is not ours at all."""

    is_local_domain: bool
    tenant_id: TenantId | None
    targets: tuple[LocalTarget | RemoteTarget, ...]


# The address itself, then without its subaddress, in one look: the longest match wins.
_LOOK_UP = f"""
    SELECT d.tenant_id, d.catch_all, d.subaddress_separator,
           a.id, a.address, a.state, {QUOTA}, s.used_bytes,
           (SELECT array_agg(target) FROM alias WHERE address = $1)
    FROM domain d
    LEFT JOIN account a ON a.address = $1
    LEFT JOIN account_state s ON s.account_id = a.id
    WHERE d.name = $2
"""

# Whoever administers: a tenant's, or for no tenant those of the first that has any.
_ADMINISTRATORS = f"""
    SELECT a.id, a.tenant_id, a.address, {QUOTA}, s.used_bytes
    FROM account a JOIN account_state s ON s.account_id = a.id
    WHERE a.role = 'admin' AND a.state = 'active' AND a.tenant_id = coalesce($1, (
        SELECT min(tenant_id) FROM account WHERE role = 'admin' AND state = 'active'
    ))
    ORDER BY a.id LIMIT 10
"""


class Recipients:
    """Resolves recipients; nothing is cached here."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def resolve(self, address: str) -> Resolution:
        """Resolve a normalised address; one round trip where it is an account's own.

        A domain that is ours with no targets means that the user is unknown. A postmaster whom
        nobody has set up is the administrators (RFC 5321 §4.5.1).
        """
        async with self._engine.connection() as c:
            found: dict[str, LocalTarget | RemoteTarget] = {}
            seen: set[str] = set()
            first = await self._step(c, address, found, seen, 0)
            if first is None:
                return Resolution(False, None, ())
            if not found and address.startswith("postmaster@"):
                return await self._administrators(c, first)
        return Resolution(True, first, tuple(found.values()))

    async def postmaster(self) -> Resolution:
        """Who reads what is sent to the postmaster of no domain."""
        async with self._engine.connection() as c:
            return await self._administrators(c, None)

    async def _administrators(self, c: Connection, tenant_id: TenantId | None) -> Resolution:
        rows = await c.fetch(_ADMINISTRATORS, tenant_id)
        targets = tuple(
            LocalTarget(AccountId(row[0]), TenantId(row[1]), row[2], True, row[3], row[4])
            for row in rows
        )
        return Resolution(True, targets[0].tenant_id if targets else tenant_id, targets)

    async def _step(
        self,
        c: Connection,
        address: str,
        found: dict[str, LocalTarget | RemoteTarget],
        seen: set[str],
        depth: int,
    ) -> TenantId | None:
        """Add what an address means to ``found``; return its domain's tenant, None if foreign."""
        local, _, domain = address.rpartition("@")
        row = await c.fetchrow(_LOOK_UP, address, domain)
        if row is None:
            if depth:
                found[address] = RemoteTarget(address)
            return None
        seen.add(address)
        tenant = TenantId(row[0])
        targets: list[str] = []
        if row[3] is not None:
            found[row[4]] = LocalTarget(
                AccountId(row[3]), tenant, row[4], row[5] == "active", row[6], row[7]
            )
        elif row[8]:
            targets = row[8]
        elif row[2] and row[2] in local[1:]:
            # Without its detail (RFC 5233) it may be someone, or what the catch-all is for.
            targets = [f"{local[: local.index(row[2], 1)]}@{domain}"]
        elif row[1]:
            targets = [row[1]]
        for target in targets:
            if target not in seen and depth < DEPTH_MAX and len(found) < TARGETS_MAX:
                await self._step(c, target, found, seen, depth + 1)
        return tenant
