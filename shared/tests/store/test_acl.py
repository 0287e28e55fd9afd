r"""Mailboxes that are shared: entries, who has what of them, and \Seen of each (RFC 4314)."""

import asyncio

import asyncpg
import pytest

from mailquay.delivery import Deliverer, Incoming, LocalPlacement
from mailquay.runtime.settings import Settings
from mailquay.store import NotFound, Refused, Store
from mailquay.store.acl import AclEntry
from mailquay.store.emails import FlagChange
from mailquay.store.mailbox_edits import MailboxPlan, NewMailbox
from mailquay.store.rights import (
    ALL_RIGHTS,
    NO_RIGHTS,
    Rights,
    parse_rights,
    parse_rights_change,
)
from mailquay.testing.recount import recount


@pytest.fixture
async def people(store: Store):
    """An owner and two others of the tenant."""
    await store.accounts.add_domain("example.org")
    return [
        await store.accounts.add(f"{name}@example.org", "hash", "scram")
        for name in ("owner", "ann", "bob")
    ]


@pytest.fixture
async def shared(store: Store, people):
    return await store.mailboxes.create(people[0].id, "Team")


@pytest.fixture
async def deliver(store: Store, blobs, bus, people, shared):
    deliverer = Deliverer(store, blobs, bus, Settings())

    async def some(count: int) -> None:
        placement = LocalPlacement(people[0].id, shared.id)
        mail = Incoming(people[0].tenant_id, b"Subject: x\r\n\r\nx\r\n", "t", local=(placement,))
        for _ in range(count):
            await deliverer.deliver(mail)

    yield some
    await deliverer.close()


async def grant(store: Store, box, identifier: str, rights: str) -> Rights:
    return (await store.acl.set(box.account_id, box.id, identifier, parse_rights_change(rights)))[0]


async def seen_by(store: Store, box, reader) -> list[int]:
    places = await store.emails.places(box.account_id, box.id, reader=reader.id)
    return [place.uid for place in places if place.flags & 1]


async def store_seen(store: Store, box, uids, reader, change=FlagChange.ADD, **more):
    return await store.emails.store_flags(
        box.account_id, box.id, uids, change, 1, (), reader=reader.id, **more
    )


async def test_entries_are_set_changed_and_removed(store: Store, people, shared):
    owner = people[0]
    assert await grant(store, shared, "ann@example.org", "lrs") == parse_rights("lrs")
    assert await grant(store, shared, "ann@example.org", "+d") == parse_rights("lrset")
    assert await grant(store, shared, "-ann@example.org", "s") == Rights.SEEN
    assert await grant(store, shared, "anyone", "l") == Rights.LOOKUP
    assert await store.acl.entries(owner.id, shared.id) == [
        AclEntry("-ann@example.org", Rights.SEEN),
        AclEntry("ann@example.org", parse_rights("lrset")),
        AclEntry("anyone", Rights.LOOKUP),
    ]
    assert await store.acl.rights(people[1].id, owner.id, shared.id) == parse_rights("lret")
    assert await store.acl.rights(people[2].id, owner.id, shared.id) == Rights.LOOKUP
    assert await store.acl.rights(owner.id, owner.id, shared.id) == ALL_RIGHTS
    before = await store.mailboxes.get(owner.id, shared.id)
    modseq = await store.acl.remove(owner.id, shared.id, "ann@example.org")
    after = await store.mailboxes.get(owner.id, shared.id)
    assert before.changed_modseq < after.changed_modseq == after.highestmodseq == modseq
    await grant(store, shared, "anyone", "-l")
    assert [e.identifier for e in await store.acl.entries(owner.id, shared.id)] == [
        "-ann@example.org"
    ]


async def test_only_who_is_of_the_tenant_can_be_named(store: Store, people, shared):
    for identifier in ("nobody@example.org", "", "-", "Anyone", "--anyone"):
        with pytest.raises(NotFound):
            await grant(store, shared, identifier, "lr")
    assert await store.acl.entries(people[0].id, shared.id) == []


async def test_the_owner_keeps_all_rights(store: Store, people, shared):
    for identifier, rights in (
        ("owner@example.org", "lr"),
        ("owner@example.org", "-a"),
        ("-owner@example.org", "+a"),
    ):
        with pytest.raises(Refused):
            await grant(store, shared, identifier, rights)
    assert await grant(store, shared, "owner@example.org", "+lr") == ALL_RIGHTS
    assert await grant(store, shared, "-owner@example.org", "-lr") == NO_RIGHTS
    assert await store.acl.entries(people[0].id, shared.id) == []
    await grant(store, shared, "-anyone", "a")
    assert await store.acl.rights(people[0].id, people[0].id, shared.id) == ALL_RIGHTS


