"""Message bodies in object storage: packs, codec, read cache, check and collection."""

from mailquay.blobs.refs import BlobCorrupt, BlobError, BlobMissing, BlobRef, BlobUnavailable
from mailquay.blobs.store import BlobStore, Written

__all__ = [
    "BlobCorrupt",
    "BlobError",
    "BlobMissing",
    "BlobRef",
    "BlobStore",
    "BlobUnavailable",
    "Written",
]
