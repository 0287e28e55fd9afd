"""Reads all mail settings, and writes changes of them in one transaction, one process at a time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import asyncpg

from mailquay.store.account_rows import insert_account, remove_account
from mailquay.store.declared import (
    DEFAULT_TENANT,
    Declared,
    DeclaredAccount,
    DeclaredAlias,
    DeclaredDomain,
    DeclaredRelay,
    DeclaredTenant,
    Item,
    Kind,
    Policy,
    Ref,
)
from mailquay.store.engine import Connection, Engine
from mailquay.store.settings_lock import lock_settings
from mailquay.store.types import AccountId

__all__ = ["Declarations", "DeclarationsWriter", "Revoked", "StoredPassword"]

#: Argon2id and the RFC 5803 form; "" each: none.
StoredPassword = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Revoked:
    """What an account was signed in with under a lower version is void."""

    account_id: AccountId
    credential_version: int


_POLICY: Final = (
    "default_quota_bytes", "max_accounts", "max_message_bytes", "max_recipients_per_day",
    "outbound",
)  # fmt: skip
_MANAGED: Final = "apply"
_PRUNED: Final = "pruned"
_TABLES: Final = {kind: kind.value for kind in Kind}
_KEYS: Final = {
    Kind.TENANT: "name", Kind.DOMAIN: "name", Kind.ACCOUNT: "address", Kind.ALIAS: "address",
    Kind.RELAY: "name",
}  # fmt: skip


class Declarations:
    """The mail settings as a whole."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def read(self) -> Declared:
        """All of it, as it stands at one moment. One query a table."""
        async with self._engine.transaction() as c:
            await c.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            return await _read(c)

    async def password_hashes(self, addresses: list[str]) -> dict[str, str]:
        """What is stored of these accounts' passwords; "" for none."""
        async with self._engine.connection() as c:
            rows = await c.fetch(
                "SELECT address, password_hash FROM account WHERE address = ANY($1::text[])",
                addresses,
            )
        return {row[0]: row[1] for row in rows}

    @asynccontextmanager
    async def write(self) -> AsyncIterator["DeclarationsWriter"]:
        """One transaction, in which nobody else changes these settings.

        Raises:
            StoreUnavailable: another took too long over it, or Postgres is away; nothing is known
                of the outcome when it was the commit that failed.
        """
        async with self._engine.transaction() as c:
            await lock_settings(c)
            yield DeclarationsWriter(c)


