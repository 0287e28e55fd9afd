"""Everything in Postgres, one module an aggregate. SQL stands here and nowhere else."""

from mailquay.store.errors import (
    AlreadyExists,
    Forgotten,
    HasInferiors,
    LimitReached,
    NotFound,
    OverQuota,
    Refused,
    RoleTaken,
    RolledBack,
    SchemaAhead,
    SchemaBehind,
    StoreError,
    StoreUnavailable,
)
from mailquay.store.schema import head_revision
from mailquay.store.store import Store

__all__ = [
    "AlreadyExists",
    "Forgotten",
    "HasInferiors",
    "LimitReached",
    "NotFound",
    "OverQuota",
    "Refused",
    "RoleTaken",
    "RolledBack",
    "SchemaAhead",
    "SchemaBehind",
    "Store",
    "StoreError",
    "StoreUnavailable",
    "head_revision",
]
