"""What the sessions of a process share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailquay.blobs import BlobStore
from mailquay.events import Bus, Event, IdentityRevoked
from mailquay.identity import Authenticator
from mailquay.net.tls import TlsContexts
from mailquay.runtime import metrics
from mailquay.runtime.settings import Settings
from mailquay.store import Store

if TYPE_CHECKING:
    from mailquay_pop3.session import Session

__all__ = ["Server"]


@dataclass(slots=True)
class Server:
    """A process' state."""

    settings: Settings
    store: Store
    blobs: BlobStore
    bus: Bus
    authenticator: Authenticator
    tls: TlsContexts
    #: Where the time of each command is counted.
    seconds: Mapping[str, metrics.Histogram]
    sessions: "set[Session]" = field(default_factory=set)
    is_draining: bool = False

    def heard(self, event: Event) -> None:
        """End what was signed in with credentials that are void; not what has newer ones."""
        if not isinstance(event, IdentityRevoked):
            return
        for session in list(self.sessions):
            drop = session.drop
            if drop is not None and (
                drop.account.id == event.account_id
                and drop.account.credential_version < event.credential_version
            ):
                session.end_soon("[AUTH] the account was changed, please sign in again")
