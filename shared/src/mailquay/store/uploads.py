"""Uploads: bytes that a client has handed in and no message uses yet (RFC 8620 §6.1)."""

from uuid import UUID

from mailquay.store.deliveries import PackRow
from mailquay.store.engine import Engine
from mailquay.store.errors import OverQuota
from mailquay.store.packs import StoredBody
from mailquay.store.types import AccountId, TenantId

__all__ = ["Uploads"]


class Uploads:
    """An account's uploads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def add(
        self,
        account_id: AccountId,
        pack: PackRow,
        *,
        pack_offset: int,
        stored_length: int,
        size: int,
        sha256: bytes,
        codec: int,
        media_type: str,
        ttl_seconds: float,
        max_total_bytes: int,
    ) -> int:
        """Record an upload whose bytes are durable; returns its id. What has expired goes.

        Raises:
            OverQuota: with those that are there already it is more than ``max_total_bytes``.
        """
        async with self._engine.transaction() as c:
            await c.execute(
                "DELETE FROM upload WHERE account_id = $1 AND expires_at < now()", account_id
            )
            used: int = await c.fetchval(
                "SELECT coalesce(sum(size), 0)::bigint FROM upload WHERE account_id = $1",
                account_id,
            )
            if used + size > max_total_bytes:
                raise OverQuota("too many uploads wait to be used")
            await c.execute(
                "INSERT INTO pack (id, tenant_id, size, messages) VALUES ($1, $2, $3, $4)",
                pack.id, pack.tenant_id, pack.size, pack.messages,
            )  # fmt: skip
            number: int = await c.fetchval(
                "INSERT INTO upload (account_id, pack_id, pack_offset, stored_length, size, "
                "sha256, codec, media_type, expires_at) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + make_interval(secs => $9)) "
                "RETURNING id",
                account_id, pack.id, pack_offset, stored_length, size, sha256, codec,
                media_type.replace("\0", ""), ttl_seconds,
            )  # fmt: skip
        return number

    async def find(self, account_id: AccountId, upload_id: int) -> tuple[StoredBody, str] | None:
        """Where an upload's bytes lie, and its media type; None when it is gone."""
        async with self._engine.connection() as c:
            row = await c.fetchrow(
                "SELECT u.pack_id, a.tenant_id, u.pack_offset, u.stored_length, u.size, u.sha256, "
                "u.codec, u.media_type FROM upload u JOIN account a ON a.id = u.account_id "
                "WHERE u.account_id = $1 AND u.id = $2 AND u.expires_at > now()",
                account_id, upload_id,
            )  # fmt: skip
        if row is None:
            return None
        pack_id: UUID = row[0]
        body = StoredBody(
            pack_id, TenantId(row[1]), row[2], row[3], row[4], row[5], row[6], f"upload {upload_id}"
        )
        return body, row[7]
