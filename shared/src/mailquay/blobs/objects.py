"""Objects by key: S3, GCS, Azure, memory or a local folder, all through obstore.

The local folder writes its own files: obstore does not fsync, and a 250 says durable.
"""

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from concurrent.futures import Executor
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, MemoryStore, from_url

from mailquay.blobs.refs import BlobMissing, BlobUnavailable
from mailquay.runtime.settings import BlobSettings

__all__ = ["Objects", "open_objects"]

TEMPORARY_PREFIX: Final = ".writing-"
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL
#: Folders that are remembered; past that many all are forgotten.
_DURABLE_MAX: Final = 65_536
#: A multipart upload's parts; S3 wants 5 MiB at least.
_PART_BYTES: Final = 8 * 1024 * 1024
_PARTS_AT_ONCE: Final = 2
#: With pauses that double from a tenth of a second to fifteen: it is the time that ends them.
_RETRIES: Final = 10


#: A part of an object: its key, where the part begins, how long it is.
Range = tuple[str, int, int]


class Objects(Protocol):
    """A flat space of objects."""

    async def put(self, key: str, pieces: Iterable[bytes]) -> None:
        """Write an object; when this returns, it is durable.

        A list is sent at once; anything else is taken piece by piece, in a thread.
        """

    async def get_range(self, key: str, start: int, length: int) -> bytes:
        """Read a part of an object."""

    async def get_ranges(self, ranges: Sequence[Range]) -> list[bytes]:
        """Read many parts of objects, together where that is cheaper."""

    async def delete(self, key: str) -> None:
        """Delete an object; one that is gone is no fault."""

    def list_keys(self, prefix: str) -> AsyncIterator[list[tuple[str, int, float]]]:
        """Key, size and time of change (seconds since the epoch) of each, in slices."""


class _Obstore:
    """What all providers have in common."""

    def __init__(self, store: Any) -> None:
        self._store = store

    async def put(self, key: str, pieces: Iterable[bytes]) -> None:
        try:
            if isinstance(pieces, list):
                await obstore.put_async(self._store, key, b"".join(pieces))
            else:
                await obstore.put_async(
                    self._store, key, iter(pieces), use_multipart=True, chunk_size=_PART_BYTES,
                    max_concurrency=_PARTS_AT_ONCE,
                )  # fmt: skip
        except (BaseError, OSError) as error:
            raise BlobUnavailable(f"cannot write {key}: {_why(error)}") from error

    async def get_range(self, key: str, start: int, length: int) -> bytes:
        try:
            data = await obstore.get_range_async(self._store, key, start=start, length=length)
        except (NotFoundError, FileNotFoundError) as error:
            raise BlobMissing(f"{key} is not there") from error
        except (BaseError, OSError) as error:
            raise BlobUnavailable(f"cannot read {key}: {_why(error)}") from error
        return bytes(data)

    async def get_ranges(self, ranges: Sequence[Range]) -> list[bytes]:
        return await asyncio.gather(*(self.get_range(*part) for part in ranges))

    async def delete(self, key: str) -> None:
        try:
            await obstore.delete_async(self._store, key)
        except (NotFoundError, FileNotFoundError):
            return
        except (BaseError, OSError) as error:
            raise BlobUnavailable(f"cannot delete {key}: {_why(error)}") from error

    async def list_keys(self, prefix: str) -> AsyncIterator[list[tuple[str, int, float]]]:
        try:
            async for batch in obstore.list(self._store, prefix, chunk_size=1000):
                yield [(m["path"], m["size"], m["last_modified"].timestamp()) for m in batch]
        except (BaseError, OSError) as error:
            raise BlobUnavailable(f"cannot list {prefix}: {_why(error)}") from error


def _why(error: Exception) -> str:
    """An error in a line; obstore's own goes on with what its library has in memory."""
    return str(error).partition("\n")[0]


