"""What the sessions of a process share."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
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
        self._facts: OrderedDict[tuple[int, str], Any] = OrderedDict()

    def get(self, email_id: int, column: str) -> Any:
        """A column's value; None when it is not here."""
        return self._facts.get((email_id, column))

    def put(self, email_id: int, column: str, value: Any) -> None:
        """Keep a value."""
        key = (email_id, column)
        if key not in self._facts:
            self._bytes += _weight(value)
        self._facts[key] = value
        while self._bytes > self._limit:
            _, dropped = self._facts.popitem(last=False)
            self._bytes -= _weight(dropped)


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
