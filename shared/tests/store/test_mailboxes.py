"""Mailboxes: names, trees, roles, subscriptions (RFC 9051 §6.3)."""

import asyncio

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.delivery import Deliverer, Incoming, LocalPlacement
from mailquay.runtime.settings import Settings
from mailquay.store import (
    AlreadyExists,
    HasInferiors,
    LimitReached,
    NotFound,
    Refused,
    RoleTaken,
    Store,
)
from mailquay.store.changes import Point
from mailquay.store.mailboxes import normalise_name
from mailquay.store.names import canonical_name
from mailquay.store.types import Flag


@pytest.fixture
async def account(store: Store):
    await store.accounts.add_domain("example.org")
    return await store.accounts.add("alice@example.org", "hash", "scram")


@pytest.fixture
async def deliverer(store: Store, blobs, bus):
    deliverer = Deliverer(store, blobs, bus, Settings())
    yield deliverer
    await deliverer.close()


async def deliver(deliverer: Deliverer, account, mailbox=None, *, flags: int = 0) -> None:
    mailbox_id = None if mailbox is None else mailbox.id
    placement = LocalPlacement(account.id, mailbox_id, flags=flags)
    await deliverer.deliver(
        Incoming(account.tenant_id, b"Subject: x\r\n\r\nx\r\n", "t", local=(placement,))
    )


async def names(store: Store, account) -> list[str]:
    mailboxes = await store.mailboxes.list_mailboxes(account.id)
    return [m.name for m in mailboxes if m.role is None]


async def test_create_makes_those_above_too(store: Store, account):
    await store.mailboxes.create(account.id, "a/b/c")
    assert await names(store, account) == ["a", "a/b", "a/b/c"]
    with pytest.raises(AlreadyExists):
        await store.mailboxes.create(account.id, "a/b")


async def test_rename_takes_those_below_along(store: Store, account):
    await store.mailboxes.create(account.id, "a/b/c")
    await store.mailboxes.subscribe(account.id, "a/b", on=True)
    await store.mailboxes.rename(account.id, "a", "x/y")
    assert await names(store, account) == ["x", "x/y", "x/y/b", "x/y/b/c"]
    assert "x/y/b" in await store.mailboxes.subscriptions(account.id)
    with pytest.raises(Refused):
        await store.mailboxes.rename(account.id, "x", "x/z")
    with pytest.raises(NotFound):
        await store.mailboxes.rename(account.id, "gone", "z")
    with pytest.raises(AlreadyExists):
        await store.mailboxes.rename(account.id, "x", "Sent")


async def test_rename_to_a_subscribed_name_is_no_conflict(store: Store, account):
    await store.mailboxes.create(account.id, "a")
    for name in ("a", "b"):  # nobody has made a mailbox b
        await store.mailboxes.subscribe(account.id, name, on=True)
    await store.mailboxes.rename(account.id, "a", "b")
    assert {"a", "b"} & await store.mailboxes.subscriptions(account.id) == {"b"}


async def test_rename_may_leave_the_old_subscriptions(store: Store, account):
    await store.mailboxes.create(account.id, "a/b")
    await store.mailboxes.subscribe(account.id, "a/b", on=True)
    await store.mailboxes.rename(account.id, "a", "x", keeps_subscriptions=True)
    assert {"a/b", "x/b"} <= await store.mailboxes.subscriptions(account.id)


async def test_rename_makes_no_name_that_create_would_refuse(store: Store, account):
    await store.mailboxes.create(account.id, "a/" + "b" * 900)
    with pytest.raises(Refused):
        await store.mailboxes.rename(account.id, "a", "c" * 200)
    assert await names(store, account) == ["a", "a/" + "b" * 900]
    with pytest.raises(AlreadyExists):
        await store.mailboxes.rename(account.id, "a", "a")


async def test_inbox_is_moved_out_of_and_stays(store: Store, account, deliverer):
    before = await store.mailboxes.find(account.id, "INBOX")
    for flags in (0, int(Flag.SEEN)):
        await deliver(deliverer, account, flags=flags)
    await store.mailboxes.rename(account.id, "INBOX", "INBOX/old")
    after = await store.mailboxes.find(account.id, "INBOX")
    old = await store.mailboxes.find(account.id, "INBOX/old")
    assert (after.id, after.uidvalidity, after.uidnext) == (before.id, before.uidvalidity, 3)
    assert (after.messages, after.unseen, after.bytes) == (0, 0, 0)
    assert (old.messages, old.unseen, old.uidnext) == (2, 1, 3)
    assert old.highestmodseq == after.highestmodseq == await store.emails.state(account.id)
    _, gone = await store.emails.changed_since(account.id, after.id, before.highestmodseq)
    assert gone == [1, 2]
    with pytest.raises(Refused):
        await store.mailboxes.delete(account.id, "INBOX")


async def test_delete_leaves_a_name_with_children(store: Store, account):
    await store.mailboxes.create(account.id, "a/b")
    await store.mailboxes.delete(account.id, "a")
    assert not (await store.mailboxes.find(account.id, "a")).is_selectable
    with pytest.raises(HasInferiors):
        await store.mailboxes.delete(account.id, "a")
    first = (await store.mailboxes.find(account.id, "a/b")).uidvalidity
    await store.mailboxes.delete(account.id, "a/b")
    again = await store.mailboxes.create(account.id, "a/b")
    assert again.uidvalidity > first