class _LocalFolder(_Obstore):
    """A folder on a local disk."""

    def __init__(self, folder: Path, executor: Executor) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(LocalStore(folder))
        self._folder = folder
        self._executor = executor
        self._durable: set[str] = set()  # folders whose own names are durable

    async def put(self, key: str, pieces: Iterable[bytes]) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._executor, self._write, key, pieces)
        except OSError as error:
            raise BlobUnavailable(f"cannot write {key}: {error}") from error

    def _write(self, key: str, pieces: Iterable[bytes]) -> None:
        """Temporary name, fsync, rename, fsync of the folder."""
        folder, _, name = f"{self._folder}/{key}".rpartition("/")
        if folder not in self._durable:
            self._make_folder(Path(folder))
        temporary = f"{folder}/{TEMPORARY_PREFIX}{secrets.token_hex(8)}"
        descriptor = os.open(temporary, _NEW_FILE, 0o640)
        try:
            try:
                _write_all(descriptor, pieces)
                os.fdatasync(descriptor)
            finally:
                os.close(descriptor)
            os.rename(temporary, f"{folder}/{name}")
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
        _fsync_folder(folder)

    def _make_folder(self, folder: Path) -> None:
        """Make a folder with those above it, and their names durable.

        Also when it is there already: who has made it may not have come to the fsync yet.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for above in folder.parents:
            _fsync_folder(above)
            if above == self._folder:
                break
        if len(self._durable) >= _DURABLE_MAX:
            self._durable.clear()
        self._durable.add(str(folder))

    async def get_range(self, key: str, start: int, length: int) -> bytes:
        (data,) = await self.get_ranges([(key, start, length)])
        return data

    async def get_ranges(self, ranges: Sequence[Range]) -> list[bytes]:
        """All of them in one thread: handing one over takes longer than reading it."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._read, ranges)

    def _read(self, ranges: Sequence[Range]) -> list[bytes]:
        found = []
        for key, start, length in ranges:
            try:
                found.append(_read_range(f"{self._folder}/{key}", start, length))
            except FileNotFoundError as error:
                raise BlobMissing(f"{key} is not there") from error
            except OSError as error:
                raise BlobUnavailable(f"cannot read {key}: {error}") from error
        return found

    async def list_keys(self, prefix: str) -> AsyncIterator[list[tuple[str, int, float]]]:
        async for batch in super().list_keys(prefix):
            yield [entry for entry in batch if TEMPORARY_PREFIX not in entry[0]]


def _write_all(descriptor: int, pieces: Iterable[bytes]) -> None:
    """Write the pieces, those of a list in one call.

    After each call the thread waits for the interpreter, which the event loop holds.
    """
    for piece in [b"".join(pieces)] if isinstance(pieces, list) else pieces:
        view = memoryview(piece)
        while view:
            view = view[os.write(descriptor, view) :]


def _read_range(path: str, start: int, length: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.pread(descriptor, length, start)
    finally:
        os.close(descriptor)


def _fsync_folder(folder: str | Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_objects(settings: BlobSettings, executor: Executor) -> Objects:
    """Objects at ``file:///folder``, ``memory://``, or whatever URL obstore knows.

    Raises:
        BlobUnavailable: the URL makes no sense, or the folder cannot be made.
    """
    url = settings.url
    parts = urlsplit(url)
    try:
        if parts.scheme == "file":
            return _LocalFolder(Path(parts.path), executor)
        if parts.scheme == "memory":
            return _Obstore(MemoryStore())
        # By itself it would try for three minutes, while an SMTP client waits. Options of its HTTP
        # client are left to the provider's variables: given here, they would all be.
        retries: Any = {
            "max_retries": _RETRIES,
            "retry_timeout": timedelta(seconds=settings.retry_seconds),
        }
        return _Obstore(from_url(url, retry_config=retries))
    except (BaseError, OSError, ValueError) as error:
        raise BlobUnavailable(f"cannot open {parts.scheme}://…: {error}") from error
