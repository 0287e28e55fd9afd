"""Tenants, domains, accounts and aliases: who has an address here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from mailquay.store.account_rows import insert_account, remove_account
from mailquay.store.declared import DEFAULT_TENANT
from mailquay.store.engine import Engine, affected
from mailquay.store.errors import AlreadyExists, NotFound, Refused
from mailquay.store.policies import (
    QUOTA,
    require_room_for_account,
    require_room_for_domain,
)
from mailquay.store.settings_lock import share_settings
from mailquay.store.types import AccountId, TenantId

__all__ = ["Account", "Accounts", "Alias", "Domain"]


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain whose mail is delivered here."""

    id: int
    tenant_id: TenantId
    name: str
    catch_all: str | None
    subaddress_separator: str


@dataclass(frozen=True, slots=True)
class Account:
    """Someone with mailboxes here."""

    id: AccountId
    tenant_id: TenantId
    address: str
    display_name: str
    role: str
    state: str
    password_hash: str
    scram_sha256: str
    credential_version: int
    quota_bytes: int | None
    used_bytes: int
    used_messages: int
    policy_quota_bytes: int | None = None  # of its domain or tenant

    def __repr__(self) -> str:
        """Without the credentials, which must reach no log."""
        return f"Account({self.id}, {self.address!r})"

    @property
    def is_active(self) -> bool:
        """Whether it may sign in and receive."""
        return self.state == "active"

    def effective_quota_bytes(self, default: int) -> int:
        """Its own quota, else the policy's, else the settings' ``default``; 0: none."""
        said = (self.quota_bytes, self.policy_quota_bytes, default)
        return next(value for value in said if value is not None)


@dataclass(frozen=True, slots=True)
class Alias:
    """An address whose mail goes to others."""

    address: str
    targets: tuple[str, ...]


_ACCOUNT = f"""
    SELECT a.id, a.tenant_id, a.address, a.display_name, a.role, a.state, a.password_hash,
           a.scram_sha256, a.credential_version, a.quota_bytes, s.used_bytes, s.used_messages,
           {QUOTA}
    FROM account a JOIN account_state s ON s.account_id = a.id
"""


def _account(row: asyncpg.Record) -> Account:
    return Account(*row.values())


