"""Every row has its bytes, every pack is accounted for, and nothing alive is ever collected."""

import asyncio
import itertools
import os
import time
from pathlib import Path

import asyncpg
import pytest

from mailquay.blobs import BlobStore
from mailquay.blobs.check import check_blobs, collect_blobs
from mailquay.blobs.refs import pack_key
from mailquay.delivery import Deliverer, Incoming, LocalPlacement, Placed
from mailquay.events import Bus
from mailquay.runtime.settings import Settings
from mailquay.store import Store
from mailquay.store.accounts import Account
from mailquay.store.types import AccountId

WEEK = 7 * 86400


async def _account(store: Store, address: str = "a@example.test") -> Account:
    await store.accounts.add_domain(address.partition("@")[2])
    return await store.accounts.add(address, "x", "x")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "blobs"  # where the plug-in's `blobs` keeps them


def _message(number: int) -> bytes:
    return b"Message-ID: <%d@x>\r\nSubject: %d\r\n\r\nbody %d\r\n" % (number, number, number)


async def _deliver(deliverer: Deliverer, account: Account, number: int) -> Placed:
    incoming = Incoming(
        account.tenant_id, _message(number), "t", local=(LocalPlacement(account.id),)
    )
    (placed,) = (await deliverer.deliver(incoming)).placements
    assert isinstance(placed, Placed)
    return placed


async def test_check_is_clean_after_deliveries(store: Store, blobs: BlobStore, bus: Bus) -> None:
    account = await _account(store)
    deliverer = Deliverer(store, blobs, bus, Settings())
    await asyncio.gather(*(_deliver(deliverer, account, number) for number in range(30)))
    report = await check_blobs(store, blobs)
    assert report.is_clean
    assert report.bodies == 30
    assert report.bytes == sum(len(_message(number)) for number in range(30))
    assert report.orphans == 0


async def test_check_names_what_is_missing_and_what_is_broken(
    store: Store, blobs: BlobStore, bus: Bus, folder: Path
) -> None:
    account = await _account(store)
    deliverer = Deliverer(store, blobs, bus, Settings())
    for number in range(3):
        await _deliver(deliverer, account, number)
    packs = await store.packs.page(None, 10)
    first, second = (folder / pack_key(pack.tenant_id, pack.id) for pack in packs[:2])
    first.unlink()
    second.write_bytes(b"\0" * second.stat().st_size)
    blobs = BlobStore.open(blobs._settings)  # nothing is cached in this one
    report = await check_blobs(store, blobs)
    assert len(report.problems) == 2
    assert all(problem.startswith("email ") for problem in report.problems)
    assert report.bodies == 1


async def test_an_orphan_is_seen_at_once_and_goes_after_the_grace_period(
    store: Store, blobs: BlobStore, folder: Path
) -> None:
    account = await _account(store)
    written = await blobs.put_many(account.tenant_id, [b"written, and never committed"])
    assert (await check_blobs(store, blobs)).orphans == 1
    assert (await collect_blobs(store, blobs, grace_seconds=WEEK)).orphans == 0
    path = folder / pack_key(account.tenant_id, written.packs[0].id)
    long_ago = time.time() - WEEK - 10
    os.utime(path, (long_ago, long_ago))
    assert (await collect_blobs(store, blobs, grace_seconds=WEEK)).orphans == 1
    assert not path.exists()


async def test_a_dead_pack_is_first_a_tombstone(
    store: Store, blobs: BlobStore, bus: Bus, folder: Path, postgres_url: str
) -> None:
    account = await _account(store)
    deliverer = Deliverer(store, blobs, bus, Settings())
    placed = await _deliver(deliverer, account, 1)
    (pack,) = await store.packs.page(None, 10)
    path = folder / pack_key(pack.tenant_id, pack.id)
    await store.emails.expunge(account.id, placed.mailbox_id, [placed.uid], only_deleted=False)
    assert (await collect_blobs(store, blobs, grace_seconds=WEEK)).packs == 0
    assert path.exists()
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("UPDATE pack SET dead_at = now() - interval '8 days'")
    await connection.close()
    assert (await collect_blobs(store, blobs, grace_seconds=WEEK)).packs == 1
    assert not path.exists()
    assert (await check_blobs(store, blobs)).is_clean


async def test_collection_beside_deliveries_takes_nothing_alive(
    store: Store, blobs: BlobStore, bus: Bus
) -> None:
    account = await _account(store)
    deliverer = Deliverer(store, blobs, bus, Settings())
    collected = 0
    grace_seconds = 3.0  # longer than any of these deliveries, and short enough to see packs go

    async def collect() -> None:
        nonlocal collected
        while not collected:
            found = await collect_blobs(store, blobs, grace_seconds=grace_seconds)
            collected += found.packs
            await asyncio.sleep(0)

    numbers = itertools.count()
    async with asyncio.timeout(60):
        collecting = asyncio.create_task(collect())
        while not collecting.done():
            placed = await asyncio.gather(
                *(_deliver(deliverer, account, next(numbers)) for _ in range(10))
            )
            await _expunge_all(store, account.id, placed[:5])
            placed = [await _deliver(deliverer, account, next(numbers))]
            await _expunge_all(store, account.id, placed)
    await collecting
    report = await check_blobs(store, BlobStore.open(blobs._settings))
    assert report.is_clean
    assert report.orphans == 0


async def _expunge_all(store: Store, account_id: AccountId, placed: list[Placed]) -> None:
    uids = [place.uid for place in placed]
    await store.emails.expunge(account_id, placed[0].mailbox_id, uids, only_deleted=False)
