"""A mail transaction's envelope, and how its message comes (RFC 5321 §2.3.1, §3.3)."""

from dataclasses import dataclass, field

from mailquay.delivery.recipients import ResolvedRecipient
from mailquay.delivery.senders import OwnAddresses
from mailquay.store.accounts import Account
from mailquay.store.policies import SendingPolicy

__all__ = ["Arrival", "Envelope"]


@dataclass(slots=True)
class Envelope:
    """What MAIL and RCPT have said; ``declared_size`` is in bytes, 0 when it was not told."""

    reverse_path: str
    trace_id: str
    smtputf8: bool = False
    declared_size: int = 0
    ret: str | None = None
    envelope_id: str | None = None
    recipients: list[ResolvedRecipient] = field(default_factory=list)
    #: Accounts and addresses that the recipients mean in all.
    targets: int = 0
    #: What whoever submits it may send.
    sending: SendingPolicy = field(default_factory=SendingPolicy)


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a message has come."""

    protocol: str  # RFC 3848: ESMTP, ESMTPS, ESMTPSA, LMTP, …
    helo: str
    client: str
    tls: str | None
    own: OwnAddresses | None  # of who submits it

    @property
    def submitter(self) -> Account | None:
        """Who has signed in to send it."""
        return None if self.own is None else self.own.account

    @property
    def is_lmtp(self) -> bool:
        """Whether each recipient gets a reply of its own (RFC 2033 §4.2)."""
        return "LMTP" in self.protocol