async def test_what_is_shared_is_found_by_who_has_a_right(store: Store, people, shared):
    owner, ann, bob = people
    assert await store.acl.shared_with(ann.id) == []
    await grant(store, shared, "anyone", "lr")
    await grant(store, shared, "-bob@example.org", "lrswipkxtea")
    (found,) = await store.acl.shared_with(ann.id)
    assert (found.owner_id, found.owner_address, found.is_public) == (
        owner.id, "owner@example.org", False,
    )  # fmt: skip
    assert (found.mailbox.name, found.rights) == ("Team", parse_rights("lr"))
    assert await store.acl.find(ann.id, "owner@example.org", "Team") == found
    assert await store.acl.find(ann.id, "owner@example.org", "INBOX") is None
    assert await store.acl.shared_with(bob.id) == []
    assert await store.acl.find(bob.id, "owner@example.org", "Team") is None
    assert await store.acl.shared_with(owner.id) == []


async def test_a_tenant_shares_nothing_with_another(
    store: Store, people, shared, postgres_url: str
):
    c = await asyncpg.connect(postgres_url)
    try:
        tenant = await c.fetchval("INSERT INTO tenant (name) VALUES ('other') RETURNING id")
        await c.execute("INSERT INTO domain (tenant_id, name) VALUES ($1, 'other.org')", tenant)
    finally:
        await c.close()
    stranger = await store.accounts.add("eve@other.org", "hash", "scram")
    await grant(store, shared, "anyone", "lr")
    assert await store.acl.shared_with(stranger.id) == []
    assert await store.acl.find(stranger.id, "owner@example.org", "Team") is None
    assert await store.acl.rights(stranger.id, people[0].id, shared.id) == NO_RIGHTS
    with pytest.raises(NotFound):
        await grant(store, shared, "eve@other.org", "lr")


async def test_a_child_inherits_a_rename_keeps_and_a_deletion_ends(store: Store, people, shared):
    owner, ann, _ = people
    await grant(store, shared, "ann@example.org", "lr")
    await store.mailboxes.create(owner.id, "Team/a/b")
    new = NewMailbox("k", "Team/jmap", None, 1, is_subscribed=False)
    await store.mailbox_edits.apply(owner.id, lambda _: MailboxPlan(create=(new,)))
    await store.mailboxes.create(owner.id, "Elsewhere")
    await store.mailboxes.rename(owner.id, "Team", "Group")
    assert [s.mailbox.name for s in await store.acl.shared_with(ann.id)] == [
        "Group", "Group/a", "Group/a/b", "Group/jmap",
    ]  # fmt: skip
    await store.mailboxes.delete(owner.id, "Group/jmap")
    await store.mailboxes.delete(owner.id, "Group/a")  # stays as a name alone
    assert [s.mailbox.name for s in await store.acl.shared_with(ann.id)] == ["Group", "Group/a/b"]


async def test_each_reader_has_seen_what_it_has(store: Store, people, shared, deliver):
    owner, ann, bob = people
    await grant(store, shared, "anyone", "lrs")
    await deliver(3)
    pulse = await store.emails.pulse(owner.id, shared.id, reader=ann.id)
    others = await store.emails.pulse(owner.id, shared.id, reader=bob.id)
    stored = await store_seen(store, shared, [1, 2], ann)
    assert [(p.uid, p.flags, p.modseq) for p in stored.changed] == [
        (1, 1, stored.modseq), (2, 1, stored.modseq),
    ]  # fmt: skip
    after = await store.emails.pulse(owner.id, shared.id, reader=ann.id)
    assert (after.highestmodseq, after.unseen) == (stored.modseq, 1)
    changed = await store.emails.changed_since(
        owner.id, shared.id, pulse.highestmodseq, reader=ann.id
    )
    assert changed == (list(stored.changed), [])
    # Nobody else sees anything changed.
    assert await store.emails.pulse(owner.id, shared.id, reader=bob.id) == others
    assert (await store.emails.pulse(owner.id, shared.id)).highestmodseq == pulse.highestmodseq
    assert await store.emails.changed_since(
        owner.id, shared.id, pulse.highestmodseq, reader=bob.id
    ) == ([], [])
    await store.emails.store_flags(owner.id, shared.id, [3], FlagChange.ADD, 1, ())
    assert await seen_by(store, shared, ann) == [1, 2]
    assert await seen_by(store, shared, bob) == []
    assert await seen_by(store, shared, owner) == [3]
    found = await store.acl.find(ann.id, "owner@example.org", "Team")
    assert found is not None
    assert found.mailbox.unseen == 1


async def test_a_store_that_changes_nothing_takes_no_modseq(store: Store, people, shared, deliver):
    await deliver(1)
    await store_seen(store, shared, [1], people[1])
    state = await store.emails.state(people[0].id)
    assert (await store_seen(store, shared, [1], people[1])).changed == ()
    assert (await store_seen(store, shared, [1], people[2], FlagChange.REMOVE)).changed == ()
    assert await store.emails.state(people[0].id) == state


