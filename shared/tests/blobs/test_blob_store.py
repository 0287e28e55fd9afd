"""Bodies through the real folder and obstore's own memory store: the same promises of both."""

import os
import random
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailquay.blobs import BlobCorrupt, BlobMissing, BlobStore
from mailquay.blobs.codec import RAW, ZSTD, StreamedBody, decode_body
from mailquay.blobs.objects import TEMPORARY_PREFIX
from mailquay.blobs.refs import BlobRef, pack_key
from mailquay.runtime.settings import BlobSettings
from mailquay.store.types import TenantId

TENANT = TenantId(7)
LIMIT = 64 * 1024


@pytest_asyncio.fixture(params=["file", "memory"])
async def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BlobStore]:
    url = f"file://{tmp_path}/blobs" if request.param == "file" else "memory:///"
    store = BlobStore.open(BlobSettings(url=url, large_message_bytes=LIMIT, read_cache_bytes=0))
    yield store
    await store.close()


def _noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


async def test_small_bodies_share_a_pack_and_come_back(blobs: BlobStore) -> None:
    bodies = [b"one", b"two" * 1000, b"", _noise(500)]
    written = await blobs.put_many(TENANT, bodies)
    assert len(written.packs) == 1
    assert written.packs[0].messages == 4
    assert [await blobs.get(ref) for ref in written.refs] == bodies
    assert written.packs[0].size == sum(ref.stored_length for ref in written.refs)


async def test_many_are_read_in_the_order_asked_for(blobs: BlobStore) -> None:
    bodies = [b"one", b"two" * 1000, b"", _noise(LIMIT + 500), _noise(500)]
    written = await blobs.put_many(TENANT, bodies)
    other = await blobs.put_many(TENANT, [b"another"])
    refs = [*reversed(written.refs), other.refs[0], written.refs[0]]
    assert await blobs.get_many(refs) == [*reversed(bodies), b"another", b"one"]
    assert await blobs.get_many([]) == []
    await blobs.delete_pack(TENANT, other.packs[0].id)
    with pytest.raises(BlobMissing):
        await blobs.get_many(refs)


async def test_a_pack_that_was_cut_is_corrupt(tmp_path: Path) -> None:
    blobs = BlobStore.open(BlobSettings(url=f"file://{tmp_path}", compression_level=0))
    written = await blobs.put_many(TENANT, [_noise(100), _noise(200)])
    path = tmp_path / pack_key(TENANT, written.packs[0].id)
    path.write_bytes(path.read_bytes()[:150])
    assert await blobs.get(written.refs[0]) == _noise(100)
    with pytest.raises(BlobCorrupt):
        await blobs.get(written.refs[1])
    await blobs.close()


async def test_a_large_body_has_a_pack_of_its_own(blobs: BlobStore) -> None:
    bodies = [b"small", b"text of a large one\r\n" * 50_000, b"small too", _noise(900_000)]
    written = await blobs.put_many(TENANT, bodies)
    assert len(written.packs) == 3
    assert [await blobs.get(ref) for ref in written.refs] == bodies
    assert [ref.codec for ref in written.refs[1::2]] == [ZSTD, RAW]
    assert written.refs[0].pack_id == written.refs[2].pack_id
    assert {pack.size for pack in written.packs} >= {
        ref.stored_length for ref in written.refs[1::2]
    }


async def test_a_body_over_a_multipart_part_comes_back(blobs: BlobStore) -> None:
    body = _noise(9 * 1024 * 1024) + b"the end"
    written = await blobs.put_many(TENANT, [body])
    assert await blobs.get(written.refs[0]) == body


async def test_what_is_gone_is_missing(blobs: BlobStore) -> None:
    written = await blobs.put_many(TENANT, [b"a body"])
    await blobs.delete_pack(TENANT, written.packs[0].id)
    await blobs.delete_pack(TENANT, written.packs[0].id)  # gone already: no fault
    with pytest.raises(BlobMissing):
        await blobs.get(written.refs[0])


@pytest.mark.parametrize("size", [100, 200_000])
async def test_a_flipped_bit_is_corrupt(tmp_path: Path, size: int) -> None:
    blobs = BlobStore.open(BlobSettings(url=f"file://{tmp_path}", large_message_bytes=LIMIT))
    written = await blobs.put_many(TENANT, [b"%d " % size * size])
    path = tmp_path / pack_key(TENANT, written.packs[0].id)
    stored = bytearray(path.read_bytes())
    stored[len(stored) // 2] ^= 1
    path.write_bytes(stored)
    with pytest.raises(BlobCorrupt):
        await blobs.get(written.refs[0])
    await blobs.close()


async def test_nothing_half_written_has_a_name(tmp_path: Path) -> None:
    blobs = BlobStore.open(BlobSettings(url=f"file://{tmp_path}"))

    def broken() -> object:
        yield b"the first half"
        raise OSError(28, os.strerror(28))

    with pytest.raises(Exception, match="No space left"):
        await blobs.objects.put("packs/7/aa/broken", broken())  # type: ignore[arg-type]
    assert [key async for batch in blobs.objects.list_keys("") for key, _, _ in batch] == []
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(TEMPORARY_PREFIX)]
    await blobs.close()


async def test_the_cache_serves_repeats_within_its_bounds(tmp_path: Path) -> None:
    blobs = BlobStore.open(BlobSettings(url=f"file://{tmp_path}", read_cache_bytes=10_000))
    written = await blobs.put_many(TENANT, [_noise(2000 + n) for n in range(20)])
    for ref in written.refs:
        await blobs.get(ref)
    await blobs.delete_pack(TENANT, written.packs[0].id)
    assert await blobs.get(written.refs[-1]) == _noise(2019)
    with pytest.raises(BlobMissing):
        await blobs.get(written.refs[0])
    await blobs.close()


@given(body=st.binary(max_size=2000), repeats=st.integers(1, 400), level=st.integers(0, 3))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_streamed_pieces_are_what_the_reference_says(body: bytes, repeats: int, level: int) -> None:
    whole = body * repeats
    stream = StreamedBody(whole, level)
    stored = b"".join(stream)
    assert stream.stored_length == len(stored)
    ref = BlobRef(uuid.uuid4(), 1, 0, len(stored), len(whole), stream.sha256, stream.codec)
    assert decode_body(ref, stored) == whole
