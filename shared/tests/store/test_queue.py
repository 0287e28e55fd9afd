"""The outbound queue: leases, epochs, retries."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from mailquay.delivery import Deliverer, Incoming, RemoteRecipient
from mailquay.runtime.settings import Settings
from mailquay.store import NotFound
from mailquay.store.queue import Outcome, Verdict


@pytest.fixture
async def queued(store, blobs, bus):
    tenant = await store.accounts.tenant_id()
    deliverer = Deliverer(store, blobs, bus, Settings())
    remote = tuple(RemoteRecipient(f"u{n}@example.net", "example.net") for n in range(4))
    result = await deliverer.deliver(Incoming(tenant, b"Subject: x\r\n\r\nx", "t", remote=remote))
    return result.queue_id


async def test_two_workers_never_hold_the_same(store, queued):
    held = await asyncio.gather(*(store.queue.lease(f"w{n}", 2, 60) for n in range(4)))
    ids = [lease.recipient_id for leases in held for lease in leases]
    assert len(ids) == len(set(ids)) == 4
    assert await store.queue.lease("late", 10, 60) == []
    assert await store.queue.seconds_until_due() > 50


async def test_a_late_worker_is_fenced(store, queued):
    first = await store.queue.lease("dead", 1, 0.05)
    await asyncio.sleep(0.1)
    second = [
        x for x in await store.queue.lease("alive", 4, 60)
        if x.recipient_id == first[0].recipient_id
    ]  # fmt: skip
    assert second[0].possible_duplicate
    assert second[0].epoch == first[0].epoch + 1
    assert await store.queue.extend("dead", first, 60) == set()
    done = [Outcome(first[0], Verdict.DELIVERED, "250 ok")]
    assert await store.queue.finish("dead", done) == set()
    done = [Outcome(second[0], Verdict.DELIVERED, "250 ok")]
    assert await store.queue.finish("alive", done) == {second[0].recipient_id}


async def test_outcomes(store, queued):
    leases = await store.queue.lease("w", 4, 60)
    later = datetime.now(UTC) + timedelta(hours=1)
    outcomes = [
        Outcome(leases[0], Verdict.DELIVERED, "250 ok", "mx"),
        Outcome(leases[1], Verdict.FAILED, "550 no", "mx", report="failed"),
        Outcome(leases[2], Verdict.RETRY, "451 later", "mx", retry_at=later),
    ]
    await store.queue.finish("w", outcomes)
    await store.queue.hand_back("w", leases[3:])
    assert [x.recipient_id for x in await store.queue.lease("w", 4, 60)] == [leases[3].recipient_id]
    reports = await store.queue.reports(10)
    assert [(r.kind, r.reply) for r in reports] == [("failed", "550 no")]
    await store.queue.reported(reports)
    assert await store.queue.reports(10) == []
    depth = await store.queue.depth()
    assert (depth.queued, depth.leased) == (2, 1)
    assert await store.queue.trim(0) == 0


async def test_an_administrator_holds_releases_and_removes(store, queued):
    assert await store.queue.hold(queued) == 4
    assert await store.queue.lease("w", 10, 60) == []
    assert await store.queue.release(None) == 4
    assert len(await store.queue.lease("w", 10, 60)) == 4
    (listed,) = await store.queue.list_messages()
    assert listed[0].id == queued
    await store.queue.remove(queued)
    with pytest.raises(NotFound):
        await store.queue.show(queued)
