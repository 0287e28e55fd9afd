"""Check and collection of packs: every row has its bytes, every pack is accounted for."""

import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from mailquay.blobs.refs import BlobCorrupt, BlobMissing
from mailquay.blobs.store import BlobStore
from mailquay.store import Store
from mailquay.store.packs import PackUse

__all__ = ["BlobReport", "Collected", "check_blobs", "collect_blobs"]

#: Packs looked at together.
SLICE = 500


@dataclass(slots=True)
class BlobReport:
    """What a check found; ``problems`` is empty when all mail can be read."""

    packs: int = 0
    bodies: int = 0
    bytes: int = 0
    dead_packs: int = 0
    #: Objects that no row knows: written by a delivery that did not commit, or is about to.
    orphans: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


@dataclass(slots=True)
class Collected:
    """What a collection removed."""

    packs: int = 0
    orphans: int = 0
    bytes: int = 0


def _nothing(_done: int) -> None:
    return


async def check_blobs(
    store: Store, blobs: BlobStore, *, progress: Callable[[int], None] = _nothing
) -> BlobReport:
    """Read every body and compare it with its hash.

    Raises:
        StoreUnavailable, BlobUnavailable: what is asked cannot be reached.
    """
    report = BlobReport()
    report.problems += [
        f"{name} lies in a pack with no row" for name in await store.packs.unrecorded()
    ]
    after: uuid.UUID | None = None
    while page := await store.packs.page(after, SLICE):
        after = page[-1].id
        await _check_page(store, blobs, page, report)
        progress(report.packs)
    async for found in _orphans(store, blobs):
        report.orphans += len(found)
    return report


async def _check_page(
    store: Store, blobs: BlobStore, page: list[PackUse], report: BlobReport
) -> None:
    report.packs += len(page)
    report.dead_packs += sum(not pack.live_bytes for pack in page)
    seen: set[tuple[uuid.UUID, int, int]] = set()
    for body in await store.packs.bodies([pack.id for pack in page]):
        place = (body.pack_id, body.pack_offset, body.size)
        if place in seen:
            continue
        seen.add(place)
        try:
            report.bytes += len(await blobs.get(body))
            report.bodies += 1
        except (BlobMissing, BlobCorrupt) as error:
            report.problems.append(f"{body.owner}: {error}")


async def _orphans(
    store: Store, blobs: BlobStore
) -> AsyncIterator[list[tuple[int, uuid.UUID, int, float]]]:
    """Slices of objects that no row knows: ``(tenant_id, pack_id, size, changed_at)``."""
    async for batch in blobs.objects.list_keys("packs/"):
        entries = []
        for key, size, changed_at in batch:
            parts = key.split("/")
            try:
                entries.append((int(parts[1]), uuid.UUID(hex=parts[-1]), size, changed_at))
            except (ValueError, IndexError):
                continue
        known = await store.packs.known([entry[1] for entry in entries])
        yield [entry for entry in entries if entry[1] not in known]


async def collect_blobs(store: Store, blobs: BlobStore, *, grace_seconds: float) -> Collected:
    """Bury packs that nothing refers to, and delete those that have been dead for long enough.

    A delivery writes its pack first and its rows after: only the grace period, longer than any
    delivery, tells an orphan from a message that is just arriving.

    Raises:
        StoreUnavailable, BlobUnavailable: it goes on at the next run.
    """
    collected = Collected()
    after: uuid.UUID | None = None
    while page := await store.packs.page(after, SLICE):
        after = page[-1].id
        await store.packs.bury([pack.id for pack in page])
    while expired := await store.packs.expired(grace_seconds, SLICE):
        tenants = dict(expired)
        gone = await store.packs.forget(list(tenants))
        for pack_id in gone:
            await blobs.delete_pack(tenants[pack_id], pack_id)
        collected.packs += len(gone)
        if not gone:
            break
    limit = time.time() - grace_seconds
    async for found in _orphans(store, blobs):
        for tenant_id, pack_id, size, changed_at in found:
            if changed_at < limit:
                await blobs.delete_pack(tenant_id, pack_id)
                collected.orphans += 1
                collected.bytes += size
    return collected
