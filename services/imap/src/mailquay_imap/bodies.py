"""The bytes of many bodies, read some at a time."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Final

from mailquay.blobs import BlobError, BlobStore
from mailquay.store.emails import Body

__all__ = ["read_each", "together"]

#: Bodies that are read together, and their bytes: a reader waits for all of them.
_BODIES: Final = 64
_BYTES: Final = 4 * 1024 * 1024


def together(bodies: Sequence[Body]) -> Iterator[Sequence[Body]]:
    """Cut a sequence into what is read at once: one body at least, and as many as bounds allow."""
    start = size = 0
    for number, body in enumerate(bodies):
        size += body.size
        if number > start and (number - start >= _BODIES or size > _BYTES):
            yield bodies[start:number]
            start, size = number, body.size
    if bodies:
        yield bodies[start:]


async def read_each(blobs: BlobStore, bodies: Sequence[Body]) -> AsyncGenerator[bytes, None]:
    """The bytes of bodies, in their order.

    Raises:
        BlobError: when it is the turn of one that cannot be read.
    """
    for part in together(bodies):
        try:
            raws = await blobs.get_many(part)
        except BlobError:
            for body in part:
                yield await blobs.get(body)
        else:
            for raw in raws:
                yield raw
