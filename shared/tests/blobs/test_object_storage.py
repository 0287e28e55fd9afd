"""Bodies in an S3: written, read, listed, deleted, and what is told when it refuses."""

from collections.abc import Iterator

import pytest

from mailquay.blobs import BlobStore, BlobUnavailable
from mailquay.runtime.settings import BlobSettings
from mailquay.store.types import TenantId
from mailquay.testing.object_storage import ObjectStorage


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStorage]:
    storage = ObjectStorage()
    with storage.served() as url:
        variables = {
            "ENDPOINT_URL": url, "ALLOW_HTTP": "true", "REGION": "here",
            "ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x",
        }  # fmt: skip
        for name, value in variables.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        yield storage


@pytest.fixture
async def bodies(storage: ObjectStorage):
    store = BlobStore.open(BlobSettings(url="s3://mail/prod", retry_seconds=0.3))
    yield store
    await store.close()


async def test_bodies_come_back_and_go(bodies: BlobStore) -> None:
    small, large = b"small", bytes(range(256)) * 80_000  # which is sent in parts
    written = await bodies.put_many(TenantId(1), [small, large])
    assert [await bodies.get(ref) for ref in written.refs] == [small, large]
    keys = [key for slice_ in [s async for s in bodies.objects.list_keys("")] for key, *_ in slice_]
    assert len(keys) == len(written.packs)
    for key in keys:
        await bodies.objects.delete(key)
    assert [s async for s in bodies.objects.list_keys("") if s] == []


async def test_a_refusal_is_told_in_a_line_and_soon(
    storage: ObjectStorage, bodies: BlobStore
) -> None:
    storage.is_refusing = True
    with pytest.raises(BlobUnavailable) as told:
        await bodies.put_many(TenantId(1), [b"never"])
    assert "\n" not in str(told.value)
    with pytest.raises(BlobUnavailable):
        await bodies.check()
    storage.is_refusing = False
    await bodies.check()
    written = await bodies.put_many(TenantId(1), [b"again"])
    assert await bodies.get(written.refs[0]) == b"again"
