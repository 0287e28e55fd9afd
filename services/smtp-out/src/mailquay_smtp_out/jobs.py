"""What couriers carry: one message's recipients at one destination, and what comes of them."""

from dataclasses import dataclass, field

from mailquay.store.queue import Lease, QueuedMessage
from mailquay.store.relays import Relay
from mailquay_smtp_out.protocol.replies import Reply

__all__ = ["Findings", "Job", "Result"]


@dataclass(frozen=True, slots=True)
class Result:
    """What an attempt came to for one recipient.

    ``passes_dsn``: the host takes the DSN parameters over, and reports success itself
    (RFC 3461 §5.2.2).
    """

    lease: Lease
    reply: Reply
    host: str | None = None
    passes_dsn: bool = False
    possible_duplicate: bool = False


@dataclass(slots=True)
class Job:
    """Recipients that can go in one transaction; ``waiting`` are those without a result yet."""

    message: QueuedMessage
    destination: str
    waiting: dict[int, Lease]
    relay: Relay | None = None  # None: the smarthost, or the recipients' MX

    @property
    def domain(self) -> str:
        """The recipients' domain; one of them where a smarthost takes all."""
        return next(iter(self.waiting.values())).domain


@dataclass(slots=True)
class Findings:
    """Why recipients still wait: what they are told when no other host does better."""

    by_recipient: dict[int, tuple[Reply, str]] = field(default_factory=dict)
    general: list[tuple[Reply, str | None]] = field(default_factory=list)

    @property
    def is_final(self) -> bool:
        """Whether no host leaves any hope."""
        return bool(self.general) and all(reply.is_permanent for reply, _ in self.general)

    def result(self, lease: Lease) -> Result:
        """The recipient's own refusal, else the last trouble that may pass, else the last."""
        found = self.by_recipient.get(lease.recipient_id)
        if found is not None:
            return Result(lease, *found)
        passing = [trouble for trouble in self.general if trouble[0].is_transient]
        return Result(lease, *(passing or self.general)[-1])
