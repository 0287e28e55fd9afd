"""Where a body lies, and what can be wrong with it.

::

    BlobError
        BlobUnavailable    object storage cannot be reached now; the same may succeed later
        BlobMissing        the object is not there: mail is lost, or a backup does not fit
        BlobCorrupt        the bytes are not those that were written
"""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

__all__ = [
    "BlobCorrupt",
    "BlobError",
    "BlobMissing",
    "BlobRef",
    "BlobUnavailable",
    "Located",
    "pack_key",
]


class BlobError(Exception):
    """Anything that object storage may raise here."""


class BlobUnavailable(BlobError):
    """Object storage cannot be reached."""


class BlobMissing(BlobError):
    """The object is not there."""


class BlobCorrupt(BlobError):
    """The bytes are not those that were written."""


class Located(Protocol):
    """What tells where a body lies; rows of the store do too."""

    @property
    def pack_id(self) -> UUID: ...  # noqa: D102
    @property
    def tenant_id(self) -> int: ...  # noqa: D102
    @property
    def pack_offset(self) -> int: ...  # noqa: D102
    @property
    def stored_length(self) -> int: ...  # noqa: D102
    @property
    def size(self) -> int: ...  # noqa: D102
    @property
    def sha256(self) -> bytes: ...  # noqa: D102
    @property
    def codec(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class BlobRef:
    """A body inside a pack. ``size`` and ``sha256`` are of the bytes before the codec."""

    pack_id: UUID
    tenant_id: int
    pack_offset: int
    stored_length: int
    size: int
    sha256: bytes
    codec: int


def pack_key(tenant_id: int, pack_id: UUID) -> str:
    """The object's key; two hex digits spread the folders of a local disk."""
    name = pack_id.hex
    return f"packs/{tenant_id}/{name[-2:]}/{name}"