async def test_unchangedsince_is_of_both_kinds_of_flags(store: Store, people, shared, deliver):
    owner, ann, bob = people
    await deliver(2)
    known = (await store.emails.pulse(owner.id, shared.id)).highestmodseq
    mine = await store_seen(store, shared, [1], ann)
    refused = await store_seen(store, shared, [1, 2], ann, FlagChange.REMOVE, unchanged_since=known)
    assert (refused.rejected, refused.changed) == ((1,), ())
    # What ann has seen is no change to bob.
    assert (await store_seen(store, shared, [1], bob, unchanged_since=known)).rejected == ()
    common = await store.emails.store_flags(
        owner.id, shared.id, [2], FlagChange.ADD, 4, ("Work",), reader=bob.id
    )
    assert [(p.flags, p.keywords) for p in common.changed] == [(4, ("Work",))]
    later = await store_seen(store, shared, [2], ann, unchanged_since=mine.modseq)
    assert later.rejected == (2,)


async def test_flags_are_split_and_rights_bound_them(
    store: Store, people, shared, deliver, postgres_url
):
    owner, ann, _ = people
    await deliver(1)

    async def replace(rights: str, flags: int, keywords=()):
        stored = await store.emails.store_flags(
            owner.id, shared.id, [1], FlagChange.REPLACE, flags, keywords, reader=ann.id,
            rights=parse_rights(rights),
        )  # fmt: skip
        return [(place.flags, place.keywords) for place in stored.changed]

    assert await replace("swt", 1 | 4 | 8, ("a", "b")) == [(13, ("a", "b"))]
    assert await replace("s", 2) == [(12, ("a", "b"))]
    assert await replace("t", 1 | 2, ("c",)) == [(4, ("a", "b"))]
    assert await replace("w", 1 | 2 | 8, ("c",)) == [(2, ("c",))]
    assert await seen_by(store, shared, owner) == []
    await recount(postgres_url, owner.id)


async def test_what_was_seen_goes_with_the_message(
    store: Store, people, shared, deliver, postgres_url
):
    owner, ann, bob = people
    await grant(store, shared, "anyone", "lrs")
    await deliver(4)
    await store_seen(store, shared, [1, 2, 3], ann)
    await store_seen(store, shared, [2], bob)
    await store.emails.expunge(owner.id, shared.id, [2, 3], only_deleted=False)
    assert (await store.emails.pulse(owner.id, shared.id, reader=ann.id)).unseen == 1
    assert (await store.emails.pulse(owner.id, shared.id, reader=bob.id)).unseen == 2
    await store.mailboxes.delete(owner.id, "Team")
    c = await asyncpg.connect(postgres_url)
    try:
        for table in ("reader_seen", "mailbox_reader", "mailbox_acl"):
            assert await c.fetchval(f"SELECT count(*) FROM {table}") == 0
    finally:
        await c.close()


async def test_who_loses_a_grant_and_has_it_again_reads_everything_anew(
    store: Store, people, shared, deliver
):
    owner, ann, bob = people
    await grant(store, shared, "anyone", "lrs")
    await deliver(2)
    await store_seen(store, shared, [1, 2], ann)
    await store_seen(store, shared, [1], bob)
    known = await store.emails.pulse(owner.id, shared.id, reader=ann.id)
    await grant(store, shared, "-ann@example.org", "r")
    await grant(store, shared, "-ann@example.org", "-r")
    pulse = await store.emails.pulse(owner.id, shared.id, reader=ann.id)
    changed, _ = await store.emails.changed_since(
        owner.id, shared.id, known.highestmodseq, reader=ann.id
    )
    assert (pulse.unseen, [(p.uid, p.flags) for p in changed]) == (2, [(1, 0), (2, 0)])
    assert max(p.modseq for p in changed) <= pulse.highestmodseq
    assert await seen_by(store, shared, bob) == [1]


async def test_copies_are_seen_by_who_has_seen_them(
    store: Store, people, shared, deliver, postgres_url
):
    owner, ann, bob = people
    target = await store.mailboxes.create(owner.id, "Done")
    await deliver(3)
    await store_seen(store, shared, [1, 3], ann)
    await store.emails.store_flags(owner.id, shared.id, [1, 2], FlagChange.ADD, 4 | 8, ("k",))
    copied = await store.emails.copy(
        owner.id, shared.id, [1, 2, 3], target.id, move=True, reader=ann.id,
        rights=parse_rights("is"),
    )  # fmt: skip
    assert copied.target == (1, 2, 3)
    places = await store.emails.places(owner.id, target.id, reader=ann.id)
    assert [(p.uid, p.flags, p.keywords) for p in places] == [(1, 1, ()), (2, 0, ()), (3, 1, ())]
    assert await seen_by(store, target, bob) == []
    assert (await store.emails.pulse(owner.id, target.id, reader=ann.id)).unseen == 1
    assert (await store.emails.pulse(owner.id, shared.id, reader=ann.id)).unseen == 0
    await recount(postgres_url, owner.id)


async def test_readers_at_once_lose_nothing(store: Store, people, shared, deliver):
    owner, ann, bob = people
    await deliver(6)
    await asyncio.gather(
        *(store_seen(store, shared, [uid], who) for uid in range(1, 7) for who in people),
        store.emails.expunge(owner.id, shared.id, [6], only_deleted=False),
    )
    for who in (ann, bob):
        assert await seen_by(store, shared, who) == [1, 2, 3, 4, 5]
        assert (await store.emails.pulse(owner.id, shared.id, reader=who.id)).unseen == 0
