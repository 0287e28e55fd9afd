"""Browsers that are signed in to the webmail."""

from dataclasses import dataclass

from mailquay.store.engine import Engine
from mailquay.store.types import AccountId, TenantId

__all__ = ["WebSession", "WebSessions"]


@dataclass(frozen=True, slots=True)
class WebSession:
    """A signed-in browser. ``csrf_token`` is what its unsafe requests must show."""

    account_id: AccountId
    tenant_id: TenantId
    address: str
    display_name: str
    role: str
    csrf_token: str


#: Browsers that one account may be signed in with; of more, those unused for longest go.
SESSIONS_MAX = 100


class WebSessions:
    """Sessions by the SHA-256 of their cookie's value: a stolen table opens no mailbox."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def add(
        self,
        token_hash: bytes,
        account_id: AccountId,
        csrf_token: str,
        *,
        credential_version: int,
        user_agent: str,
        remote_address: str,
        ttl_seconds: float,
    ) -> None:
        """Record a sign-in; what has expired goes, and what is too much of the account's."""
        async with self._engine.transaction() as c:
            await c.execute("DELETE FROM web_session WHERE expires_at < now()")
            await c.execute(
                "DELETE FROM web_session WHERE token_hash IN (SELECT token_hash FROM web_session "
                "WHERE account_id = $1 ORDER BY last_seen_at DESC OFFSET $2)",
                account_id, SESSIONS_MAX - 1,
            )  # fmt: skip
            await c.execute(
                "INSERT INTO web_session (token_hash, account_id, csrf_token, credential_version, "
                "user_agent, remote_address, last_seen_at, expires_at) "
                "VALUES ($1, $2, $3, $4, $5, $6, now(), now() + make_interval(secs => $7))",
                token_hash, account_id, csrf_token, credential_version,
                user_agent.replace("\0", "")[:500], remote_address, ttl_seconds,
            )  # fmt: skip

    async def find(self, token_hash: bytes, *, ttl_seconds: float) -> WebSession | None:
        """The session of a cookie, None when it is void; once a minute its end is moved on."""
        async with self._engine.connection() as c:
            row = await c.fetchrow(
                "SELECT s.account_id, a.tenant_id, a.address, a.display_name, a.role, "
                "s.csrf_token, "
                "s.last_seen_at < now() - interval '1 minute' "
                "FROM web_session s JOIN account a ON a.id = s.account_id "
                "WHERE s.token_hash = $1 AND s.expires_at > now() AND a.state = 'active' "
                "AND a.credential_version = s.credential_version",
                token_hash,
            )
            if row is not None and row[6]:
                await c.execute(
                    "UPDATE web_session SET last_seen_at = now(), "
                    "expires_at = now() + make_interval(secs => $2) WHERE token_hash = $1",
                    token_hash, ttl_seconds,
                )  # fmt: skip
        return None if row is None else WebSession(*tuple(row.values())[:6])

    async def remove(self, token_hash: bytes) -> None:
        """Sign a browser out."""
        async with self._engine.connection() as c:
            await c.execute("DELETE FROM web_session WHERE token_hash = $1", token_hash)