async def test_a_name_made_again_gives_out_no_uid_twice(store: Store, account, deliverer):
    box = await store.mailboxes.create(account.id, "a")
    await store.mailboxes.create(account.id, "a/b")
    await deliver(deliverer, account, box)
    await store.mailboxes.delete(account.id, "a")
    again = await store.mailboxes.create(account.id, "a")
    assert again.uidvalidity > box.uidvalidity
    assert (again.messages, again.uidnext, again.first_recent_uid) == (0, 2, 2)


async def test_uidvalidity_rises_for_a_name_whatever_is_renamed_to_it(store: Store, account):
    """RFC 9051 §2.3.1.1; a rename to a name without a history keeps it, and the clients' caches."""
    old = await store.mailboxes.create(account.id, "old/below")
    young = await store.mailboxes.create(account.id, "young/below")
    await store.mailboxes.delete(account.id, "young/below")
    await store.mailboxes.rename(account.id, "young", "elsewhere")
    await store.mailboxes.rename(account.id, "old", "young")
    renamed = await store.mailboxes.find(account.id, "young/below")
    assert renamed.id == old.id
    assert renamed.uidvalidity > young.uidvalidity
    await store.mailboxes.rename(account.id, "young", "new")
    again = await store.mailboxes.find(account.id, "new/below")
    assert again.uidvalidity == renamed.uidvalidity
    await store.mailboxes.rename(account.id, "new", "young")
    assert (await store.mailboxes.find(account.id, "young/below")).uidvalidity == again.uidvalidity


async def test_what_is_refused_says_why(store: Store, account):
    with pytest.raises(RoleTaken):
        await store.mailboxes.create(account.id, "More junk", role="junk")
    with pytest.raises(LimitReached):
        await store.mailboxes.create(account.id, "One more", limit=6)


async def test_copying_what_is_gone_takes_no_modseq(store: Store, account, deliverer):
    inbox = await store.mailboxes.find(account.id, "INBOX")
    trash = await store.mailboxes.find(account.id, "Trash")
    copied = await store.emails.copy(account.id, inbox.id, [1, 2], trash.id)
    assert copied.source == copied.target == ()
    after = await store.mailboxes.find(account.id, "Trash")
    assert after.highestmodseq <= await store.emails.state(account.id)
    await deliver(deliverer, account, trash)
    assert (await store.mailboxes.find(account.id, "Trash")).highestmodseq > after.highestmodseq


async def test_recent_and_deleted_bytes_are_counted_when_asked(store: Store, account, deliverer):
    inbox = await store.mailboxes.find(account.id, "INBOX")
    for flags in (0, int(Flag.DELETED), int(Flag.DELETED)):
        await deliver(deliverer, account, flags=flags)
    inbox = await store.mailboxes.get(account.id, inbox.id)
    size = inbox.bytes // 3
    assert await store.statuses.recent(account.id, [inbox]) == {inbox.id: 3}
    assert await store.statuses.deleted_bytes(account.id, [inbox]) == {inbox.id: 2 * size}
    await store.emails.expunge(account.id, inbox.id, [2])
    assert await store.statuses.recent(account.id, [inbox]) == {inbox.id: 2}
    await store.mailboxes.advance_recent(account.id, inbox.id, 3)
    assert await store.statuses.recent(account.id, [inbox]) == {inbox.id: 1}
    await store.mailboxes.advance_recent(account.id, inbox.id, 2)  # never back
    assert await store.mailboxes.take_recent(account.id, inbox.id) == 3
    inbox = await store.mailboxes.get(account.id, inbox.id)
    assert await store.statuses.recent(account.id, [inbox]) == {}


async def test_two_sessions_at_once_are_not_both_told_of_the_same_as_recent(
    postgres_url, store: Store, account, deliverer
):
    r"""RFC 3501 §2.3.2: \Recent is told to one session alone, though mail comes in between."""
    inbox = await store.mailboxes.find(account.id, "INBOX")
    await deliver(deliverer, account)
    first = await asyncpg.connect(postgres_url)
    async with first.transaction():
        await first.execute("UPDATE mailbox SET first_recent_uid = uidnext")
        # New mail, so that there is something to take when the second one comes to its turn.
        await first.execute("UPDATE mailbox SET uidnext = uidnext + 1 WHERE id = $1", inbox.id)
        second = asyncio.create_task(store.mailboxes.take_recent(account.id, inbox.id))
        async with asyncio.timeout(30):
            waits = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)"
            while not await first.fetchval(waits):
                await asyncio.sleep(0.01)
    await first.close()
    assert await second == 2


async def test_changes_tell_what_happened(store: Store, account):
    since = await store.emails.state(account.id)
    made = await store.mailboxes.create(account.id, "new")
    gone, _ = await store.mailboxes.delete(account.id, "Junk")
    changes = await store.changes.mailboxes(account.id, Point(since), 100)
    assert changes.created == (made.id,)
    assert changes.destroyed == (gone,)


@given(st.text())
def test_a_name_has_one_form_or_none(name: str):
    try:
        normal = normalise_name(name)
    except Refused:
        return
    assert normalise_name(normal) == normal == canonical_name(name)


@pytest.mark.parametrize(
    "name", ["Other Users", "other users/x", "PUBLIC FOLDERS/info@example.org/x"]
)
async def test_no_mailbox_hides_what_others_share(store, account, name):
    with pytest.raises(Refused):
        await store.mailboxes.create(account.id, name)
    await store.mailboxes.create(account.id, "tea")
    with pytest.raises(Refused):
        await store.mailboxes.rename(account.id, "tea", name)
    assert await store.mailboxes.find(account.id, "tea") is not None
