"""What goes wrong in a batch: nothing is acknowledged that is not kept, nothing is kept twice.

RFC 5321 §4.2.5: a 250 takes the responsibility for a message. RFC 5321 §6.1: it may come again.
"""

import asyncio
import contextlib
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import asyncpg
import pytest

from mailquay.delivery import (
    Deliverer,
    Incoming,
    LocalPlacement,
    NotPlaced,
    RemoteRecipient,
    Unavailable,
)
from mailquay.delivery.facts import read_facts
from mailquay.runtime.settings import DatabaseSettings, DeliverySettings, Settings
from mailquay.store import Store
from mailquay.store.deliveries import QueueRecipientRow, QueueRow
from mailquay.testing.recount import recount

REMOTE = (RemoteRecipient("b@example.net", "example.net"),)
#: Before the year 1 in UTC: the driver refuses the whole statement that it is in.
UNHEARD_OF = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))


def incoming(account, number: int, *, subject: str = "tea", **changes) -> Incoming:
    raw = f"Subject: {subject}\r\nMessage-ID: <m{number}@x>\r\n\r\nHello.\r\n".encode()
    made = Incoming(
        tenant_id=account.tenant_id,
        raw=raw,
        trace_id=f"t{number}",
        local=(LocalPlacement(account.id, recipient=account.address),),
        repeat_key=hashlib.sha256(raw).digest(),
    )
    return replace(made, **changes)


async def messages(store, account) -> int:
    return (await store.mailboxes.find(account.id, "INBOX")).messages


async def gather(deliverer, *incomings):
    return await asyncio.gather(*map(deliverer.deliver, incomings), return_exceptions=True)


@pytest.fixture
async def admin(postgres_url):
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


@contextlib.asynccontextmanager
async def another_process(url, blobs, bus, **database):
    store = await Store.open(DatabaseSettings(url=url, **database))
    deliverer = Deliverer(store, blobs, bus, Settings())
    yield deliverer
    await deliverer.close()
    await store.close()


