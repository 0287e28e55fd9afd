"""The bytes of many bodies, read some at a time, and of one their sections."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Final

from mailquay.blobs import BlobError, BlobStore
from mailquay.message.parts import Part
from mailquay.message.sections import header_fields, section_range
from mailquay.store.emails import Body
from mailquay_imap.protocol.fetch import BodyItem

__all__ = ["read_each", "section_bytes", "together"]

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


def section_bytes(raw: bytes, root: Part, item: BodyItem) -> bytes | None:
    """A section of a message as it stands (RFC 9051 §6.4.5.1); None when there is none."""
    found = section_range(root, item.part, item.section)
    if found is None:
        return None
    data = raw[found[0] : found[1]]
    return data if item.fields is None else header_fields(data, item.fields, negate=item.fields_not)