class DeclarationsWriter:
    """Changes within one transaction; the caller has seen to it that each makes sense."""

    def __init__(self, connection: Connection) -> None:
        self._c = connection

    async def read(self) -> Declared:
        """All of it, as it stands now."""
        return await _read(self._c)

    async def adopt(self, refs: list[Ref]) -> None:
        """Note that a file looks after these from now on."""
        for kind in Kind:
            names = [ref.name for ref in refs if ref.kind is kind]
            if names:
                await self._ensure_default_tenant(kind, names)
                await self._c.execute(
                    f"UPDATE {_TABLES[kind]} SET managed_by = $2 "
                    f"WHERE {_KEYS[kind]} = ANY($1::text[])",
                    names, _MANAGED,
                )  # fmt: skip

    async def _ensure_default_tenant(self, kind: Kind, names: list[str]) -> None:
        """It is always there for whoever reads, and has a row when it is first needed."""
        if kind is Kind.TENANT and DEFAULT_TENANT in names:
            await self._tenant_id(DEFAULT_TENANT)

    async def put(
        self, item: Item, *, is_new: bool, password: StoredPassword | None = None
    ) -> Revoked | None:
        """Make an item, or bring it to what it is to be; of an account, what is void by that."""
        match item:
            case DeclaredTenant():
                await self._put_tenant(item)
            case DeclaredDomain():
                await self._put_domain(item, is_new=is_new)
            case DeclaredAccount():
                return await self._put_account(item, password, is_new=is_new)
            case DeclaredAlias():
                await self._put_alias(item)
            case DeclaredRelay():
                await self._put_relay(item)
        return None

    async def rename_tenant(self, old: str, new: str) -> None:
        """Give a tenant another name."""
        await self._tenant_id(old)
        await self._c.execute(
            "UPDATE tenant SET name = $2, managed_by = $3 WHERE name = $1", old, new, _MANAGED
        )

    async def prune_account(self, address: str) -> Revoked:
        """Disable an account as its file names it no more."""
        row = await self._c.fetchrow(
            "UPDATE account SET state = 'disabled', managed_by = $2, "
            "credential_version = credential_version + 1 WHERE address = $1 "
            "RETURNING id, credential_version",
            address, _PRUNED,
        )  # fmt: skip
        return _revoked(row)

    async def remove(self, ref: Ref) -> Revoked | None:
        """Remove an item, an account with all its mail; of that, what is void by it."""
        if ref.kind is Kind.ACCOUNT:
            row = await self._c.fetchrow(
                "UPDATE account SET credential_version = credential_version + 1 "
                "WHERE address = $1 RETURNING id, credential_version",
                ref.name,
            )
            await remove_account(self._c, ref.name)
            return _revoked(row)
        await self._c.execute(
            f"DELETE FROM {_TABLES[ref.kind]} WHERE {_KEYS[ref.kind]} = $1", ref.name
        )
        return None

    async def _tenant_id(self, name: str) -> int:
        number: int | None = await self._c.fetchval("SELECT id FROM tenant WHERE name = $1", name)
        if number is None:
            number = await self._c.fetchval(
                "INSERT INTO tenant (name) VALUES ($1) RETURNING id", name
            )
        assert number is not None, "INSERT … RETURNING gives a row"
        return number

    async def _put_tenant(self, item: DeclaredTenant) -> None:
        number = await self._tenant_id(item.name)
        await self._c.execute(
            "UPDATE tenant SET managed_by = $2, max_domains = $3, "
            f"{_assignments(_POLICY, first=4)} WHERE id = $1",
            number, _MANAGED, item.max_domains, *_policy_values(item.policy),
        )  # fmt: skip

    async def _put_domain(self, item: DeclaredDomain, *, is_new: bool) -> None:
        tenant = await self._tenant_id(item.tenant)
        if is_new:
            await self._c.execute(
                "INSERT INTO domain (tenant_id, name) VALUES ($1, $2)", tenant, item.name
            )
        await self._c.execute(
            "UPDATE domain SET tenant_id = $2, managed_by = $3, catch_all = $4, "
            f"subaddress_separator = $5, {_assignments(_POLICY, first=6)} WHERE name = $1",
            item.name, tenant, _MANAGED, item.catch_all, item.subaddress_separator,
            *_policy_values(item.policy),
        )  # fmt: skip
        await self._c.execute(
            "UPDATE alias SET tenant_id = $2 "
            "WHERE split_part(address, '@', -1) = $1 AND tenant_id <> $2",
            item.name, tenant,
        )  # fmt: skip

    async def _put_account(
        self, item: DeclaredAccount, password: StoredPassword | None, *, is_new: bool
    ) -> Revoked:
        if is_new:
            domain = await self._c.fetchrow(
                "SELECT id, tenant_id FROM domain WHERE name = $1", item.ref.domain
            )
            assert domain is not None, "the domain comes before its accounts"
            stored = password or ("", "")
            await insert_account(
                self._c, item.address, stored, tenant_id=domain[1], domain_id=domain[0],
                display_name=item.display_name, role=item.role, quota_bytes=item.quota,
            )  # fmt: skip
            password = None
        row = await self._c.fetchrow(
            "UPDATE account SET display_name = $2, role = $3, state = coalesce($4, state), "
            "quota_bytes = $5, managed_by = $6, password_hash = coalesce($7, password_hash), "
            "scram_sha256 = coalesce($8, scram_sha256), "
            # What was signed in before a change of password, state or role is void.
            "credential_version = credential_version + (($7 IS NOT NULL "
            "OR coalesce($4, state) <> state OR $3 <> role)::int) "
            "WHERE address = $1 RETURNING id, credential_version",
            item.address, item.display_name, item.role, item.state, item.quota, _MANAGED,
            *(password or (None, None)),
        )  # fmt: skip
        return _revoked(row)

    async def _put_alias(self, item: DeclaredAlias) -> None:
        tenant = await self._c.fetchval(
            "SELECT tenant_id FROM domain WHERE name = $1", item.ref.domain
        )
        await self._c.execute(
            "DELETE FROM alias WHERE address = $1 AND target <> ALL($2::text[])",
            item.address, item.targets,
        )  # fmt: skip
        await self._c.execute(
            "INSERT INTO alias (tenant_id, address, target, managed_by) "
            "SELECT $1, $2, unnest($3::text[]), $4 "
            "ON CONFLICT (address, target) DO UPDATE SET managed_by = excluded.managed_by",
            tenant, item.address, item.targets, _MANAGED,
        )  # fmt: skip

    async def _put_relay(self, item: DeclaredRelay) -> None:
        tenant = None if item.tenant is None else await self._tenant_id(item.tenant)
        await self._c.execute(
            "INSERT INTO relay (name, tenant_id, recipient_domain, sender_domain, action, host, "
            "port, tls, username, password_file, password_env, managed_by) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) "
            "ON CONFLICT (name) DO UPDATE SET tenant_id = excluded.tenant_id, "
            "recipient_domain = excluded.recipient_domain, "
            "sender_domain = excluded.sender_domain, action = excluded.action, "
            "host = excluded.host, port = excluded.port, tls = excluded.tls, "
            "username = excluded.username, password_file = excluded.password_file, "
            "password_env = excluded.password_env, managed_by = excluded.managed_by",
            item.name, tenant, item.recipient_domain, item.sender_domain, item.action, item.host,
            item.port, item.tls, item.username, item.password_file, item.password_env, _MANAGED,
        )  # fmt: skip


