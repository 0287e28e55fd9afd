"""Bodies that are read together: how many, and what one that is lost does to the others."""

from uuid import UUID

import pytest

from mailquay.blobs import BlobMissing
from mailquay.store.emails import Body
from mailquay.store.types import EmailId, TenantId
from mailquay_imap.bodies import read_each, together

MIB = 1 << 20


def sized(*sizes: int) -> list[Body]:
    return [
        Body(EmailId(n), UUID(int=n), 0, size, size, b"", 0, 1, 0, b"")
        for n, size in enumerate(sizes)
    ]


def sizes_of(bodies: list[Body]) -> list[list[int]]:
    return [[body.size for body in part] for part in together(bodies)]


def test_small_bodies_are_read_by_the_number_and_large_ones_by_their_size():
    assert sizes_of([]) == []
    assert [len(part) for part in sizes_of(sized(*[1] * 150))] == [64, 64, 22]
    assert sizes_of(sized(3 * MIB, MIB, 1, 9 * MIB, 1)) == [[3 * MIB, MIB], [1], [9 * MIB], [1]]


async def test_a_body_that_is_lost_takes_none_along_that_come_before_it(blobs):
    written = await blobs.put_many(TenantId(1), [b"one", b"two"])
    lost = await blobs.put_many(TenantId(1), [b"three"])
    await blobs.delete_pack(TenantId(1), lost.packs[0].id)
    bodies = [
        Body(EmailId(n), r.pack_id, r.pack_offset, r.stored_length, r.size, r.sha256, r.codec, 1,
             0, b"")
        for n, r in enumerate([*written.refs, *lost.refs])
    ]  # fmt: skip
    read = read_each(blobs, bodies)
    assert [await anext(read), await anext(read)] == [b"one", b"two"]
    with pytest.raises(BlobMissing):
        await anext(read)
