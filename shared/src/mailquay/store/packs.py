"""Which objects of the blob store the database knows, and which nothing refers to any more."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from mailquay.store.deliveries import PackRow
from mailquay.store.engine import Engine, affected
from mailquay.store.types import TenantId

__all__ = ["PackUse", "Packs", "StoredBody"]


@dataclass(frozen=True, slots=True)
class PackUse:
    """A pack, and how many bytes of it something still refers to."""

    id: UUID
    tenant_id: TenantId
    size: int
    live_bytes: int


@dataclass(frozen=True, slots=True)
class StoredBody:
    """Where a body lies; for `mailquay blobs check`."""

    pack_id: UUID
    tenant_id: TenantId
    pack_offset: int
    stored_length: int
    size: int
    sha256: bytes
    codec: int
    owner: str


_REFERENCES = """
    SELECT pack_id, pack_offset, stored_length FROM email WHERE pack_id = ANY($1::uuid[])
    UNION SELECT pack_id, pack_offset, stored_length FROM queue_message
        WHERE pack_id = ANY($1::uuid[])
    UNION SELECT pack_id, pack_offset, stored_length FROM upload WHERE pack_id = ANY($1::uuid[])
"""


class Packs:
    """Objects by their ids."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def add(self, pack: PackRow) -> None:
        """Record an object that was written for something other than a delivery."""
        async with self._engine.connection() as c:
            await c.execute(
                "INSERT INTO pack (id, tenant_id, size, messages) VALUES ($1, $2, $3, $4)",
                pack.id, pack.tenant_id, pack.size, pack.messages,
            )  # fmt: skip

    async def page(self, after: UUID | None, limit: int) -> list[PackUse]:
        """Packs by id after that one, with the bytes that are referred to."""
        async with self._engine.connection() as c:
            rows = await c.fetch(
                "SELECT id, tenant_id, size FROM pack "
                "WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2",
                after, limit,
            )  # fmt: skip
            live = await c.fetch(
                f"SELECT pack_id, sum(stored_length)::bigint FROM ({_REFERENCES}) r GROUP BY 1",
                [row[0] for row in rows],
            )
        used = {row[0]: row[1] for row in live}
        return [PackUse(row[0], TenantId(row[1]), row[2], used.get(row[0], 0)) for row in rows]

    async def bodies(self, ids: Sequence[UUID]) -> list[StoredBody]:
        """Every body that is said to lie in those packs."""
        columns = "x.pack_offset, x.stored_length, x.size, x.sha256, x.codec"
        async with self._engine.connection() as c:
            rows = await c.fetch(
                f"SELECT x.pack_id, p.tenant_id, {columns}, 'email ' || x.id "
                "FROM email x JOIN pack p ON p.id = x.pack_id WHERE x.pack_id = ANY($1::uuid[]) "
                f"UNION ALL SELECT x.pack_id, p.tenant_id, {columns}, 'queue ' || x.id "
                "FROM queue_message x JOIN pack p ON p.id = x.pack_id "
                "WHERE x.pack_id = ANY($1::uuid[]) "
                f"UNION ALL SELECT x.pack_id, p.tenant_id, {columns}, 'upload ' || x.id "
                "FROM upload x JOIN pack p ON p.id = x.pack_id WHERE x.pack_id = ANY($1::uuid[]) "
                "ORDER BY 1, 3",
                ids,
            )
        return [StoredBody(*row.values()) for row in rows]

    async def unrecorded(self) -> list[str]:
        """Emails and queued messages whose pack has no row: that must never be."""
        async with self._engine.connection() as c:
            rows = await c.fetch(
                "SELECT 'email ' || e.id FROM email e "
                "WHERE NOT EXISTS (SELECT 1 FROM pack p WHERE p.id = e.pack_id) "
                "UNION ALL SELECT 'queue ' || q.id FROM queue_message q "
                "WHERE NOT EXISTS (SELECT 1 FROM pack p WHERE p.id = q.pack_id) "
                "UNION ALL SELECT 'upload ' || u.id FROM upload u "
                "WHERE NOT EXISTS (SELECT 1 FROM pack p WHERE p.id = u.pack_id)"
            )
        return [row[0] for row in rows]

    async def known(self, ids: Sequence[UUID]) -> set[UUID]:
        """Which of these are recorded."""
        async with self._engine.connection() as c:
            rows = await c.fetch("SELECT id FROM pack WHERE id = ANY($1::uuid[])", ids)
        return {row[0] for row in rows}

    async def bury(self, ids: Sequence[UUID]) -> int:
        """Mark packs dead that nothing refers to, and alive again what something does."""
        async with self._engine.transaction() as c:
            status = await c.execute(
                f"UPDATE pack p SET dead_at = CASE WHEN EXISTS (SELECT 1 FROM ({_REFERENCES}) r "
                "WHERE r.pack_id = p.id) THEN NULL ELSE coalesce(p.dead_at, now()) END "
                "WHERE p.id = ANY($1::uuid[])",
                ids,
            )
        return affected(status)

    async def expired(self, grace_seconds: float, limit: int) -> list[tuple[UUID, TenantId]]:
        """Packs that have been dead for longer than the grace period."""
        async with self._engine.connection() as c:
            rows = await c.fetch(
                "SELECT id, tenant_id FROM pack "
                "WHERE dead_at < now() - make_interval(secs => $1) LIMIT $2",
                grace_seconds, limit,
            )  # fmt: skip
        return [(row[0], TenantId(row[1])) for row in rows]

    async def forget(self, ids: Sequence[UUID]) -> list[UUID]:
        """Remove the rows of dead packs; returns those whose objects may go now."""
        async with self._engine.transaction() as c:
            rows = await c.fetch(
                f"DELETE FROM pack p WHERE p.id = ANY($1::uuid[]) AND p.dead_at IS NOT NULL "
                f"AND NOT EXISTS (SELECT 1 FROM ({_REFERENCES}) r WHERE r.pack_id = p.id) "
                "RETURNING p.id",
                ids,
            )
        return [row[0] for row in rows]
