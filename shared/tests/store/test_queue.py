"""The outbound queue: leases, epochs, retries."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from mailquay.delivery import Deliverer, Incoming, RemoteRecipient
from mailquay.runtime.settings import Settings
from mailquay.store import NotFound
from mailquay.store.queue import Outcome, Verdict


@pytest.fixture
async def enqueue(store, blobs, bus):
    tenant = await store.accounts.tenant_id()
    deliverer = Deliverer(store, blobs, bus, Settings())

    async def put(*addresses):
        remote = tuple(RemoteRecipient(x, x.partition("@")[2]) for x in addresses)
        message = b"Subject: x\r\n\r\nx"
        return (await deliverer.deliver(Incoming(tenant, message, "t", remote=remote))).queue_id

    yield put
    await deliverer.close()


@pytest.fixture
async def queued(enqueue):
    return await enqueue(*(f"u{n}@example.net" for n in range(4)))


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
    async with store.reports.claim(0) as claim:
        assert [(r.kind, r.reply) for r in claim.reports] == [("failed", "550 no")]
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


async def test_recipients_of_one_message_at_one_domain_are_leased_together(store, queued, enqueue):
    other = await enqueue("a@example.org", "b@example.org", "c@example.com")
    (first,) = {lease.message_id for lease in await store.queue.lease("w", 1, 60)}
    assert first == queued
    leases = await store.queue.lease("w", 1, 60)
    assert {lease.address for lease in leases} in (
        {"a@example.org", "b@example.org"},
        {"c@example.com"},
    )
    rest = await store.queue.lease("w", 10, 60)
    assert len(leases) + len(rest) == 3
    assert {lease.message_id for lease in [*leases, *rest]} == {other}


async def test_a_smarthost_takes_all_domains_of_a_message_together(store, enqueue):
    await enqueue("a@example.org", "c@example.com")
    await enqueue("d@example.org")
    leases = await store.queue.lease("w", 1, 60, by_message=True)
    assert {lease.address for lease in leases} == {"a@example.org", "c@example.com"}


async def test_a_domain_that_a_worker_has_enough_of_is_left(store, enqueue):
    await enqueue("a@example.org", "c@example.com")
    (lease,) = await store.queue.lease("w", 10, 60, except_domains=["example.org"])
    assert lease.address == "c@example.com"
    assert await store.queue.seconds_until_due() == 0
    assert await store.queue.seconds_until_due(["example.org"]) > 50


async def test_what_is_held_during_an_attempt_keeps_its_lease(store, queued):
    leases = await store.queue.lease("w", 1, 60)
    await store.queue.hold(queued)
    assert await store.queue.extend("w", leases, 60) == set()
    await store.queue.release(queued)
    assert await store.queue.lease("other", 10, 60) == []
    assert len(await store.queue.extend("w", leases, 60)) == 4


async def test_an_attempt_that_ended_after_its_last_byte_may_be_repeated(store, queued):
    leases = await store.queue.lease("w", 1, 60)
    now = datetime.now(UTC)
    retry = Outcome(leases[0], Verdict.RETRY, "4.4.2 gone", retry_at=now, possible_duplicate=True)
    await store.queue.finish("w", [retry])
    (again,) = await store.queue.lease("w", 10, 60)
    assert again.possible_duplicate
    assert again.attempts == 1


async def test_a_report_is_sent_by_one_and_taken_off_when_it_is_sent(store, queued):
    leases = await store.queue.lease("w", 1, 60)
    await store.queue.finish(
        "w", [Outcome(x, Verdict.FAILED, "550 no", "mx", report="failed") for x in leases]
    )
    async with store.reports.claim(0) as claim:
        assert len({report.last_attempt_at for report in claim.reports}) == 1
        async with store.reports.claim(0) as second:
            assert second.reports == ()
        claim.sent.extend(claim.reports[:3])

    async def die_after_sending():
        async with store.reports.claim(0) as claim:
            claim.sent.extend(claim.reports)
            raise RuntimeError("the worker died")

    with pytest.raises(RuntimeError):
        await die_after_sending()
    async with store.reports.claim(0) as claim:
        assert [report.recipient_id for report in claim.reports] == [leases[3].recipient_id]
    async with store.reports.claim(queued) as claim:
        assert claim.reports == ()


async def test_a_delay_that_was_not_told_of_is_none_after_the_delivery(store, enqueue):
    await enqueue("a@example.org")
    leases = await store.queue.lease("w", 1, 60)
    now = datetime.now(UTC)
    delayed = Outcome(leases[0], Verdict.RETRY, "451 later", retry_at=now, report="delayed")
    await store.queue.finish("w", [delayed])
    (lease,) = await store.queue.lease("w", 1, 60)
    assert lease.delay_notified
    await store.queue.finish("w", [Outcome(lease, Verdict.DELIVERED, "250 ok")])
    async with store.reports.claim(0) as claim:
        assert claim.reports == ()


async def test_what_is_finished_and_told_of_is_forgotten(store, queued):
    leases = await store.queue.lease("w", 1, 60)
    await store.queue.finish(
        "w", [Outcome(x, Verdict.FAILED, "550 no", report="failed") for x in leases]
    )
    assert await store.queue.trim(0) == 0
    async with store.reports.claim(0) as claim:
        claim.sent.extend(claim.reports)
    assert await store.queue.trim(3600) == 0
    assert await store.queue.trim(0) == 1


async def test_a_task_is_done_by_one_process_at_a_time(store):
    async with (
        store.alone("trim") as first,
        store.alone("trim") as second,
        store.alone("other") as third,
    ):
        assert (first, second, third) == (True, False, True)
    async with store.alone("trim") as again:
        assert again
