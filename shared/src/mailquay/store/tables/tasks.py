"""What is done now and then: when each task ended last, and what it came to."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from mailquay.store.tables.columns import METADATA

__all__ = ["TASK_RESULT"]

TASK_RESULT: Final = sa.Table(
    "task_result",
    METADATA,
    sa.Column("name", sa.Text, nullable=False),  # collect | trim | report
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("result", pg.JSONB, nullable=False),
    sa.PrimaryKeyConstraint("name"),
)
