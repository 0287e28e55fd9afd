"""Whom an address means: aliases, subaddresses (RFC 5233), catch-all, loops, postmaster."""

import pytest

from mailquay.store.recipients import LocalTarget, RemoteTarget


@pytest.fixture
async def accounts(store):
    await store.accounts.add_domain("example.org")
    for name in ("alice", "bob"):
        await store.accounts.add(f"{name}@example.org", "hash", "scram")
    return store.accounts


async def targets(store, address: str) -> list[str]:
    resolution = await store.recipients.resolve(address)
    assert resolution.is_local_domain
    return sorted(target.address for target in resolution.targets)


async def test_an_account_is_itself(store, accounts):
    resolution = await store.recipients.resolve("alice@example.org")
    (target,) = resolution.targets
    assert isinstance(target, LocalTarget)
    assert (target.address, target.is_active) == ("alice@example.org", True)
    assert resolution.tenant_id == target.tenant_id


async def test_another_domain_is_not_ours(store, accounts):
    resolution = await store.recipients.resolve("alice@example.net")
    assert not resolution.is_local_domain
    assert resolution.targets == ()


async def test_a_user_that_is_unknown_has_no_targets(store, accounts):
    assert await targets(store, "carol@example.org") == []


async def test_a_subaddress_is_its_user_and_the_longest_match_wins(store, accounts):
    assert await targets(store, "alice+tag@example.org") == ["alice@example.org"]
    assert await targets(store, "alice+a+b@example.org") == ["alice@example.org"]
    assert await targets(store, "+tag@example.org") == []
    await accounts.add_alias("alice+tag@example.org", ["bob@example.org"])
    assert await targets(store, "alice+tag@example.org") == ["bob@example.org"]


async def test_aliases_are_followed_here_and_elsewhere(store, accounts):
    await accounts.add_alias("one@example.org", ["two@example.org", "carol@example.net"])
    await accounts.add_alias("two@example.org", ["alice@example.org", "bob+x@example.org"])
    found = (await store.recipients.resolve("one@example.org")).targets
    assert sorted(t.address for t in found) == [
        "alice@example.org", "bob@example.org", "carol@example.net",
    ]  # fmt: skip
    assert RemoteTarget("carol@example.net") in found


async def test_a_loop_of_aliases_ends(store, accounts):
    await accounts.add_alias("a@example.org", ["b@example.org"])
    await accounts.add_alias("b@example.org", ["a@example.org", "alice@example.org"])
    await accounts.add_alias("c@example.org", ["c@example.org"])
    assert await targets(store, "a@example.org") == ["alice@example.org"]
    assert await targets(store, "c@example.org") == []


async def test_the_catch_all_takes_what_nobody_is(store, accounts):
    await accounts.set_catch_all("example.org", "bob@example.org")
    assert await targets(store, "carol@example.org") == ["bob@example.org"]
    assert await targets(store, "carol+x@example.org") == ["bob@example.org"]
    assert await targets(store, "alice@example.org") == ["alice@example.org"]
    await accounts.add_alias("team@example.org", ["alice@example.org", "alice+team@example.org"])
    assert await targets(store, "team@example.org") == ["alice@example.org"]
    await accounts.set_catch_all("example.org", "gone@example.org")
    assert await targets(store, "carol@example.org") == []


async def test_the_postmaster_is_whoever_administers(store, accounts):
    assert await targets(store, "postmaster@example.org") == []
    await accounts.add("root@example.org", "hash", "scram", role="admin")
    assert await targets(store, "postmaster@example.org") == ["root@example.org"]
    (target,) = (await store.recipients.postmaster()).targets
    assert target.address == "root@example.org"
    await accounts.set_state("root@example.org", "disabled")
    assert await targets(store, "postmaster@example.org") == []
    assert (await store.recipients.postmaster()).targets == ()


async def test_a_postmaster_who_was_set_up_comes_first(store, accounts):
    await accounts.add("root@example.org", "hash", "scram", role="admin")
    await accounts.add_alias("postmaster@example.org", ["alice@example.org"])
    assert await targets(store, "postmaster@example.org") == ["alice@example.org"]


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("alice@example.org", True),
        ("alice+tag@example.org", True),
        ("sales@example.org", True),
        ("sales+eu@example.org", True),
        ("bob@example.org", False),
        ("bob+tag@example.org", False),
        ("alice@example.net", False),
        ("alice+tag@example.net", False),
        ("+tag@example.org", False),
        ("any@example.org", False),
    ],
)
async def test_one_sends_as_oneself_or_as_an_alias_that_leads_here(store, accounts, address, may):
    await accounts.set_catch_all("example.org", "alice@example.org")
    await accounts.add_alias("sales@example.org", ["alice@example.org", "bob@example.net"])
    account = await accounts.by_address("alice@example.org")
    assert await store.identities.may_send_as(account.id, address) is may
