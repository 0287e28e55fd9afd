"""What the tables are made of: their one collection, and columns that several have."""

from typing import Final

import sqlalchemy as sa

__all__ = ["METADATA", "blob_ref", "count", "identity", "managed_by", "now", "policy"]

METADATA: Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def now() -> sa.Column[object]:
    """When the row was made."""
    return sa.Column(
        "created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
    )


def identity() -> sa.Column[int]:
    """An id from a sequence."""
    return sa.Column("id", sa.BigInteger, sa.Identity(always=False), nullable=False)


def count(name: str) -> sa.Column[int]:
    """A counter that begins at 0."""
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"))


def blob_ref() -> list[sa.Column[object]]:
    """Where a body lies: see `mailquay.blobs.refs.BlobRef`."""
    return [
        sa.Column("pack_id", sa.Uuid, nullable=False),
        sa.Column("pack_offset", sa.BigInteger, nullable=False),
        sa.Column("stored_length", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("codec", sa.SmallInteger, nullable=False),
    ]


def managed_by() -> sa.Column[object]:
    """Who looks after the row: NULL for people, ``apply`` for a file; see `store.declarations`."""
    return sa.Column("managed_by", sa.Text, nullable=True)


def policy() -> list[sa.Column[object]]:
    """What a tenant or a domain grants; NULL: as whatever is above it says."""
    return [
        sa.Column("default_quota_bytes", sa.BigInteger, nullable=True),  # 0: none
        sa.Column("max_accounts", sa.Integer, nullable=True),
        sa.Column("max_message_bytes", sa.BigInteger, nullable=True),  # of what is submitted
        sa.Column("max_recipients_per_day", sa.Integer, nullable=True),  # of one account
        sa.Column("outbound", sa.Boolean, nullable=True),  # whether mail may be sent elsewhere
    ]
