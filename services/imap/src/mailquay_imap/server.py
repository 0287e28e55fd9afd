"""What the sessions of a process share."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from mailquay.blobs import BlobStore
from mailquay.delivery import Deliverer
from mailquay.events import AccountChanged, Bus
from mailquay.identity import Authenticator
from mailquay.net.tls import TlsContexts
from mailquay.runtime.settings import Settings
from mailquay.store import Store
from mailquay.store.types import AccountId, ModSeq
from mailquay_imap.facts import Facts
from mailquay_imap.views import Views

__all__ = ["Server"]


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
    facts: Facts
    sessions: set[Any] = field(default_factory=set)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def announce(self, account_id: AccountId, modseq: ModSeq, *mailbox_ids: int) -> None:
        """Tell other processes what was committed."""
        self.bus.publish(
            AccountChanged(account_id=account_id, modseq=modseq, mailbox_ids=mailbox_ids)
        )
