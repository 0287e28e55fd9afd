"""Let the schema say which releases can run on it, so that old and new ones run side by side."""

import sqlalchemy as sa
from alembic import op

revision = "202611250300"
down_revision = "202611250200"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table with its one row: whoever is older does not know it, and asks for its own."""
    op.create_table(
        "schema_compatibility",
        sa.Column("oldest_release", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("oldest_release", name="pk_schema_compatibility"),
    )
    op.execute(f"INSERT INTO schema_compatibility VALUES ('{revision}')")
