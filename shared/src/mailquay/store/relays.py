"""Relays: where mail for others goes, ahead of the settings' smarthost and of DNS."""

from dataclasses import dataclass

from mailquay.store.engine import Engine
from mailquay.store.types import TenantId

__all__ = ["Relay", "Relays"]


@dataclass(frozen=True, slots=True)
class Relay:
    """One of them; see `mailquay.declared.document.RelayDocument` for what each field means."""

    name: str
    tenant_id: TenantId | None
    recipient_domain: str
    sender_domain: str | None
    action: str
    host: str | None
    port: int | None
    tls: str | None
    username: str | None
    password_file: str | None
    password_env: str | None


class Relays:
    """All of them; they are few."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def list_relays(self) -> list[Relay]:
        """All relays by name."""
        async with self._engine.connection() as c:
            rows = await c.fetch(
                "SELECT name, tenant_id, recipient_domain, sender_domain, action, host, port, tls, "
                "username, password_file, password_env FROM relay ORDER BY name"
            )
        return [Relay(*row.values()) for row in rows]
