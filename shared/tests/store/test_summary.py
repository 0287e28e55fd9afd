"""What the database knows of a day, over all accounts."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from mailquay.delivery import Deliverer, Incoming, LocalPlacement, RemoteRecipient
from mailquay.runtime.settings import Settings
from mailquay.store import summary as module
from mailquay.store.queue import Outcome, Verdict


@pytest.fixture
async def account(store):
    await store.accounts.add_domain("example.org")
    return await store.accounts.add("anna@example.org", "hash", "scram", quota_bytes=1000)


@pytest.fixture
async def deliver(store, blobs, bus, account):
    """Deliver a message, here or elsewhere."""
    deliverer = Deliverer(store, blobs, bus, Settings())

    async def deliver(number: int, *elsewhere: str, size: int = 100) -> None:
        raw = b"Message-ID: <m%d@x>\r\n\r\n" % number
        remote = tuple(RemoteRecipient(a, a.partition("@")[2]) for a in elsewhere)
        local = () if remote else (LocalPlacement(account.id, recipient=account.address),)
        await deliverer.deliver(
            Incoming(
                account.tenant_id, raw.ljust(size, b"x"), "t", local, remote, repeat_key=b"key"
            )
        )

    yield deliver
    await deliverer.close()


async def age(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def test_administrators_are_those_that_can_sign_in(store, account):
    assert await store.summary.administrators() == []
    for name in ("root", "left"):
        await store.accounts.add(f"{name}@example.org", "hash", "scram", role="admin")
    await store.accounts.set_state("left@example.org", "disabled")
    assert [a.address for a in await store.summary.administrators()] == ["root@example.org"]


async def test_deliveries_are_counted_once_and_for_a_day(store, postgres_url, deliver):
    for number in (1, 2, 2):
        await deliver(number)
    assert await store.summary.deliveries() == 2
    await age(postgres_url, "UPDATE delivered SET at = at - interval '25 hours'")
    assert await store.summary.deliveries() == 0


async def test_what_became_of_mail_to_elsewhere_is_told_for_a_day(store, postgres_url, deliver):
    await deliver(1, "a@one.test", "b@one.test", "c@two.test")
    await deliver(2, "d@three.test")
    verdicts = {
        "a@one.test": (Verdict.DELIVERED, "250 2.0.0 Ok"),
        "b@one.test": (Verdict.FAILED, "550 5.1.1 Nobody"),
        "c@two.test": (Verdict.RETRY, "451 4.7.1 Later"),
    }
    later = datetime.now(UTC) + timedelta(hours=1)
    leases = [x for x in await store.queue.lease("worker", 10, 60) if x.address in verdicts]
    outcomes = [
        Outcome(lease, *verdicts[lease.address], retry_at=later)
        for lease in leases
    ]  # fmt: skip
    await store.queue.finish("worker", outcomes)
    day = await store.summary.queue_day()
    assert (day.queued, day.delivered, day.failed) == (2, 1, 1)
    waiting = {one.domain: one for one in await store.summary.waiting(10)}
    assert waiting.keys() == {"two.test", "three.test"}
    assert waiting["two.test"].last_reply == "451 4.7.1 Later"
    assert waiting["three.test"].last_reply is None
    [failed] = await store.summary.failed(10)
    assert (failed.domain, failed.recipients) == ("one.test", 1)
    assert failed.last_reply == "550 5.1.1 Nobody"
    assert len(await store.summary.waiting(1)) == 1
    await age(
        postgres_url,
        "UPDATE queue_recipient SET last_attempt_at = last_attempt_at - interval '25 hours'; "
        "UPDATE queue_message SET created_at = created_at - interval '25 hours'",
    )
    day = await store.summary.queue_day()
    assert (day.queued, day.delivered, day.failed) == (0, 0, 0)
    assert await store.summary.failed(10) == []


async def test_usage_is_summed_in_slices_and_full_accounts_are_named(
    store, account, deliver, monkeypatch
):
    monkeypatch.setattr(module, "_SLICE", 2)
    for number in range(4):
        await store.accounts.add(f"u{number}@example.org", "hash", "scram")
    await deliver(1, size=950)
    usage = await store.summary.usage(default_quota_bytes=0, full_share=0.9)
    assert (usage.accounts, usage.messages, usage.bytes) == (5, 1, 950)
    assert [(one.address, one.used_bytes) for one in usage.full] == [("anna@example.org", 950)]
    assert (await store.summary.usage(default_quota_bytes=0, full_share=0.96)).full_count == 0


async def test_default_quota_is_that_of_an_account_without_its_own(store, account, deliver):
    await deliver(1, size=950)
    await store.accounts.set_quota(account.address, None)
    usage = await store.summary.usage(default_quota_bytes=1000, full_share=0.9)
    assert usage.full_count == 1
    await store.accounts.set_quota(account.address, 0)
    usage = await store.summary.usage(default_quota_bytes=1000, full_share=0.9)
    assert usage.full_count == 0
