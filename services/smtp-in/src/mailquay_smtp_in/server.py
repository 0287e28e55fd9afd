"""What the sessions of a process share."""

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from mailquay.delivery.recipients import RecipientCache
from mailquay.events import Event, IdentityRevoked
from mailquay.identity import Authenticator
from mailquay.net.tls import TlsContexts
from mailquay.runtime.settings import Settings
from mailquay.store import Store
from mailquay_smtp_in.acceptance import Acceptance
from mailquay_smtp_in.replies import Reply

if TYPE_CHECKING:
    from mailquay_smtp_in.session import Session

__all__ = ["Role", "Server"]


class Role(Enum):
    """What a port is for."""

    MX = "mx"
    SUBMISSION = "submission"
    LMTP = "lmtp"


@dataclass(slots=True)
class Server:
    """A process' state."""

    settings: Settings
    store: Store
    recipients: RecipientCache
    acceptance: Acceptance
    authenticator: Authenticator
    tls: TlsContexts
    sessions: "set[Session]" = field(default_factory=set)
    is_draining: bool = False

    def heard(self, event: Event) -> None:
        """End what was signed in with credentials that are void; not what has newer ones."""
        if not isinstance(event, IdentityRevoked):
            return
        for session in list(self.sessions):
            account = session.account
            if account is not None and (
                account.id == event.account_id
                and account.credential_version < event.credential_version
            ):
                session.connection.end_soon(Reply.REVOKED)
