"""What tenants and domains grant, as the store holds it."""

import asyncio

import asyncpg
import pytest

from mailquay.store.declared import DeclaredAccount, DeclaredDomain, DeclaredTenant, Policy
from mailquay.store.errors import LimitReached, Refused
from mailquay.store.policies import SendingPolicy


async def declare(store, *items):
    async with store.declarations.write() as writer:
        for item in items:
            await writer.put(item, is_new=True)


async def test_without_a_policy_everything_is_granted(store):
    await store.accounts.add_domain("a.example")
    account = await store.accounts.add("x@a.example", "", "")
    assert await store.policies.sending(account.id) == SendingPolicy(True, None, None)
    assert account.effective_quota_bytes(7) == 7


async def test_a_domain_says_it_before_its_tenant_field_by_field(store):
    await declare(
        store,
        DeclaredTenant("acme", policy=Policy(default_quota=10, max_message_size=5, outbound=False)),
        DeclaredDomain("a.example", tenant="acme", policy=Policy(outbound=True)),
        DeclaredDomain("b.example", tenant="acme", policy=Policy(default_quota=0)),
    )
    a = await store.accounts.add("x@a.example", "", "")
    b = await store.accounts.add("x@b.example", "", "")
    own = await store.accounts.add("y@b.example", "", "", quota_bytes=3)
    assert await store.policies.sending(a.id) == SendingPolicy(True, 5, None)
    assert await store.policies.sending(b.id) == SendingPolicy(False, 5, None)
    assert [x.effective_quota_bytes(7) for x in (a, b, own)] == [10, 0, 3]


async def test_accounts_are_limited_though_many_are_added_at_once(store):
    await declare(
        store,
        DeclaredTenant("acme", policy=Policy(max_accounts=5)),
        DeclaredDomain("a.example", tenant="acme", policy=Policy(max_accounts=3)),
        DeclaredDomain("b.example", tenant="acme"),
    )

    async def add(number, domain):
        try:
            await store.accounts.add(f"n{number}@{domain}", "", "")
        except LimitReached as error:
            return str(error)
        return None

    told = await asyncio.gather(*(add(n, "a.example") for n in range(8)))
    assert told.count(None) == 3
    assert set(told) == {None, "the domain a.example may have 3 accounts, and has them"}
    told = await asyncio.gather(*(add(n, "b.example") for n in range(6)))
    assert told.count(None) == 2
    assert set(told) == {None, "the tenant acme may have 5 accounts, and has them"}


async def test_domains_are_limited(store):
    await declare(store, DeclaredTenant("default", max_domains=1))
    await store.accounts.add_domain("a.example")
    with pytest.raises(LimitReached, match="may have 1 domains"):
        await store.accounts.add_domain("b.example")


async def test_recipients_are_counted_exactly_by_whoever_asks_at_once(store):
    await store.accounts.add_domain("a.example")
    account = await store.accounts.add("x@a.example", "", "")
    taken = await asyncio.gather(
        *(store.policies.take_recipients(account.id, 3, limit=10) for _ in range(8))
    )
    assert sum(taken) == 3
    assert not await store.policies.take_recipients(account.id, 2, limit=10)
    assert await store.policies.take_recipients(account.id, 1, limit=10)
    await store.policies.give_back_recipients(account.id, 4)
    assert await store.policies.take_recipients(account.id, 4, limit=10)
    assert not await store.policies.take_recipients(account.id, 1, limit=10)


async def test_the_first_message_may_be_too_large_for_the_day_already(store):
    await store.accounts.add_domain("a.example")
    account = await store.accounts.add("x@a.example", "", "")
    assert not await store.policies.take_recipients(account.id, 11, limit=10)
    assert await store.policies.take_recipients(account.id, 10, limit=10)


async def test_a_day_later_the_count_begins_anew(store, postgres_url):
    await store.accounts.add_domain("a.example")
    account = await store.accounts.add("x@a.example", "", "")
    assert await store.policies.take_recipients(account.id, 10, limit=10)
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("UPDATE sending SET since = since - interval '24 hours'")
    await connection.close()
    assert await store.policies.take_recipients(account.id, 9, limit=10)
    assert not await store.policies.take_recipients(account.id, 2, limit=10)


async def test_accounts_that_are_added_by_hand_wait_for_whoever_applies_files(store):
    await store.accounts.add_domain("a.example")
    async with store.declarations.write() as writer:
        adding = asyncio.create_task(store.accounts.add("x@a.example", "", ""))
        removing = asyncio.create_task(store.accounts.remove_domain("a.example"))
        await writer.put(DeclaredDomain("a.example", catch_all="y@a.example"), is_new=False)
        await writer.put(DeclaredAccount("y@a.example"), is_new=True)
        assert not adding.done()
    assert (await adding).address == "x@a.example"
    with pytest.raises(Refused):
        await removing
