"""Messages as they are read for going out: in bounded memory, without what was added here."""

import asyncio
from datetime import UTC, datetime

import pytest

from mailquay.blobs import BlobMissing
from mailquay.store.queue import QueuedMessage
from mailquay.store.types import TenantId
from mailquay_smtp_out.bodies import Bodies

NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def put(blobs):
    """Store a body; returns the queued message that it is of."""

    async def put(raw):
        (ref,) = (await blobs.put_many(TenantId(1), [raw])).refs
        return QueuedMessage(
            id=1, tenant_id=TenantId(1), account_id=None, reverse_path="", pack_id=ref.pack_id,
            pack_offset=ref.pack_offset, stored_length=ref.stored_length, size=ref.size,
            sha256=ref.sha256, codec=ref.codec, smtputf8=False, is_8bit=False, envelope_id=None,
            ret=None, trace_id="t", expires_at=NOW, created_at=NOW,
        )  # fmt: skip

    return put


@pytest.mark.parametrize("lines", [1, 100_000])
async def test_a_message_is_made_ready_for_the_wire(blobs, put, lines):
    message = b"Subject: x\r\n\r\n" + b".text\r\n" * lines
    bodies = Bodies(blobs, memory_bytes=1 << 20)
    async with bodies.open(await put(b"Return-Path: <a@b>\r\n" + message)) as wire:
        assert wire.size == len(message)
        assert wire.data == message.replace(b".text", b"..text") + b".\r\n"


async def test_what_does_not_fit_waits_and_what_never_fits_goes_alone(blobs, put):
    small, large = await put(b"x" * 60), await put(b"y" * 500)
    bodies = Bodies(blobs, memory_bytes=100)
    order = []

    async def take(name, message, ready):
        async with bodies.open(message):
            order.append(name)
            await ready.wait()

    gates = [asyncio.Event() for _ in range(4)]
    tasks = []
    for name, message, ready in zip("abcd", [small, small, large, small], gates, strict=True):
        tasks.append(asyncio.create_task(take(name, message, ready)))
        while name == "a" and not order:
            await asyncio.sleep(0)
    for position, opened in enumerate(["a", "b", "c", "d"]):
        async with asyncio.timeout(10):
            while len(order) <= position:
                await asyncio.sleep(0.001)
        assert order[-1] == opened
        assert len(order) == position + 1
        gates[position].set()
    await asyncio.gather(*tasks)


async def test_a_body_that_is_lost_frees_its_room(blobs, put):
    message = await put(b"x" * 80)
    await blobs.delete_pack(1, message.pack_id)
    bodies = Bodies(blobs, memory_bytes=100)
    for _ in range(3):
        with pytest.raises(BlobMissing):
            async with bodies.open(message):
                pass
