"""Objects in the blob store, and uploads that no message uses yet."""

from typing import Final

import sqlalchemy as sa

from mailquay.store.tables.columns import METADATA, blob_ref, identity, now

__all__ = ["PACK", "UPLOAD"]

PACK: Final = sa.Table(
    "pack",
    METADATA,
    sa.Column("id", sa.Uuid, nullable=False),
    sa.Column("tenant_id", sa.BigInteger, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("messages", sa.Integer, nullable=False),
    sa.Column("dead_at", sa.DateTime(timezone=True), nullable=True),  # tombstone: nothing refers
    now(),
    sa.PrimaryKeyConstraint("id"),
)

UPLOAD: Final = sa.Table(
    "upload",
    METADATA,
    sa.Column("account_id", sa.BigInteger, nullable=False),
    identity(),
    *blob_ref(),
    sa.Column("media_type", sa.Text, nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    now(),
    sa.PrimaryKeyConstraint("account_id", "id"),
)
sa.Index("ix_upload_pack", UPLOAD.c.pack_id)
sa.Index("ix_upload_expires", UPLOAD.c.expires_at)
