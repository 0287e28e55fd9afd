"""Bodies: many written as one pack, one read by a ranged GET, verified and cached."""

import asyncio
import hashlib
import os
import time
import uuid
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from mailquay.blobs.codec import StreamedBody, decode_body, encode_body
from mailquay.blobs.objects import Objects, open_objects
from mailquay.blobs.refs import (
    BlobCorrupt,
    BlobError,
    BlobMissing,
    BlobRef,
    BlobUnavailable,
    Located,
    pack_key,
)
from mailquay.runtime import metrics
from mailquay.runtime.settings import BlobSettings
from mailquay.store.deliveries import PackRow
from mailquay.store.types import TenantId

__all__ = ["BlobStore", "Written"]

#: A body that takes longer than a thread's hand-over to decode is decoded in one.
_INLINE_BYTES: Final = 64 * 1024
_PUT_SECONDS: Final = metrics.BLOB_SECONDS.labels("put")
_GET_SECONDS: Final = metrics.BLOB_SECONDS.labels("get")
_ERRORS: Final[dict[type[BlobError], str]] = {
    BlobUnavailable: "get_unavailable",
    BlobMissing: "missing",
    BlobCorrupt: "corrupt",
}
_HITS: Final = metrics.BLOB_CACHE.labels("hit")
_MISSES: Final = metrics.BLOB_CACHE.labels("miss")
#: A body in the cache; an empty one begins where the next does, so its size counts too.
_Key = tuple[uuid.UUID, int, int]


@dataclass(frozen=True, slots=True)
class Written:
    """Packs that are durable, and where each body lies in them."""

    packs: tuple[PackRow, ...]
    refs: tuple[BlobRef, ...]


