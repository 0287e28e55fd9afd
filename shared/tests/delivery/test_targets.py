"""From recipients to what is handed to the delivery, and whose addresses are whose."""

import pytest

from mailquay.delivery.recipients import RecipientCache, Verdict
from mailquay.delivery.senders import OwnAddresses
from mailquay.delivery.targets import by_tenant
from mailquay.store import Store


@pytest.fixture
def cache(store: Store) -> RecipientCache:
    return RecipientCache(store, hostname="mail.example", seconds=0, default_quota_bytes=0)


async def test_two_recipients_that_mean_one_account_are_one_placement(store, account, cache):
    targets = ["alice@example.org", "Out@elsewhere.example"]
    await store.accounts.add_alias("team@example.org", targets)
    alice, team = await cache.resolve("Alice@example.org"), await cache.resolve("team@example.org")
    foreign = await cache.resolve("Out@elsewhere.example")
    assert foreign.verdict is Verdict.FOREIGN
    sorted_ = by_tenant(
        [alice, team, foreign.relayed()],
        owner=account.tenant_id,
        may_be_refused=lambda recipient: recipient is alice,
    )
    (found,) = sorted_.values()
    assert list(sorted_) == [account.tenant_id]
    (placement,) = found.local.values()
    assert placement.account_id == account.id
    assert placement.recipient == "alice@example.org"
    assert placement.enforce_quota
    assert [(r.address, r.domain) for r in found.remote.values()] == [
        ("Out@elsewhere.example", "elsewhere.example")
    ]


async def test_mail_of_a_stranger_for_elsewhere_is_the_aliases_tenants(store, account, cache):
    await store.accounts.add_alias("out@example.org", ["a@elsewhere.example"])
    alias = await cache.resolve("out@example.org")
    found = by_tenant([alias], owner=None, may_be_refused=lambda _: True)
    assert list(found) == [account.tenant_id]


@pytest.mark.parametrize(
    ("header", "is_own"),
    [
        (b"From: Alice <alice@example.org>\r\n\r\n", True),
        (b"From: Alice+news@Example.org\r\n\r\n", True),
        (b"From: sales@example.org\r\n\r\n", True),
        (b"From: bert@example.org\r\n\r\n", False),
        (b"From: alice@example.org, bert@example.org\r\n\r\n", False),
        (b"From: bert@example.org\r\nSender: alice@example.org\r\n\r\n", True),
        (b"From: nobody\r\n\r\n", False),
        (b"Subject: x\r\n\r\n", True),
    ],
)
async def test_an_account_writes_from_its_own_addresses(store, account, header, is_own):
    await store.accounts.add_alias("sales@example.org", ["alice@example.org"])
    await store.accounts.add("bert@example.org", "hash", "scram")
    assert await OwnAddresses(store, account).wrote(header) is is_own
