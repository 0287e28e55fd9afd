"""Uploads that no message uses yet."""

import uuid

import pytest

from mailquay.store.deliveries import PackRow
from mailquay.store.errors import OverQuota


@pytest.fixture
async def account(store):
    await store.accounts.add_domain("example.org")
    return await store.accounts.add("anna@example.org", "hash", "scram")


async def add(store, account, *, size: int = 10, ttl_seconds: float = 60) -> int:
    pack = PackRow(uuid.uuid4(), account.tenant_id, size, 1)
    return await store.uploads.add(
        account.id, pack, pack_offset=0, stored_length=size, size=size, sha256=b"h", codec=0,
        media_type="text/plain\0", ttl_seconds=ttl_seconds, max_total_bytes=25,
    )  # fmt: skip


async def test_an_upload_is_found_by_its_account_until_it_expires(store, account):
    other = await store.accounts.add("bert@example.org", "hash", "scram")
    number = await add(store, account)
    body, media_type = await store.uploads.find(account.id, number)
    assert (body.size, body.tenant_id, media_type) == (10, account.tenant_id, "text/plain")
    assert await store.uploads.find(other.id, number) is None
    assert await store.uploads.find(account.id, await add(store, account, ttl_seconds=-1)) is None


async def test_what_waits_is_bounded_and_what_has_expired_does_not_count(store, account):
    await add(store, account, ttl_seconds=-1)
    await add(store, account)
    await add(store, account)
    with pytest.raises(OverQuota):
        await add(store, account)
    await add(store, account, size=5)