async def until(admin, count: int) -> None:
    """Wait until so many others wait for a lock."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(30):
        while await admin.fetchval(waiting) < count:
            await admin.execute("SELECT pg_stat_clear_snapshot()")  # it is kept in a transaction
            await asyncio.sleep(0.01)


async def raise_on(admin, table: str, condition: str, code: str, *, times: int) -> None:
    """Have Postgres break off whatever inserts such a row, so many times."""
    await admin.execute("CREATE SEQUENCE broken_off")
    await admin.execute(
        f"CREATE FUNCTION break_off() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {condition} AND nextval('broken_off') <= {times} THEN "
        f"RAISE EXCEPTION 'broken off' USING ERRCODE = '{code}'; END IF; RETURN NEW; END $$"
    )
    await admin.execute(
        f"CREATE TRIGGER break_off BEFORE INSERT ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION break_off()"
    )


async def test_a_message_that_cannot_be_stored_harms_no_other(
    postgres_url, store, deliverer, account
):
    bad = LocalPlacement(account.id, received_at=UNHEARD_OF)
    results = await gather(
        deliverer,
        *(incoming(account, n, **({"local": (bad,)} if n == 5 else {})) for n in range(12)),
    )
    assert [n for n, result in enumerate(results) if isinstance(result, Unavailable)] == [5]
    placed = [result.placements[0] for result in results if not isinstance(result, Unavailable)]
    assert sorted(p.uid for p in placed) == list(range(1, 12))
    assert not any(p.is_duplicate for p in placed)
    await recount(postgres_url, account.id)


@pytest.mark.parametrize("code", ["XX000", "54000"])
async def test_a_message_that_postgres_chokes_on_harms_no_other(
    postgres_url, store, deliverer, account, admin, code
):
    await raise_on(admin, "email", "NEW.subject = 'poison'", code, times=1_000_000)
    results = await gather(
        deliverer,
        *(incoming(account, n, subject="poison" if n == 5 else "tea") for n in range(12)),
    )
    assert [n for n, result in enumerate(results) if isinstance(result, Unavailable)] == [5]
    assert await messages(store, account) == 11
    await recount(postgres_url, account.id)


@pytest.mark.parametrize("code", ["40P01", "40001"])  # deadlock_detected, serialization_failure
async def test_the_victim_of_a_deadlock_is_done_again(
    postgres_url, store, deliverer, account, admin, code
):
    await raise_on(admin, "mailbox_email", "true", code, times=1)
    results = await gather(deliverer, *(incoming(account, n, remote=REMOTE) for n in range(12)))
    assert not any(result.placements[0].is_duplicate for result in results)
    assert all(result.queue_id is not None for result in results)
    assert await messages(store, account) == 12
    await recount(postgres_url, account.id)


async def test_a_lock_that_is_held_for_too_long_fails_for_now(
    postgres_url, store, blobs, bus, account, admin
):
    async with another_process(postgres_url, blobs, bus, statement_timeout_seconds=0.3) as hasty:
        async with admin.transaction():
            await admin.execute("SELECT FROM account_state FOR UPDATE")
            with pytest.raises(Unavailable):
                await hasty.deliver(incoming(account, 1))
        (placed,) = (await hasty.deliver(incoming(account, 1))).placements
        assert (placed.uid, placed.is_duplicate) == (1, False)
    await recount(postgres_url, account.id)


@pytest.mark.parametrize("remote", [(), REMOTE])
async def test_a_repetition_that_comes_to_two_processes_at_once_is_stored_once(
    postgres_url, store, blobs, bus, account, admin, remote
):
    """Both have looked, and seen nothing, before either writes."""
    async with contextlib.AsyncExitStack() as stack:
        deliverers = [
            await stack.enter_async_context(another_process(postgres_url, blobs, bus))
            for _ in range(3)
        ]
        async with admin.transaction():
            await admin.execute("SELECT FROM account_state FOR UPDATE")
            same = incoming(account, 1, remote=remote)
            tasks = [asyncio.create_task(d.deliver(same)) for d in deliverers]
            await until(admin, 3)
        results = await asyncio.gather(*tasks)
    assert sorted(result.placements[0].is_duplicate for result in results) == [False, True, True]
    assert sum(result.queue_id is not None for result in results) == len(remote)
    assert await messages(store, account) == 1
    await recount(postgres_url, account.id)


async def test_batches_with_the_same_repetitions_in_another_order_do_not_deadlock(
    postgres_url, blobs, store, account, admin
):
    await admin.execute(
        "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_sleep(0.02); RETURN NEW; END $$; CREATE TRIGGER linger "
        "BEFORE INSERT ON queue_message FOR EACH ROW EXECUTE FUNCTION linger()"
    )
    raws = [b"Message-ID: <%d@x>\r\n\r\n" % number for number in range(10)]

    async def commit(order: int) -> list[int | None]:
        written = await blobs.put_many(account.tenant_id, raws)
        rows = [
            QueueRow(
                account.tenant_id, None, "", read_facts(raw).at(ref), False, False, None, None,
                raw[:16], "t", datetime.now(UTC), (QueueRecipientRow("b@x.example", "x.example"),),
            )
            for raw, ref in list(zip(raws, written.refs, strict=True))[::order]
        ]  # fmt: skip
        result = await store.deliveries.commit(
            written.packs, [], rows, duplicate_window_seconds=86400
        )
        return result.queue_ids

    found = await asyncio.gather(commit(1), commit(-1))
    assert sorted(sum(id_ is None for id_ in ids) for ids in found) == [0, 10]
    assert await admin.fetchval("SELECT count(*) FROM queue_recipient") == 10


async def test_no_tenants_load_keeps_anothers_mail_waiting(store, blobs, bus, account):
    """Of batches that go one by one, the last tenant's is not behind all of the others'."""
    settings = Settings(delivery=DeliverySettings(concurrent_batches=1, batch_max_messages=1))
    deliverer = Deliverer(store, blobs, bus, settings)
    finished: list[int] = []

    async def deliver(tenant: int, number: int) -> None:
        await deliverer.deliver(replace(incoming(account, number), tenant_id=tenant))
        finished.append(tenant)

    async with asyncio.TaskGroup() as group:
        for tenant in range(1, 6):
            for number in range(5):
                group.create_task(deliver(tenant, 10 * tenant + number))
        group.create_task(deliver(6, 60))
    await deliverer.close()
    assert finished.index(6) <= 6


async def test_who_no_longer_waits_does_not_stop_the_others(store, deliverer, account):
    tasks = [asyncio.create_task(deliverer.deliver(incoming(account, n))) for n in range(10)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(result, asyncio.CancelledError) for result in results) == 5
    await deliverer.close()
    again = await gather(deliverer, *(incoming(account, n) for n in range(10)))
    assert await messages(store, account) == 10
    assert not any(isinstance(result, Exception) for result in again)


async def test_a_repetition_is_known_for_a_day_and_then_forgotten(store, deliverer, account, admin):
    await deliverer.deliver(incoming(account, 1))
    await admin.execute("UPDATE delivered SET at = at - interval '2 days'")
    (placed,) = (await deliverer.deliver(incoming(account, 1))).placements
    assert not placed.is_duplicate
    assert (await deliverer.deliver(incoming(account, 1))).placements[0].is_duplicate
    assert await store.deliveries.trim(3600) == 0
    await admin.execute("UPDATE delivered SET at = $1", datetime.now(UTC) - timedelta(days=2))
    assert await store.deliveries.trim(86400) == 1


async def test_a_quota_is_exact_whoever_delivers_at_once(postgres_url, store, blobs, bus, account):
    letters = [incoming(account, number) for number in range(10, 40)]
    size = len(letters[0].raw)
    await store.accounts.set_quota(account.address, 10 * size + size // 2)
    async with contextlib.AsyncExitStack() as stack:
        deliverers = [
            await stack.enter_async_context(another_process(postgres_url, blobs, bus))
            for _ in range(3)
        ]
        results = await asyncio.gather(
            *(deliverers[n % 3].deliver(letter) for n, letter in enumerate(letters))
        )
    refused = [r for r in results if r.placements == (NotPlaced("overquota"),)]
    assert len(refused) == 20
    assert (await store.accounts.get(account.id)).used_bytes == 10 * size
    await recount(postgres_url, account.id)


async def test_mail_for_an_account_that_is_being_removed_leaves_nothing_behind(
    store, deliverer, account, admin
):
    async with admin.transaction():
        await admin.execute("SELECT FROM subscription FOR UPDATE")  # holds the removal half way
        removing = asyncio.create_task(store.accounts.remove(account.address))
        await until(admin, 1)
        delivering = asyncio.create_task(deliverer.deliver(incoming(account, 1)))
        await until(admin, 2)
    await removing
    assert (await delivering).placements == (NotPlaced("noaccount"),)
    for table in ("account_state", "mailbox", "mailbox_email", "email", "delivered"):
        assert await admin.fetchval(f"SELECT count(*) FROM {table}") == 0, table
