"""Identities: as whom an account writes (RFC 8621 §6)."""

import json
from dataclasses import dataclass
from typing import Any

import asyncpg

from mailquay.store.engine import Engine
from mailquay.store.errors import NotFound, OverQuota
from mailquay.store.places import take_modseq
from mailquay.store.tracked import TrackedChanges, tracked_changes
from mailquay.store.types import AccountId, ModSeq

__all__ = ["Identities", "Identity"]


@dataclass(frozen=True, slots=True)
class Identity:
    """A name and an address to write from; ``reply_to`` and ``bcc`` are JMAP EmailAddress lists."""

    id: int
    name: str
    email: str
    reply_to: list[dict[str, Any]] | None
    bcc: list[dict[str, Any]] | None
    text_signature: str
    html_signature: str


_COLUMNS = "id, name, email, reply_to, bcc, text_signature, html_signature"
#: What a client may set.
SETTABLE = ("name", "reply_to", "bcc", "text_signature", "html_signature")


def _identity(row: asyncpg.Record) -> Identity:
    return Identity(
        row[0], row[1], row[2], _read(row[3]), _read(row[4]), row[5], row[6]
    )  # fmt: skip


def _read(value: str | None) -> Any:
    return None if value is None else json.loads(value)


def _write(value: object) -> object:
    return json.dumps(value) if isinstance(value, list) else value


# The address itself, and without its detail (RFC 5233).
_MAY_SEND_AS = """
    WITH own AS (
        SELECT $2::text AS address
        UNION ALL
        SELECT split_part($3, subaddress_separator, 1) || '@' || name FROM domain
        WHERE name = $4 AND subaddress_separator <> ''
    )
    SELECT 1 FROM account a JOIN own ON own.address = a.address WHERE a.id = $1
    UNION ALL
    SELECT 1 FROM account a JOIN alias x ON x.target = a.address
        JOIN own ON own.address = x.address WHERE a.id = $1
    LIMIT 1
"""


class Identities:
    """An account's identities; each call is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def list_identities(self, account_id: AccountId) -> list[Identity]:
        """All of an account's, the first made first."""
        async with self._engine.connection() as c:
            rows = await c.fetch(
                f"SELECT {_COLUMNS} FROM identity "
                "WHERE account_id = $1 AND NOT removed ORDER BY id",
                account_id,
            )
        return [_identity(row) for row in rows]

    async def may_send_as(self, account_id: AccountId, address: str) -> bool:
        """Whether an address is the account's own.

        That is its address, or an alias that leads to it, with or without a subaddress.
        """
        local, _, domain = address.rpartition("@")
        async with self._engine.connection() as c:
            found = await c.fetchval(_MAY_SEND_AS, account_id, address, local, domain)
        return found is not None

    async def add(
        self, account_id: AccountId, email: str, values: dict[str, Any], *, limit: int
    ) -> Identity:
        """Make an identity; ``values`` by `SETTABLE`'s names.

        Raises:
            OverQuota: the account has ``limit`` of them.
        """
        async with self._engine.transaction() as c:
            modseq = await take_modseq(c, account_id)
            count: int = await c.fetchval(
                "SELECT count(*) FROM identity WHERE account_id = $1 AND NOT removed", account_id
            )
            if count >= limit:
                raise OverQuota(f"an account has {limit} identities at most")
            row = await c.fetchrow(
                "INSERT INTO identity (account_id, name, email, reply_to, bcc, text_signature, "
                "html_signature, created_modseq, modseq) "
                "VALUES ($1, $2, $3, $4::jsonb, $5::jsonb, $6, $7, $8, $8) "
                f"RETURNING {_COLUMNS}",
                account_id, values.get("name", ""), email, _write(values.get("reply_to")),
                _write(values.get("bcc")), values.get("text_signature", ""),
                values.get("html_signature", ""), modseq,
            )  # fmt: skip
        assert row is not None, "INSERT … RETURNING gives a row"
        return _identity(row)

    async def update(
        self, account_id: AccountId, identity_id: int, values: dict[str, Any]
    ) -> ModSeq:
        """Change an identity.

        Raises:
            NotFound: it is not there.
        """
        unknown = set(values) - set(SETTABLE)
        assert not unknown, f"not settable: {unknown}"
        async with self._engine.transaction() as c:
            modseq = await take_modseq(c, account_id)
            row = await c.fetchrow(
                f"SELECT {_COLUMNS} FROM identity "
                "WHERE account_id = $1 AND id = $2 AND NOT removed FOR UPDATE",
                account_id, identity_id,
            )  # fmt: skip
            if row is None:
                raise NotFound("there is no such identity")
            merged = {name: values.get(name, row[name]) for name in SETTABLE}
            await c.execute(
                "UPDATE identity SET name = $3, reply_to = $4::jsonb, bcc = $5::jsonb, "
                "text_signature = $6, html_signature = $7, modseq = $8 "
                "WHERE account_id = $1 AND id = $2",
                account_id, identity_id, *(_write(merged[name]) for name in SETTABLE), modseq,
            )  # fmt: skip
        return modseq

    async def remove(self, account_id: AccountId, identity_id: int) -> ModSeq:
        """Remove an identity.

        Raises:
            NotFound: it is not there.
        """
        async with self._engine.transaction() as c:
            modseq = await take_modseq(c, account_id)
            number = await c.fetchval(
                "UPDATE identity SET removed = true, removed_at = now(), modseq = $3 "
                "WHERE account_id = $1 AND id = $2 AND NOT removed RETURNING id",
                account_id, identity_id, modseq,
            )  # fmt: skip
            if number is None:
                raise NotFound("there is no such identity")
        return modseq

    async def changes(self, account_id: AccountId, since: int, limit: int) -> TrackedChanges:
        """At most ``limit`` identities that are not as they were.

        Raises:
            Forgotten: tombstones since then were trimmed.
        """
        async with self._engine.transaction() as c:
            return await tracked_changes(c, "identity", account_id, since, limit)
