"""Domains, accounts, aliases and what an address means."""

import pytest

from mailquay.store import AlreadyExists, NotFound, Refused, Store
from mailquay.store.recipients import LocalTarget, RemoteTarget


async def add(store: Store, address: str):
    return await store.accounts.add(address, "hash", "scram", display_name="A Person")


@pytest.fixture
async def domain(store: Store):
    return await store.accounts.add_domain("example.org")


async def test_an_account_comes_with_its_mailboxes(store: Store, domain):
    account = await add(store, "alice@example.org")
    mailboxes = await store.mailboxes.list_mailboxes(account.id)
    assert {m.name: m.role for m in mailboxes} == {
        "INBOX": "inbox", "Drafts": "drafts", "Sent": "sent", "Archive": "archive",
        "Junk": "junk", "Trash": "trash",
    }  # fmt: skip
    assert all(m.is_subscribed and m.uidnext == 1 for m in mailboxes)
    assert [i.email for i in await store.identities.list_identities(account.id)] == [
        "alice@example.org"
    ]
    assert await store.accounts.find("alice@example.org") == account
    assert await store.accounts.find("nobody@example.org") is None
    assert await store.accounts.list_accounts("example.org") == [account]
    assert await store.accounts.list_accounts("example.net") == []


async def test_names_are_taken_once(store: Store, domain):
    await add(store, "alice@example.org")
    with pytest.raises(AlreadyExists):
        await add(store, "alice@example.org")
    with pytest.raises(AlreadyExists):
        await store.accounts.add_domain("example.org")
    with pytest.raises(AlreadyExists):
        await store.accounts.add_alias("alice@example.org", ["x@example.net"])
    with pytest.raises(NotFound):
        await add(store, "alice@elsewhere.example")


async def test_a_password_change_voids_what_was_before(store: Store, domain):
    account = await add(store, "alice@example.org")
    changed = await store.accounts.set_password("alice@example.org", "other", "other")
    assert changed.credential_version == account.credential_version + 1
    disabled = await store.accounts.set_state("alice@example.org", "disabled")
    assert not disabled.is_active
    with pytest.raises(NotFound):
        await store.accounts.set_state("nobody@example.org", "active")


async def test_a_domain_with_accounts_stays(store: Store, domain):
    await add(store, "alice@example.org")
    with pytest.raises(Refused):
        await store.accounts.remove_domain("example.org")
    await store.accounts.remove("alice@example.org")
    await store.accounts.remove_domain("example.org")
    assert await store.accounts.list_domains() == []


async def resolved(store: Store, address: str):
    resolution = await store.recipients.resolve(address)
    return resolution.is_local_domain, sorted(t.address for t in resolution.targets)


async def test_what_an_address_means(store: Store, domain):
    await add(store, "alice@example.org")
    await add(store, "bob@example.org")
    await store.accounts.add_alias("team@example.org", ["alice@example.org", "bob@example.org"])
    await store.accounts.add_alias("all@example.org", ["team@example.org", "far@example.net"])
    await store.accounts.add_alias("loop@example.org", ["loop2@example.org"])
    await store.accounts.add_alias("loop2@example.org", ["loop@example.org"])
    assert await resolved(store, "alice@example.org") == (True, ["alice@example.org"])
    assert await resolved(store, "alice+lists@example.org") == (True, ["alice@example.org"])
    assert await resolved(store, "team+x@example.org") == (
        True, ["alice@example.org", "bob@example.org"],
    )  # fmt: skip
    assert await resolved(store, "all@example.org") == (
        True, ["alice@example.org", "bob@example.org", "far@example.net"],
    )  # fmt: skip
    assert await resolved(store, "loop@example.org") == (True, [])
    assert await resolved(store, "nobody@example.org") == (True, [])
    assert await resolved(store, "alice@example.net") == (False, [])
    targets = (await store.recipients.resolve("all@example.org")).targets
    assert {type(t) for t in targets} == {LocalTarget, RemoteTarget}


async def test_the_catch_all_comes_last(store: Store, domain):
    await add(store, "alice@example.org")
    await add(store, "post@example.org")
    await store.accounts.set_catch_all("example.org", "post@example.org")
    assert await resolved(store, "alice+x@example.org") == (True, ["alice@example.org"])
    assert await resolved(store, "anyone@example.org") == (True, ["post@example.org"])
    assert await resolved(store, "any+one@example.org") == (True, ["post@example.org"])
