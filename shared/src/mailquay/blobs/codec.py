"""How a body is stored inside its pack. No I/O here.

Each body is a zstd frame of its own, so that one is read without the others. What does not get
smaller is stored as it is.
"""

import hashlib
from typing import Final

import zstandard

from mailquay.blobs.refs import BlobCorrupt, Located

__all__ = ["RAW", "ZSTD", "decode_body", "encode_body"]

RAW: Final = 0
ZSTD: Final = 1


def encode_body(body: bytes, level: int) -> tuple[int, bytes]:
    """The codec chosen, and the stored bytes."""
    if level:
        packed = zstandard.ZstdCompressor(level=level).compress(body)
        if len(packed) < len(body):
            return ZSTD, packed
    return RAW, body


def decode_body(ref: Located, stored: bytes) -> bytes:
    """The body, verified against its hash.

    Raises:
        BlobCorrupt: it is not what was written.
    """
    body = stored
    if ref.codec == ZSTD:
        try:
            body = zstandard.ZstdDecompressor().decompress(stored, max_output_size=ref.size)
        except zstandard.ZstdError as error:
            raise BlobCorrupt(f"pack {ref.pack_id} at {ref.pack_offset}: {error}") from error
    elif ref.codec != RAW:
        raise BlobCorrupt(f"pack {ref.pack_id}: codec {ref.codec} is not known")
    if len(body) != ref.size or hashlib.sha256(body).digest() != ref.sha256:
        raise BlobCorrupt(f"pack {ref.pack_id} at {ref.pack_offset}: the hash differs")
    return body