def _revoked(row: asyncpg.Record | None) -> Revoked:
    assert row is not None, "the account was seen under the same lock"
    return Revoked(AccountId(row[0]), row[1])


def _assignments(columns: tuple[str, ...], *, first: int) -> str:
    return ", ".join(f"{name} = ${first + index}" for index, name in enumerate(columns))


def _policy_values(policy: Policy) -> tuple[object, ...]:
    return (
        policy.default_quota, policy.max_accounts, policy.max_message_size,
        policy.max_recipients_per_day, policy.outbound,
    )  # fmt: skip


async def _read(c: Connection) -> Declared:
    items: list[Item] = []
    marks: dict[Ref, str] = {}

    def add(item: Item, mark: str | None) -> None:
        items.append(item)
        if mark is not None:
            marks[item.ref] = mark

    policy = ", ".join(f"{{0}}.{name}" for name in _POLICY)
    for row in await c.fetch(
        f"SELECT name, max_domains, managed_by, {policy.format('tenant')} FROM tenant"
    ):
        add(DeclaredTenant(row[0], row[1], Policy(*tuple(row)[3:])), row[2])
    for row in await c.fetch(
        "SELECT d.name, t.name, d.catch_all, d.subaddress_separator, d.managed_by, "
        f"{policy.format('d')} FROM domain d JOIN tenant t ON t.id = d.tenant_id"
    ):
        add(DeclaredDomain(row[0], row[1], row[2], row[3], Policy(*tuple(row)[5:])), row[4])
    for row in await c.fetch(
        "SELECT address, display_name, role, state, quota_bytes, password_hash <> '', "
        # Whom somebody has enabled by hand since then is theirs, and no file's.
        "CASE WHEN managed_by = 'pruned' AND state = 'active' THEN NULL ELSE managed_by END "
        "FROM account"
    ):
        add(DeclaredAccount(*tuple(row)[:6]), row[6])
    for row in await c.fetch(
        'SELECT address, array_agg(target ORDER BY target COLLATE "C"), '
        "CASE WHEN bool_and(managed_by IS NOT NULL) THEN min(managed_by) END "
        "FROM alias GROUP BY address"
    ):
        add(DeclaredAlias(row[0], tuple(row[1])), row[2])
    for row in await c.fetch(
        "SELECT r.name, t.name, recipient_domain, sender_domain, action, host, port, tls, "
        "username, password_file, password_env, r.managed_by "
        "FROM relay r LEFT JOIN tenant t ON t.id = r.tenant_id"
    ):
        add(DeclaredRelay(*tuple(row)[:11]), row[11])
    return Declared.of(
        items,
        managed=(ref for ref, mark in marks.items() if mark == _MANAGED),
        pruned=(ref for ref, mark in marks.items() if mark == _PRUNED),
    )