class Accounts:
    """Domains, accounts and aliases; each call is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def tenant_id(self) -> TenantId:
        """The default tenant, made when it is not there."""
        async with self._engine.connection() as c:
            number = await c.fetchval(
                "INSERT INTO tenant (name) VALUES ($1) "
                "ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id",
                DEFAULT_TENANT,
            )
        return TenantId(number)

    async def add_domain(self, name: str, *, catch_all: str | None = None) -> Domain:
        """Add a domain; ``name`` in A-labels, lower case.

        Raises:
            AlreadyExists: it is there.
            LimitReached: the tenant has as many as it may.
        """
        tenant = await self.tenant_id()
        try:
            async with self._engine.transaction() as c:
                await share_settings(c)
                await require_room_for_domain(c, tenant)
                row = await c.fetchrow(
                    "INSERT INTO domain (tenant_id, name, catch_all) VALUES ($1, $2, $3) "
                    "RETURNING id, tenant_id, name, catch_all, subaddress_separator",
                    tenant, name, catch_all,
                )  # fmt: skip
        except asyncpg.UniqueViolationError as error:
            raise AlreadyExists(f"the domain {name} is there already") from error
        assert row is not None, "INSERT … RETURNING gives a row"
        return Domain(*row.values())

    async def list_domains(self) -> list[Domain]:
        """All domains by name."""
        async with self._engine.connection() as c:
            rows = await c.fetch(
                "SELECT id, tenant_id, name, catch_all, subaddress_separator FROM domain "
                "ORDER BY name"
            )
        return [Domain(*row.values()) for row in rows]

    async def get_domain(self, name: str) -> Domain:
        """One domain.

        Raises:
            NotFound: there is none of that name.
        """
        async with self._engine.connection() as c:
            row = await c.fetchrow(
                "SELECT id, tenant_id, name, catch_all, subaddress_separator FROM domain "
                "WHERE name = $1",
                name,
            )
        if row is None:
            raise NotFound(f"there is no domain {name}")
        return Domain(*row.values())

    async def set_catch_all(self, name: str, catch_all: str | None) -> None:
        """Set where unknown recipients of a domain go; None refuses them.

        Raises:
            NotFound: there is no such domain.
        """
        async with self._engine.connection() as c:
            status = await c.execute(
                "UPDATE domain SET catch_all = $2 WHERE name = $1", name, catch_all
            )
        if not affected(status):
            raise NotFound(f"there is no domain {name}")

    async def remove_domain(self, name: str) -> None:
        """Remove a domain that has no accounts; its aliases go with it.

        Raises:
            NotFound: there is no such domain.
            Refused: accounts are left in it.
        """
        try:
            async with self._engine.transaction() as c:
                await share_settings(c)
                await c.execute("DELETE FROM alias WHERE split_part(address, '@', -1) = $1", name)
                status = await c.execute("DELETE FROM domain WHERE name = $1", name)
                if not affected(status):
                    raise NotFound(f"there is no domain {name}")
        except asyncpg.ForeignKeyViolationError as error:
            raise Refused(f"the domain {name} still has accounts") from error

    async def add(
        self,
        address: str,
        password_hash: str,
        scram_sha256: str,
        *,
        display_name: str = "",
        role: str = "user",
        quota_bytes: int | None = None,
    ) -> Account:
        """Add an account with its first mailboxes and its identity.

        Args:
            address: normalised; its domain must be here.
            password_hash: Argon2id.
            scram_sha256: RFC 5803's form.
            display_name: as it stands in From fields.
            role: ``user`` or ``admin``.
            quota_bytes: None for the policy's default, 0 for none.

        Raises:
            NotFound: the domain is not served here.
            AlreadyExists: the address is an account's or an alias already.
            LimitReached: the domain or its tenant has as many as it may.
        """
        domain = await self.get_domain(address.rpartition("@")[2])
        try:
            async with self._engine.transaction() as c:
                await share_settings(c)
                if await c.fetchval("SELECT 1 FROM alias WHERE address = $1", address):
                    raise AlreadyExists(f"{address} is an alias")
                await require_room_for_account(c, domain.id)
                account_id = await insert_account(
                    c, address, (password_hash, scram_sha256), tenant_id=domain.tenant_id,
                    domain_id=domain.id, display_name=display_name, role=role,
                    quota_bytes=quota_bytes,
                )  # fmt: skip
                row = await c.fetchrow(f"{_ACCOUNT} WHERE a.id = $1", account_id)
        except asyncpg.UniqueViolationError as error:
            raise AlreadyExists(f"the account {address} is there already") from error
        assert row is not None, "the row was just inserted"
        return _account(row)

    async def find(self, address: str) -> Account | None:
        """The account with that address, aliases not followed. One round trip."""
        async with self._engine.connection() as c:
            row = await c.fetchrow(f"{_ACCOUNT} WHERE a.address = $1", address)
        return None if row is None else _account(row)

    async def get(self, account_id: AccountId) -> Account:
        """One account.

        Raises:
            NotFound: it is gone.
        """
        async with self._engine.connection() as c:
            row = await c.fetchrow(f"{_ACCOUNT} WHERE a.id = $1", account_id)
        if row is None:
            raise NotFound(f"there is no account {account_id}")
        return _account(row)

    async def by_address(self, address: str) -> Account:
        """The account with that address.

        Raises:
            NotFound: there is none.
        """
        if (account := await self.find(address)) is None:
            raise NotFound(f"there is no account {address}")
        return account

    async def list_accounts(self, domain: str | None = None) -> list[Account]:
        """All accounts by address, or those of one domain."""
        async with self._engine.connection() as c:
            rows = await c.fetch(
                f"{_ACCOUNT} WHERE $1::text IS NULL "
                "OR a.domain_id = (SELECT id FROM domain WHERE name = $1) ORDER BY a.address",
                domain,
            )
        return [_account(row) for row in rows]

    async def set_password(self, address: str, password_hash: str, scram_sha256: str) -> Account:
        """Replace the password; what was signed in with the old one is void.

        Raises:
            NotFound: there is no such account.
        """
        return await self._update(
            address,
            "password_hash = $2, scram_sha256 = $3, credential_version = credential_version + 1",
            password_hash,
            scram_sha256,
        )

    async def set_state(self, address: str, state: str) -> Account:
        """Make an account ``active`` or ``disabled``.

        Raises:
            NotFound: there is no such account.
        """
        return await self._update(
            address, "state = $2, credential_version = credential_version + 1", state
        )

    async def set_quota(self, address: str, quota_bytes: int | None) -> Account:
        """Set the quota in bytes; 0 for none, None for the default.

        Raises:
            NotFound: there is no such account.
        """
        return await self._update(address, "quota_bytes = $2", quota_bytes)

    async def _update(self, address: str, assignments: str, *values: Any) -> Account:
        async with self._engine.connection() as c:
            # The assignments are written above, never by a user.
            number = await c.fetchval(
                f"UPDATE account SET {assignments} WHERE address = $1 RETURNING id",
                address,
                *values,
            )
        if number is None:
            raise NotFound(f"there is no account {address}")
        return await self.get(AccountId(number))

    async def remove(self, address: str) -> AccountId:
        """Remove an account with all its mail; its bytes are collected after the grace period.

        Raises:
            NotFound: there is no such account.
        """
        async with self._engine.transaction() as c:
            await share_settings(c)
            return await remove_account(c, address)

    async def add_alias(self, address: str, targets: Sequence[str]) -> Alias:
        """Send an address' mail to others, here or elsewhere; adds to what is there.

        Raises:
            AlreadyExists: the address is an account's.
            NotFound: its domain is not served here.
        """
        domain = await self.get_domain(address.rpartition("@")[2])
        async with self._engine.transaction() as c:
            await share_settings(c)
            if await c.fetchval("SELECT 1 FROM account WHERE address = $1", address):
                raise AlreadyExists(f"{address} is an account")
            await c.executemany(
                "INSERT INTO alias (tenant_id, address, target) VALUES ($1, $2, $3) "
                "ON CONFLICT DO NOTHING",
                [(domain.tenant_id, address, target) for target in targets],
            )
        return next(alias for alias in await self.list_aliases() if alias.address == address)

    async def list_aliases(self) -> list[Alias]:
        """All aliases by address."""
        async with self._engine.connection() as c:
            rows = await c.fetch(
                "SELECT address, array_agg(target ORDER BY target) FROM alias "
                "GROUP BY address ORDER BY address"
            )
        return [Alias(row[0], tuple(row[1])) for row in rows]

    async def remove_alias(self, address: str, target: str | None = None) -> None:
        """Remove an alias, or one of its targets.

        Raises:
            NotFound: there is none.
        """
        async with self._engine.connection() as c:
            status = await c.execute(
                "DELETE FROM alias WHERE address = $1 AND ($2::text IS NULL OR target = $2)",
                address, target,
            )  # fmt: skip
        if not affected(status):
            raise NotFound(f"there is no alias {address}")
