"""The delivery batch on the real Postgres, NATS and object store."""

import asyncio
import hashlib
import os
from dataclasses import replace

import asyncpg
import pytest

from mailquay.blobs.check import check_blobs, collect_blobs
from mailquay.delivery import (
    Deliverer,
    Incoming,
    LocalPlacement,
    NotPlaced,
    RemoteRecipient,
    Unavailable,
)
from mailquay.events import AccountChanged, QueueReady
from mailquay.runtime.settings import Settings
from mailquay.store import NotFound
from mailquay.store.changes import Point
from mailquay.store.emails import FlagChange
from mailquay.store.types import Flag


def message(number: int, body: bytes = b"Hello.\r\n", references: str = "") -> bytes:
    extra = f"References: {references}\r\n" if references else ""
    head = f"From: a@example.net\r\nSubject: Re: tea\r\nMessage-ID: <m{number}@x>\r\n{extra}\r\n"
    return head.encode() + body


def incoming(account, number: int, **changes) -> Incoming:
    raw = changes.pop("raw", message(number))
    made = Incoming(
        tenant_id=account.tenant_id,
        raw=raw,
        trace_id=f"t{number}",
        local=(LocalPlacement(account.id, recipient=account.address),),
        reverse_path="a@example.net",
        repeat_key=hashlib.sha256(raw).digest(),
    )
    return replace(made, **changes)


async def inbox(store, account):
    return await store.mailboxes.find(account.id, "INBOX")


async def test_what_is_delivered_can_be_read(store, blobs, deliverer, account):
    result = await deliverer.deliver(incoming(account, 1))
    (placed,) = result.placements
    assert placed.uid == 1
    box = await inbox(store, account)
    assert (box.messages, box.unseen, box.uidnext, box.bytes) == (1, 1, 2, len(message(1)))
    assert box.uidvalidity == placed.uidvalidity
    assert box.highestmodseq == placed.modseq == await store.emails.state(account.id)
    bodies = await store.emails.bodies(account.id, [placed.email_id])
    assert await blobs.get(bodies[placed.email_id]) == message(1)
    assert (await store.accounts.get(account.id)).used_bytes == len(message(1))


async def test_many_at_once_get_uids_in_order(store, deliverer, account):
    results = await asyncio.gather(*(deliverer.deliver(incoming(account, n)) for n in range(300)))
    uids = sorted(result.placements[0].uid for result in results)
    assert uids == list(range(1, 301))
    places = await store.emails.places(account.id, (await inbox(store, account)).id)
    assert [place.uid for place in places] == uids
    assert (await inbox(store, account)).messages == 300


async def test_a_repetition_is_acknowledged_and_not_stored(store, deliverer, account):
    first = await deliverer.deliver(incoming(account, 1))
    again = await asyncio.gather(*(deliverer.deliver(incoming(account, 1)) for _ in range(3)))
    assert not first.placements[0].is_duplicate
    assert all(result.placements[0].is_duplicate for result in again)
    assert (await inbox(store, account)).messages == 1
    # Without a Message-ID nobody can say that it is the same.
    anonymous = incoming(account, 2, raw=b"Subject: x\r\n\r\nx\r\n")
    await deliverer.deliver(anonymous)
    await deliverer.deliver(anonymous)
    assert (await inbox(store, account)).messages == 3


async def test_what_was_refused_for_quota_is_taken_when_it_comes_again(store, deliverer, account):
    await store.accounts.set_quota(account.address, 10)
    assert (await deliverer.deliver(incoming(account, 1))).placements == (NotPlaced("overquota"),)
    await store.accounts.set_quota(account.address, 0)
    (placed,) = (await deliverer.deliver(incoming(account, 1))).placements
    assert not placed.is_duplicate
    assert (await inbox(store, account)).messages == 1


