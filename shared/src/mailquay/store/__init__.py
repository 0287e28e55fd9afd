"""Everything in Postgres, one module an aggregate. SQL stands here and nowhere else."""

from mailquay.store.errors import (
    AlreadyExists,
    NotFound,
    OverQuota,
    Refused,
    StoreError,
    StoreUnavailable,
)
from mailquay.store.store import Store

__all__ = [
    "AlreadyExists",
    "NotFound",
    "OverQuota",
    "Refused",
    "Store",
    "StoreError",
    "StoreUnavailable",
]
