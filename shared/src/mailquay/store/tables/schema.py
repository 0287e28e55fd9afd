"""What the schema says of itself, beside Alembic's own ``alembic_version``."""

from typing import Final

import sqlalchemy as sa

from mailquay.store.tables.columns import METADATA

__all__ = ["SCHEMA_COMPATIBILITY"]

#: One row: the newest revision that the oldest release knows which can run on this schema.
SCHEMA_COMPATIBILITY: Final = sa.Table(
    "schema_compatibility",
    METADATA,
    sa.Column("oldest_release", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("oldest_release"),
)
