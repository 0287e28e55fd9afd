"""What a report tells: everything is asked of the database, or read here; nothing is guessed."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final

from cryptography import x509

from mailquay.cli.target import Target
from mailquay.store.queue import QueueDepth
from mailquay.store.schema import THIS_RELEASE
from mailquay.store.server import server_facts
from mailquay.store.summary import Destination, QueueDay, Usage
from mailquay.store.tasks import TaskResult

__all__ = ["FULL_SHARE", "TASK", "Figures", "gather"]

#: An account with more than this share of its quota in use is nearly full.
FULL_SHARE: Final = 0.9
#: Under which name the last report is written down.
TASK: Final = "report"
_DESTINATIONS: Final = 10
_DAY_SECONDS: Final = 86400


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of a report; None where the database does not know one."""

    at: datetime
    hostname: str
    release: str
    revision: str
    pending: tuple[str, ...]
    deliveries: int | None
    queue_day: QueueDay | None
    depth: QueueDepth
    waiting: list[Destination]
    failed: list[Destination]
    usage: Usage
    database_bytes: int
    certificate_until: datetime | None
    tasks: dict[str, TaskResult] = field(default_factory=dict)

    @property
    def before(self) -> dict[str, Any]:
        """What the last report said of storage (`storage`), nothing where there was none."""
        last = self.tasks.get(TASK)
        return {} if last is None else dict(last.result["storage"])

    @property
    def storage(self) -> dict[str, Any]:
        """What the next report is to compare with, and when it was so."""
        usage = self.usage
        return {
            "at": self.at.isoformat(),
            "accounts": usage.accounts,
            "messages": usage.messages,
            "bytes": usage.bytes,
            "database_bytes": self.database_bytes,
        }


async def gather(target: Target) -> Figures:
    """Ask for everything.

    Raises:
        StoreUnavailable: Postgres does not answer.
    """
    settings, store = target.settings, await target.store()
    summary = store.summary
    revision = await summary.revision()
    knows_deliveries = settings.smtp_in.duplicate_window_seconds >= _DAY_SECONDS
    knows_queue = settings.smtp_out.keep_finished_seconds >= _DAY_SECONDS
    return Figures(
        at=datetime.now(UTC),
        hostname=settings.hostname,
        release=version("mailquay"),
        revision=revision or "none",
        pending=tuple(each.id for each in THIS_RELEASE.pending(revision)),
        deliveries=await summary.deliveries() if knows_deliveries else None,
        queue_day=await summary.queue_day() if knows_queue else None,
        depth=await store.queue.depth(),
        waiting=await summary.waiting(_DESTINATIONS),
        failed=await summary.failed(_DESTINATIONS) if knows_queue else [],
        usage=await summary.usage(
            default_quota_bytes=settings.delivery.default_quota_bytes, full_share=FULL_SHARE
        ),
        database_bytes=(await server_facts(settings.database)).database_bytes,
        certificate_until=_certificate_until(target),
        tasks=await store.tasks.last(),
    )


def _certificate_until(target: Target) -> datetime | None:
    """When it expires; None where there is none that can be read from here."""
    path = target.settings.tls.certificate_file
    if path is None:
        return None
    try:
        return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return None