async def test_processes_that_deliver_to_one_account_at_once_lose_nothing(
    store, blobs, bus, account
):
    deliverers = [Deliverer(store, blobs, bus, Settings()) for _ in range(4)]
    results = await asyncio.gather(
        *(
            deliverers[n % 4].deliver(
                incoming(account, n, raw=message(n, references=f"<m{n ^ 1}@x>"))
            )
            for n in range(200)
        )
    )
    placed = [result.placements[0] for result in results]
    assert sorted(p.uid for p in placed) == list(range(1, 201))
    by_uid = sorted(placed, key=lambda p: p.uid)
    assert [p.modseq for p in by_uid] == sorted(p.modseq for p in placed)
    for n in range(0, 200, 2):
        assert placed[n].thread_id == placed[n + 1].thread_id
    box = await inbox(store, account)
    assert (box.messages, box.uidnext, box.highestmodseq) == (200, 201, by_uid[-1].modseq)


async def test_a_batch_that_is_held_up_does_not_hold_up_the_next(
    postgres_url, store, deliverer, account
):
    other = await store.accounts.add("bob@example.org", "hash", "scram")
    holder = await asyncpg.connect(postgres_url)
    async with holder.transaction():
        await holder.execute(
            "SELECT FROM account_state WHERE account_id = $1 FOR UPDATE", account.id
        )
        held = asyncio.create_task(deliverer.deliver(incoming(account, 1)))
        result = await asyncio.wait_for(deliverer.deliver(incoming(other, 2)), 20)
        assert result.placements[0].uid == 1
        assert not held.done()
    assert (await held).placements[0].uid == 1
    await holder.close()


async def test_the_same_twice_in_one_batch_is_stored_once(store, deliverer, account):
    results = await asyncio.gather(*(deliverer.deliver(incoming(account, 1)) for _ in range(20)))
    assert sum(not result.placements[0].is_duplicate for result in results) == 1
    assert (await inbox(store, account)).messages == 1


async def test_replies_join_their_thread(deliverer, account):
    first = await deliverer.deliver(incoming(account, 1))
    reply = incoming(account, 2, raw=message(2, references="<m1@x>"))
    other = incoming(account, 3, raw=message(3))
    second, third = await asyncio.gather(deliverer.deliver(reply), deliverer.deliver(other))
    assert second.placements[0].thread_id == first.placements[0].thread_id
    assert third.placements[0].thread_id != first.placements[0].thread_id


async def test_what_cannot_be_placed_says_why(store, deliverer, account):
    gone = replace(incoming(account, 1), local=(LocalPlacement(account.id, 999_999),))
    assert (await deliverer.deliver(gone)).placements == (NotPlaced("nomailbox"),)
    nobody = replace(incoming(account, 1), local=(LocalPlacement(424242),))
    assert (await deliverer.deliver(nobody)).placements == (NotPlaced("noaccount"),)
    await store.accounts.set_quota(account.address, 10)
    assert (await deliverer.deliver(incoming(account, 2))).placements == (NotPlaced("overquota"),)


async def test_events_follow_the_commit(store, bus, deliverer, account):
    heard: asyncio.Queue = asyncio.Queue()
    account_listener = bus.subscribe_account(account.id, heard.put_nowait)
    other_listener = bus.subscribe(heard.put_nowait)
    await asyncio.sleep(0.2)
    remote = (RemoteRecipient("b@example.net", "example.net"),)
    result = await deliverer.deliver(incoming(account, 1, remote=remote))
    events = [await asyncio.wait_for(heard.get(), 5) for _ in range(2)]
    changed = next(event for event in events if isinstance(event, AccountChanged))
    assert changed.modseq == result.placements[0].modseq
    assert changed.trace_id == "t1"
    assert any(isinstance(event, QueueReady) for event in events)
    account_listener.close()
    other_listener.close()


async def test_remote_recipients_are_queued_once(store, deliverer, account):
    remote = (
        RemoteRecipient("b@example.net", "example.net"),
        RemoteRecipient("c@example.net", "example.net", notify="NEVER"),
    )
    first = await deliverer.deliver(incoming(account, 1, remote=remote))
    again = await deliverer.deliver(incoming(account, 1, remote=remote))
    assert first.queue_id is not None
    assert again.queue_id is None
    queued, recipients = await store.queue.show(first.queue_id)
    assert queued.reverse_path == "a@example.net"
    assert [(r.address, r.state) for r in recipients] == [
        ("b@example.net", "queued"), ("c@example.net", "queued"),
    ]  # fmt: skip


