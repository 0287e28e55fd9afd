"""Remember names that mailboxes had, so that UIDVALIDITY rises for a name whatever is renamed."""

import sqlalchemy as sa
from alembic import op

revision = "202611250100"
down_revision = "202611240900"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; what was renamed or deleted before is not known."""
    op.create_table(
        "former_name",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "name", name="pk_former_name"),
    )
