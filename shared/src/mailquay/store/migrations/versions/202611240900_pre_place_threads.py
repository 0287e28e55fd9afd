"""Keep the thread with each place and tombstone, so that threads are counted without emails."""

import sqlalchemy as sa
from alembic import op

revision = "202611240900"
down_revision = "202611240001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, and fill it from what is known."""
    for table in ("mailbox_email", "expunged"):
        op.add_column(table, sa.Column("thread_id", sa.BigInteger(), nullable=True))
        op.execute(
            f"UPDATE {table} p SET thread_id = e.thread_id FROM email e "
            "WHERE e.account_id = p.account_id AND e.id = p.email_id"
        )
        # Of an email that is gone nobody knows it; alone in a thread, it had the thread's id.
        op.execute(f"UPDATE {table} SET thread_id = email_id WHERE thread_id IS NULL")
        op.alter_column(table, "thread_id", nullable=False)