async def test_a_large_body_has_a_pack_of_its_own(store, blobs, deliverer, account):
    large = message(1, os.urandom(3_000_000).hex().encode())
    result = await deliverer.deliver(incoming(account, 1, raw=large))
    body = (await store.emails.bodies(account.id, [result.placements[0].email_id]))[
        result.placements[0].email_id
    ]
    assert await blobs.get(body) == large
    assert body.pack_offset == 0


async def test_any_bytes_are_taken(store, blobs, deliverer, account):
    raws = [b"", b"\0\0\r\n\xff", b"Subject: \0\xff\xfe\r\n\r\n\0", os.urandom(2000)]
    results = await asyncio.gather(
        *(deliverer.deliver(incoming(account, n, raw=raw)) for n, raw in enumerate(raws))
    )
    for raw, result in zip(raws, results, strict=True):
        email_id = result.placements[0].email_id
        assert await blobs.get((await store.emails.bodies(account.id, [email_id]))[email_id]) == raw


async def test_nothing_is_acknowledged_when_the_storage_fails(
    store, blobs, deliverer, account, monkeypatch
):
    from mailquay.blobs import BlobUnavailable

    async def fail(*_):
        raise BlobUnavailable("no space")

    monkeypatch.setattr(blobs.objects, "put", fail)
    with pytest.raises(Unavailable):
        await deliverer.deliver(incoming(account, 1))
    monkeypatch.undo()
    await deliverer.deliver(incoming(account, 1))
    assert (await inbox(store, account)).messages == 1


async def test_the_check_finds_what_is_wrong(store, blobs, deliverer, account, tmp_path):
    results = await asyncio.gather(*(deliverer.deliver(incoming(account, n)) for n in range(3)))
    report = await check_blobs(store, blobs)
    assert report.is_clean
    assert report.bodies == 3
    assert report.orphans == 0
    packs = sorted((tmp_path / "blobs" / "packs").rglob("*"))
    files = [path for path in packs if path.is_file()]
    assert all(path.stat().st_size for path in files)
    files[0].write_bytes(b"x" * files[0].stat().st_size)
    blobs._cache.clear()
    assert not (await check_blobs(store, blobs)).is_clean
    files[0].unlink()
    assert not (await check_blobs(store, blobs)).is_clean
    assert results


async def test_dead_packs_and_orphans_go_after_their_grace(store, blobs, deliverer, account):
    result = await deliverer.deliver(incoming(account, 1))
    await deliverer.deliver(incoming(account, 2))
    await blobs.put_many(account.tenant_id, [b"never committed"])
    box = await inbox(store, account)
    await store.emails.expunge(account.id, box.id, [result.placements[0].uid], only_deleted=False)
    report = await check_blobs(store, blobs)
    assert (report.dead_packs, report.orphans, report.is_clean) == (1, 1, True)
    early = await collect_blobs(store, blobs, grace_seconds=3600)
    assert (early.packs, early.orphans) == (0, 0)
    late = await collect_blobs(store, blobs, grace_seconds=-1)
    assert (late.packs, late.orphans) == (1, 1)
    report = await check_blobs(store, blobs)
    assert (report.packs, report.orphans, report.is_clean) == (1, 0, True)


