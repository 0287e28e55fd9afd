"""How a body is stored inside its pack. No I/O here.

Each body is a zstd frame of its own, so that one is read without the others. What does not get
smaller is stored as it is.
"""

import hashlib
import threading
from collections.abc import Iterator
from typing import Final

import zstandard

from mailquay.blobs.refs import BlobCorrupt, Located

__all__ = ["RAW", "ZSTD", "StreamedBody", "decode_body", "encode_body"]

RAW: Final = 0
ZSTD: Final = 1
#: What a large body is read and packed in: its packed form is never in memory as a whole.
_CHUNK_BYTES: Final = 256 * 1024
#: A large body whose beginning does not get smaller than this is stored as it is.
_WORTHWHILE: Final = 0.95


class _Contexts(threading.local):
    """zstd's contexts, one of each in a thread: making one costs more than a small body does."""

    def __init__(self) -> None:
        self.compressors: dict[int, zstandard.ZstdCompressor] = {}
        self.decompressor = zstandard.ZstdDecompressor()

    def compressor(self, level: int) -> zstandard.ZstdCompressor:
        """The one of that level."""
        if level not in self.compressors:
            self.compressors[level] = zstandard.ZstdCompressor(level=level)
        return self.compressors[level]


_CONTEXTS: Final = _Contexts()


def encode_body(body: bytes, level: int) -> tuple[int, bytes]:
    """The codec chosen, and the stored bytes."""
    if level:
        packed = _CONTEXTS.compressor(level).compress(body)
        if len(packed) < len(body):
            return ZSTD, packed
    return RAW, body


class StreamedBody:
    """A large body on its way into an object; what is known of it holds once it is read through.

    Unlike `encode_body` it cannot look at the result and choose: the beginning decides.
    """

    def __init__(self, body: bytes, level: int) -> None:
        self._body = memoryview(body)
        self._level = level
        beginning = self._body[:_CHUNK_BYTES]
        self.codec = RAW
        if level:
            packed = zstandard.ZstdCompressor(level=level).compress(beginning)
            self.codec = ZSTD if len(packed) < len(beginning) * _WORTHWHILE else RAW
        self.stored_length = 0
        self.sha256 = b""

    def __iter__(self) -> Iterator[bytes]:
        """The stored bytes, in pieces."""
        digest = hashlib.sha256()
        self.stored_length = 0
        chunker = zstandard.ZstdCompressor(level=self._level).chunker(
            size=len(self._body), chunk_size=_CHUNK_BYTES
        )
        for start in range(0, len(self._body), _CHUNK_BYTES):
            piece = self._body[start : start + _CHUNK_BYTES]
            digest.update(piece)
            for packed in chunker.compress(piece) if self.codec == ZSTD else (bytes(piece),):
                self.stored_length += len(packed)
                yield packed
        if self.codec == ZSTD:
            for packed in chunker.finish():  # type: ignore[no-untyped-call]  # has no stub
                self.stored_length += len(packed)
                yield packed
        self.sha256 = digest.digest()


def decode_body(ref: Located, stored: bytes) -> bytes:
    """The body, verified against its hash.

    Raises:
        BlobCorrupt: it is not what was written.
    """
    body = stored
    if ref.codec == ZSTD:
        try:
            body = _CONTEXTS.decompressor.decompress(stored, max_output_size=ref.size)
        except zstandard.ZstdError as error:
            raise BlobCorrupt(f"pack {ref.pack_id} at {ref.pack_offset}: {error}") from error
    elif ref.codec != RAW:
        raise BlobCorrupt(f"pack {ref.pack_id}: codec {ref.codec} is not known")
    if len(body) != ref.size or hashlib.sha256(body).digest() != ref.sha256:
        raise BlobCorrupt(f"pack {ref.pack_id} at {ref.pack_offset}: the hash differs")
    return body
