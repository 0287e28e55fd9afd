"""Bodies of many messages: where they are, and their bytes, read some at a time."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Final

from mailquay.blobs import BlobError, BlobStore
from mailquay.store.emails import Body
from mailquay.store.types import AccountId
from mailquay_imap.server import Server

__all__ = ["locate_bodies", "read_each", "together"]

#: Bodies that are read together, and their bytes: a reader waits for all of them.
_BODIES: Final = 64
_BYTES: Final = 4 * 1024 * 1024


async def locate_bodies(
    server: Server, account_id: AccountId, email_ids: Sequence[int]
) -> dict[int, Body]:
    """Where the bodies of emails are; those that are gone are left out."""
    known = server.facts.many("body", email_ids)
    found = {number: body for number, body in zip(email_ids, known, strict=True) if body}
    missing = [number for number, body in zip(email_ids, known, strict=True) if body is None]
    if missing:
        located = await server.store.emails.bodies(account_id, missing)
        server.facts.keep("body", located)
        found.update(located)
    return found


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