class BlobStore:
    """Bodies in object storage."""

    def __init__(
        self, objects: Objects, settings: BlobSettings, executor: ThreadPoolExecutor
    ) -> None:
        self.objects = objects
        self._settings = settings
        self._executor = executor
        self._cache: OrderedDict[_Key, bytes] = OrderedDict()
        self._cached_bytes = 0

    @classmethod
    def open(cls, settings: BlobSettings) -> "BlobStore":
        """Open the storage that the settings name; nothing is read yet.

        Raises:
            BlobUnavailable: the URL makes no sense.
        """
        threads = min(8, 2 + (os.cpu_count() or 2))
        executor = ThreadPoolExecutor(threads, thread_name_prefix="blobs")
        return cls(open_objects(settings, executor), settings, executor)

    async def close(self) -> None:
        """Let the threads go."""
        self._executor.shutdown(wait=False)

    async def put_many(self, tenant_id: TenantId, bodies: Sequence[bytes]) -> Written:
        """Write bodies, the small ones into one pack, each large one into its own.

        When this returns, they are durable.

        Raises:
            BlobUnavailable: some could not be written; what was is an orphan, found by a sweep.
        """
        begun = time.perf_counter()
        try:
            written = await self._put_all(tenant_id, bodies)
        except BlobUnavailable:
            metrics.BLOB_ERRORS.labels("put_unavailable").inc()
            raise
        metrics.BLOB_BYTES.labels("put").inc(sum(pack.size for pack in written.packs))
        _PUT_SECONDS.observe(time.perf_counter() - begun)
        return written

    async def _put_all(self, tenant_id: TenantId, bodies: Sequence[bytes]) -> Written:
        limit = self._settings.large_message_bytes
        small = [number for number, body in enumerate(bodies) if len(body) <= limit]
        refs: dict[int, BlobRef] = {}
        packs: list[PackRow] = []
        if small:
            pack, found = await self._put_pack(tenant_id, [bodies[number] for number in small])
            packs.append(pack)
            refs.update(zip(small, found, strict=True))
        for number, body in enumerate(bodies):
            if number not in refs:
                pack, refs[number] = await self._put_large(tenant_id, body)
                packs.append(pack)
        return Written(tuple(packs), tuple(refs[number] for number in range(len(bodies))))

    async def _put_pack(
        self, tenant_id: TenantId, bodies: Sequence[bytes]
    ) -> tuple[PackRow, list[BlobRef]]:
        if sum(map(len, bodies)) <= _INLINE_BYTES:
            pack_id, pieces, refs = self._encode(tenant_id, bodies)
        else:
            pack_id, pieces, refs = await asyncio.get_running_loop().run_in_executor(
                self._executor, self._encode, tenant_id, bodies
            )
        await self.objects.put(pack_key(tenant_id, pack_id), pieces)
        return PackRow(pack_id, tenant_id, sum(map(len, pieces)), len(bodies)), refs

    async def _put_large(self, tenant_id: TenantId, body: bytes) -> tuple[PackRow, BlobRef]:
        """Pack a large body while it is written: its packed form is never held as a whole."""
        pack_id = uuid.uuid4()
        stream = StreamedBody(body, self._settings.compression_level)
        await self.objects.put(pack_key(tenant_id, pack_id), stream)
        size = stream.stored_length
        ref = BlobRef(pack_id, tenant_id, 0, size, len(body), stream.sha256, stream.codec)
        return PackRow(pack_id, tenant_id, size, 1), ref

    def _encode(
        self, tenant_id: TenantId, bodies: Sequence[bytes]
    ) -> tuple[uuid.UUID, list[bytes], list[BlobRef]]:
        pack_id = uuid.uuid4()
        pieces: list[bytes] = []
        refs: list[BlobRef] = []
        offset = 0
        for body in bodies:
            codec, stored = encode_body(body, self._settings.compression_level)
            digest = hashlib.sha256(body).digest()
            refs.append(BlobRef(pack_id, tenant_id, offset, len(stored), len(body), digest, codec))
            pieces.append(stored)
            offset += len(stored)
        return pack_id, pieces, refs

    async def get(self, ref: Located) -> bytes:
        """A body.

        Raises:
            BlobUnavailable: object storage cannot be reached.
            BlobMissing: it is not there.
            BlobCorrupt: it is not what was written.
        """
        (body,) = await self.get_many([ref])
        return body

    async def get_many(self, refs: Sequence[Located]) -> list[bytes]:
        """Bodies, in the order of their references; cheaper than one after the other.

        Raises:
            BlobUnavailable, BlobMissing, BlobCorrupt: as `get`, for any of them.
        """
        found = [self._cached(ref) for ref in refs]
        missing = [ref for ref, body in zip(refs, found, strict=True) if body is None]
        _HITS.inc(len(refs) - len(missing))
        if not missing:
            return [body for body in found if body is not None]
        _MISSES.inc(len(missing))
        try:
            read = iter(await self._read(missing))
        except BlobError as error:
            metrics.BLOB_ERRORS.labels(_ERRORS[type(error)]).inc()
            raise
        return [next(read) if body is None else body for body in found]

    def _cached(self, ref: Located) -> bytes | None:
        key = _key(ref)
        body = self._cache.get(key)
        if body is not None:
            self._cache.move_to_end(key)
        return body

    async def _read(self, refs: Sequence[Located]) -> list[bytes]:
        """Read, verify and keep."""
        begun = time.perf_counter()
        ranges = [
            (pack_key(ref.tenant_id, ref.pack_id), ref.pack_offset, ref.stored_length)
            for ref in refs
            if ref.stored_length
        ]
        read = iter(await self.objects.get_ranges(ranges) if ranges else ())
        stored = [next(read) if ref.stored_length else b"" for ref in refs]
        if sum(ref.size for ref in refs) <= _INLINE_BYTES:
            bodies = list(map(decode_body, refs, stored))
        else:
            loop = asyncio.get_running_loop()
            bodies = await loop.run_in_executor(self._executor, _decode, refs, stored)
        _GET_SECONDS.observe(time.perf_counter() - begun)
        metrics.BLOB_BYTES.labels("get").inc(sum(map(len, stored)))
        for ref, body in zip(refs, bodies, strict=True):
            self.remember(ref, body)
        return bodies

    def remember(self, ref: Located, body: bytes) -> None:
        """Keep a body for the next reader, within the cache's bounds."""
        limit = self._settings.read_cache_bytes
        key = _key(ref)
        if len(body) * 4 > limit or key in self._cache:
            return
        self._cache[key] = body
        self._cached_bytes += len(body)
        while self._cached_bytes > limit:
            _, dropped = self._cache.popitem(last=False)
            self._cached_bytes -= len(dropped)

    async def delete_pack(self, tenant_id: int, pack_id: uuid.UUID) -> None:
        """Delete a pack; one that is gone is no fault.

        Raises:
            BlobUnavailable: object storage cannot be reached.
        """
        await self.objects.delete(pack_key(tenant_id, pack_id))

    async def check(self) -> None:
        """Use the storage, for readiness.

        Raises:
            BlobUnavailable: it cannot be reached.
        """
        async for _ in self.objects.list_keys("health/"):
            break


def _key(ref: Located) -> _Key:
    return ref.pack_id, ref.pack_offset, ref.size


def _decode(refs: Sequence[Located], stored: Sequence[bytes]) -> list[bytes]:
    return list(map(decode_body, refs, stored))
