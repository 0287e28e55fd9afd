"""Let history be trimmed by age: a floor for each account, when rows were removed, and indexes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "202611250400"
down_revision = "202611250300"
branch_labels = None
depends_on = None

_INDEXES = (
    ("ix_identity_removed_at", "identity", "removed_at", None),
    ("ix_email_submission_removed_at", "email_submission", "removed_at", None),
    ("ix_email_submission_send_at", "email_submission", "send_at", "NOT removed"),
    ("ix_mailbox_removed_at", "mailbox_removed", "at", None),
    ("ix_queue_message_created", "queue_message", "created_at", None),
    ("ix_upload_expires", "upload", "expires_at", None),
)


def upgrade() -> None:
    """Add what an older release does not see; none of the tables with an index is a large one."""
    op.add_column(
        "account_state",
        sa.Column("trimmed_modseq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    for table in ("identity", "email_submission"):
        op.add_column(table, sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))
        op.execute(f"UPDATE {table} SET removed_at = now() WHERE removed")
    op.create_table(
        "task_result",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("result", pg.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_task_result"),
    )
    for name, table, column, where in _INDEXES:
        condition = None if where is None else sa.text(where)
        op.create_index(name, table, [column], unique=False, postgresql_where=condition)
