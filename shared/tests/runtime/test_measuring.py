"""What is measured is what is so: dependencies, the pool, the delivery's lag, connections."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from mailquay.blobs import BlobMissing, BlobStore, BlobUnavailable
from mailquay.delivery import Deliverer, Incoming, LocalPlacement, RemoteRecipient
from mailquay.net.limits import ConnectionCounter
from mailquay.net.peer import Peer
from mailquay.net.tls import TlsContexts
from mailquay.runtime.health import Health
from mailquay.runtime.measuring import measure_regularly
from mailquay.runtime.settings import (
    BlobSettings,
    DatabaseSettings,
    NetSettings,
    Settings,
    TlsSettings,
)
from mailquay.standalone.certificates import make_certificates
from mailquay.store import StoreUnavailable
from mailquay.store.engine import Engine
from mailquay.store.queue import Outcome, Verdict


def value(name: str, **labels: str) -> float:
    found = REGISTRY.get_sample_value(f"mailquay_{name}", labels)
    return 0.0 if found is None else found


def added(name: str, **labels: str) -> Callable[[], float]:
    before = value(name, **labels)
    return lambda: value(name, **labels) - before


async def test_a_dependency_is_up_while_its_check_succeeds(monkeypatch):
    monkeypatch.setattr("mailquay.runtime.health.ASK_AGAIN_SECONDS", 0)
    health = Health()
    errors = [OSError("away"), None]

    async def ask():
        if error := errors.pop():
            raise error

    health.add("blobs", ask, is_critical=False)
    await health.report()
    assert value("dependency_up", dependency="blobs") == 1
    await health.report()
    assert value("dependency_up", dependency="blobs") == 0


async def test_who_asks_while_a_question_is_under_way_waits_for_its_answer():
    health = Health()
    health.is_starting = False
    asked, answer = [], asyncio.Event()

    async def ask():
        asked.append(None)
        await answer.wait()
        raise OSError("away")

    health.add("database", ask, is_critical=True)
    first = asyncio.create_task(health.report())
    second, third = (asyncio.create_task(health.report()) for _ in range(2))
    while not asked:
        await asyncio.sleep(0)
    first.cancel()  # the probe that asked has gone; the question has not
    answer.set()
    assert await second == await third == (False, {"database": "away"})
    assert len(asked) == 1
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_measures_are_taken_though_nobody_probes():
    measured, asked = asyncio.Event(), asyncio.Event()
    health = Health()

    async def ask():
        asked.set()

    health.add("bus", ask, is_critical=False)
    lag = added("event_loop_lag_seconds_count")
    task = asyncio.create_task(measure_regularly(health, [measured.set], seconds=0.01))
    async with asyncio.timeout(20):
        await measured.wait()
        await asked.wait()
        while not lag():
            await asyncio.sleep(0.05)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_the_pool_tells_how_busy_it_was(postgres_url):
    uses, busy = added("database_uses_total"), added("database_busy_seconds_total")
    engine = await Engine.open(DatabaseSettings.model_validate({"url": postgres_url}))
    begun = time.perf_counter()
    async with engine.connection() as c:
        await c.execute("SELECT pg_sleep(0.05)")
        engine.measure()
        assert 0.05 <= busy() <= time.perf_counter() - begun
        assert value("database_connections") == 1
        await c.execute("SELECT pg_sleep(0.05)")
    engine.measure()
    assert 0.1 <= busy() <= time.perf_counter() - begun
    assert uses() >= 1
    so_far = busy()
    engine.measure()
    assert busy() == so_far
    await engine.close()


async def test_who_waits_for_a_connection_is_counted_and_who_waits_in_vain(postgres_url):
    settings = {"url": postgres_url, "pool_max": 3, "connect_timeout_seconds": 1}
    engine = await Engine.open(DatabaseSettings.model_validate(settings))
    waits, vain = added("database_wait_seconds_count"), added("database_exhausted_total")

    async def use() -> None:
        async with engine.connection() as c:
            await c.execute("SELECT pg_sleep(0.01)")

    async with contextlib.AsyncExitStack() as others:
        for _ in range(2):
            await others.enter_async_context(engine.connection())
        await asyncio.gather(use(), use())
        assert (waits(), vain()) == (1, 0)
        await others.enter_async_context(engine.connection())
        with pytest.raises(StoreUnavailable):
            await use()
    assert (waits(), vain()) == (1, 1)
    await engine.close()


async def test_the_lag_is_that_of_the_slowest_and_is_forgotten(store, blobs, bus):
    await store.accounts.add_domain("example.org")
    account = await store.accounts.add("alice@example.org", "hash", "scram")
    deliverer = Deliverer(store, blobs, bus, Settings())
    message = Incoming(
        account.tenant_id, b"Subject: x\r\n\r\nx", "t",
        local=(LocalPlacement(account.id, recipient=account.address),),
    )  # fmt: skip
    begun = time.perf_counter()
    await deliverer.deliver(message)
    deliverer.measure()
    assert 0 < value("delivery_lag_seconds") <= time.perf_counter() - begun
    deliverer.measure()
    assert value("delivery_lag_seconds") == 0
    waiting = asyncio.gather(*(deliverer.deliver(message) for _ in range(3)))
    await asyncio.sleep(0)  # the first is under way now, the others wait
    deliverer.measure()
    assert value("delivery_lag_seconds") > 0
    await waiting
    await deliverer.close()


async def test_what_is_held_is_neither_old_nor_late(store, blobs, bus):
    tenant = await store.accounts.tenant_id()
    deliverer = Deliverer(store, blobs, bus, Settings())

    async def put(address: str) -> int:
        remote = (RemoteRecipient(address, "example.net"),)
        message = Incoming(tenant, b"Subject: x\r\n\r\nx", "t", remote=remote)
        return (await deliverer.deliver(message)).queue_id

    held = await put("held@example.net")
    await store.queue.hold(held)
    depth = await store.queue.depth()
    assert (depth.held, depth.oldest_seconds, depth.late_seconds) == (1, 0, 0)
    await put("due@example.net")
    depth = await store.queue.depth()
    assert depth.oldest_seconds >= depth.late_seconds > 0
    (lease,) = await store.queue.lease("w", 1, 60)
    assert (await store.queue.depth()).late_seconds == 0, "a worker has it"
    later = datetime.now(UTC) + timedelta(hours=1)
    retry = Outcome(lease, Verdict.RETRY, "451 later", "mx", retry_at=later)
    await store.queue.finish("w", [retry])
    depth = await store.queue.depth()
    assert depth.late_seconds == 0, "it is not due"
    assert depth.oldest_seconds > 0
    await deliverer.close()


async def test_failures_of_object_storage_are_counted(tmp_path):
    folder = tmp_path / "blobs"
    blobs = BlobStore.open(BlobSettings(url=f"file://{folder}", read_cache_bytes=0))
    missing = added("blob_errors_total", result="missing")
    unwritten = added("blob_errors_total", result="put_unavailable")
    written = await blobs.put_many(1, [b"x"])
    await blobs.delete_pack(1, written.packs[0].id)
    with pytest.raises(BlobMissing):
        await blobs.get(written.refs[0])
    await blobs.close()
    blocked = BlobStore.open(BlobSettings(url=f"file://{folder}"))
    for path in sorted(folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    folder.rmdir()
    folder.write_text("no folder")
    with pytest.raises(BlobUnavailable):
        await blocked.put_many(2, [b"x"])
    assert (missing(), unwritten()) == (1, 1)
    await blocked.close()


def test_connections_are_counted_by_their_listener():
    imap, imaps = (added("connections_open", listener=name) for name in ("imap", "imaps"))
    counter = ConnectionCounter(NetSettings())
    slot = counter.take(Peer("192.0.2.1", 1), "imap")
    assert slot is not None
    assert (imap(), imaps()) == (1, 0)
    slot.release()
    slot.release()
    assert (imap(), imaps()) == (0, 0)


def test_the_certificates_end_is_told(tmp_path):
    made = make_certificates(tmp_path, ["localhost"])
    TlsContexts(TlsSettings(certificate_file=made.certificate_file, key_file=made.key_file))
    assert value("certificate_expires_seconds") > time.time() + 24 * 3600
