"""Which relay a message leaves by, from a table in the database that may change at any time."""

import time
from collections.abc import Iterable
from typing import Final

from mailquay.events import ConfigChanged, Event
from mailquay.store.queue import QueuedMessage
from mailquay.store.relays import Relay
from mailquay.store.relays import Relays as RelayStore
from mailquay.store.types import TenantId

__all__ = ["RelayTable", "Relays"]

_KIND: Final = "relay"


class RelayTable:
    """Relays by what they are for; the most particular one wins. Pure."""

    def __init__(self, relays: Iterable[Relay] = ()) -> None:
        self._relays = {(r.tenant_id, r.recipient_domain, r.sender_domain): r for r in relays}

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._relays)

    def find(self, *, tenant_id: TenantId, sender: str, domain: str) -> Relay | None:
        """The relay for mail of a tenant from an address to a domain; None: there is none.

        The recipients' domain counts first, the nearest one above it next, then ``*``; then that
        the sender's domain is named, then that the tenant is.
        """
        for recipients in _from_near_to_far(domain):
            for sender_domain in (sender.rpartition("@")[2].lower(), None):
                for tenant in (tenant_id, None):
                    relay = self._relays.get((tenant, recipients, sender_domain))
                    if relay is not None:
                        return relay
        return None


def _from_near_to_far(domain: str) -> Iterable[str]:
    yield domain
    _, _, above = domain.partition(".")
    while above:
        yield f"*.{above}"
        _, _, above = above.partition(".")
    yield "*"


class Relays:
    """The table for one process, believed for a few seconds."""

    def __init__(self, store: RelayStore, *, seconds: float) -> None:
        self._store = store
        self._seconds = seconds
        self._table = RelayTable()
        self._until = 0.0

    def heard(self, event: Event) -> None:
        """A relay has changed."""
        if isinstance(event, ConfigChanged) and event.kind == _KIND:
            self.forget()

    def forget(self) -> None:
        """Ask anew the next time."""
        self._until = 0.0

    async def refresh(self) -> bool:
        """See to it that the table is no older than it may be; whether there are relays.

        Raises:
            StoreUnavailable: nobody can say, and a guess could send mail the wrong way.
        """
        if time.monotonic() >= self._until:
            until = time.monotonic() + self._seconds
            self._table = RelayTable(await self._store.list_relays())
            self._until = until
        return bool(self._table)

    def find(self, message: QueuedMessage, domain: str) -> Relay | None:
        """The relay for a message to a domain."""
        return self._table.find(
            tenant_id=message.tenant_id, sender=message.reverse_path, domain=domain
        )