async def test_flags_copies_moves_and_expunges_keep_the_counters(store, deliverer, account):
    await asyncio.gather(*(deliverer.deliver(incoming(account, n)) for n in range(5)))
    emails, box = store.emails, await inbox(store, account)
    archive = await store.mailboxes.find(account.id, "Archive")
    since = (await emails.pulse(account.id, box.id)).highestmodseq
    stored = await emails.store_flags(
        account.id, box.id, [1, 2, 3], FlagChange.ADD, Flag.SEEN | Flag.DELETED, ["$Work"]
    )
    assert [p.uid for p in stored.changed] == [1, 2, 3]
    assert all(p.keywords == ("$Work",) for p in stored.changed)
    again = await emails.store_flags(account.id, box.id, [1], FlagChange.ADD, Flag.SEEN, ["$work"])
    assert again.changed == ()
    rejected = await emails.store_flags(
        account.id, box.id, [1, 4], FlagChange.REPLACE, Flag.FLAGGED, [], unchanged_since=since
    )
    assert rejected.rejected == (1,)
    assert [p.uid for p in rejected.changed] == [4]
    copied = await emails.copy(account.id, box.id, [1, 4], archive.id)
    assert (copied.source, copied.target) == ((1, 4), (1, 2))
    moved = await emails.copy(account.id, box.id, [5], archive.id, move=True)
    assert moved.target == (3,)
    gone, _ = await emails.expunge(account.id, box.id)
    assert gone == [1, 2, 3]
    changed, expunged = await emails.changed_since(account.id, box.id, since)
    assert expunged == [1, 2, 3, 5]
    assert [p.uid for p in changed] == [4]
    box, archive = await inbox(store, account), await store.mailboxes.get(account.id, archive.id)
    assert (box.messages, box.unseen, box.deleted, box.uidnext) == (1, 1, 0, 6)
    assert (archive.messages, archive.unseen, archive.deleted) == (3, 2, 1)
    assert (await store.accounts.get(account.id)).used_messages == 3
    changes = await store.changes.emails(account.id, Point(since), 100)
    # One of them is in the archive still, but with \\Deleted, and so out of JMAP's sight.
    assert len(changes.destroyed) == 3
    assert len(changes.updated) == 2


async def test_flags_that_are_stored_at_once_are_all_kept(store, deliverer, account):
    await deliverer.deliver(incoming(account, 1))
    box = await inbox(store, account)

    async def add(keyword: str) -> int:
        stored = await store.emails.store_flags(
            account.id, box.id, [1], FlagChange.ADD, Flag.SEEN, [keyword]
        )
        assert keyword in stored.changed[0].keywords
        return stored.modseq

    keywords = [f"k{n}" for n in range(40)]
    modseqs = await asyncio.gather(*map(add, keywords))
    (place,) = await store.emails.places(account.id, box.id)
    assert sorted(place.keywords) == sorted(keywords)
    assert sorted(modseqs) == list(range(min(modseqs), min(modseqs) + 40))
    assert await store.emails.state(account.id) == max(modseqs)


async def test_flags_of_an_account_that_is_gone_are_not_found(store, account):
    box = await inbox(store, account)
    await store.accounts.remove(account.address)
    with pytest.raises(NotFound):
        await store.emails.store_flags(account.id, box.id, [1], FlagChange.ADD, Flag.SEEN, [])


async def test_together_all_are_placed_or_none(store, deliverer, account):
    several = [incoming(account, n, repeat_key=None) for n in range(3)]
    delivered = await deliverer.deliver_together(several)
    assert [d.placements[0].uid for d in delivered] == [1, 2, 3]
    assert len({d.placements[0].modseq for d in delivered}) == 1
    nowhere = LocalPlacement(account.id, 999_999)
    refused = await deliverer.deliver_together(
        [*several, incoming(account, 9, repeat_key=None, local=(nowhere,)), *several]
    )
    assert [d.placements for d in refused] == [(NotPlaced("nomailbox"),)] * 7
    box = await inbox(store, account)
    assert (box.messages, box.uidnext) == (3, 4)
    assert (await deliverer.deliver(several[0])).placements[0].uid == 4


async def test_together_all_fit_the_quota_or_none(store, deliverer, account):
    several = [incoming(account, n, repeat_key=None) for n in range(3)]
    room = sum(len(one.raw) for one in several)
    await store.accounts.set_quota(account.address, room - 1)
    refused = await deliverer.deliver_together(several)
    assert [d.placements for d in refused] == [(NotPlaced("overquota"),)] * 3
    await store.accounts.set_quota(account.address, room)
    delivered = await deliverer.deliver_together(several)
    assert [d.placements[0].uid for d in delivered] == [1, 2, 3]
