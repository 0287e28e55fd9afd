"""Mailboxes: names, trees, roles, subscriptions (RFC 9051 §6.3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.store import AlreadyExists, NotFound, Refused, Store
from mailquay.store.mailboxes import normalise_name


@pytest.fixture
async def account(store: Store):
    await store.accounts.add_domain("example.org")
    return await store.accounts.add("alice@example.org", "hash", "scram")


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


async def test_inbox_is_moved_out_of_and_stays(store: Store, account):
    before = await store.mailboxes.find(account.id, "INBOX")
    await store.mailboxes.rename(account.id, "INBOX", "old")
    after = await store.mailboxes.find(account.id, "INBOX")
    assert after.uidvalidity > before.uidvalidity
    assert (await store.mailboxes.find(account.id, "old")).id == before.id
    with pytest.raises(Refused):
        await store.mailboxes.delete(account.id, "INBOX")


async def test_delete_leaves_a_name_with_children(store: Store, account):
    await store.mailboxes.create(account.id, "a/b")
    await store.mailboxes.delete(account.id, "a")
    assert not (await store.mailboxes.find(account.id, "a")).is_selectable
    with pytest.raises(Refused):
        await store.mailboxes.delete(account.id, "a")
    first = (await store.mailboxes.find(account.id, "a/b")).uidvalidity
    await store.mailboxes.delete(account.id, "a/b")
    again = await store.mailboxes.create(account.id, "a/b")
    assert again.uidvalidity > first


async def test_changes_tell_what_happened(store: Store, account):
    since = await store.emails.state(account.id)
    made = await store.mailboxes.create(account.id, "new")
    gone, _ = await store.mailboxes.delete(account.id, "Junk")
    changes = await store.mailboxes.changes(account.id, since)
    assert changes.created == (made.id,)
    assert changes.destroyed == (gone,)


@given(st.text())
def test_a_name_has_one_form_or_none(name: str):
    try:
        normal = normalise_name(name)
    except Refused:
        return
    assert normalise_name(normal) == normal
