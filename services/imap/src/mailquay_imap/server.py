"""What the sessions of a process share."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from mailquay.blobs import BlobStore
from mailquay.delivery import Deliverer
from mailquay.events import AccountChanged, Bus
from mailquay.identity import Authenticator
from mailquay.net.tls import TlsContexts
from mailquay.runtime.settings import Settings
from mailquay.store import Store
from mailquay.store.emails import Body
from mailquay.store.types import AccountId, ModSeq
from mailquay_imap.views import Views

__all__ = ["FactCache", "Server"]


class FactCache:
    """Columns of emails: they never change, so what was read once need not be read again."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._bytes = 0
        self._columns: defaultdict[str, dict[int, Any]] = defaultdict(dict)

    def many(self, column: str, email_ids: Iterable[int]) -> list[Any]:
        """A column's values, one for each email; None for what is not here."""
        held = self._columns[column]
        return [held.get(email_id) for email_id in email_ids]

    def keep(self, column: str, values: Mapping[int, Any]) -> None:
        """Keep values by email; past the limit those kept longest go."""
        held = self._columns[column]
        self._bytes += sum(_weight(v) for key, v in values.items() if key not in held)
        held.update(values)
        while self._bytes > self._limit:
            fullest = max(self._columns.values(), key=len)
            for email_id in list(islice(fullest, 1 + len(fullest) // 8)):
                self._bytes -= _weight(fullest.pop(email_id))


def _weight(value: Any) -> int:
    if isinstance(value, bytes):
        return 160 + len(value)
    if isinstance(value, Body):
        return 400 + len(value.structure)
    return 200


@dataclass(slots=True)
class Server:
    """A process' state."""

    settings: Settings
    store: Store
    blobs: BlobStore
    bus: Bus
    deliverer: Deliverer
    authenticator: Authenticator
    tls: TlsContexts
    views: Views
    facts: FactCache
    sessions: set[Any] = field(default_factory=set)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def announce(self, account_id: AccountId, modseq: ModSeq, *mailbox_ids: int) -> None:
        """Tell other processes what was committed."""
        self.bus.publish(
            AccountChanged(account_id=account_id, modseq=modseq, mailbox_ids=mailbox_ids)
        )
