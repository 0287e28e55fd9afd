"""Let mailboxes be shared: entries of access control lists, and what each reader has seen."""

import sqlalchemy as sa
from alembic import op

revision = "202611250510"
down_revision = "202611250400"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add three tables and a column with a default: an older release sees persons everywhere."""
    op.add_column("account", sa.Column("kind", sa.Text(), server_default="person", nullable=False))
    op.create_check_constraint("ck_account_kind", "account", "kind IN ('person', 'shared')")
    op.create_table(
        "mailbox_acl",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("mailbox_id", sa.BigInteger(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("grantee_id", sa.BigInteger(), nullable=False),
        sa.Column("is_negative", sa.Boolean(), nullable=False),
        sa.Column("rights", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "mailbox_id", "identifier", name="pk_mailbox_acl"),
    )
    op.create_index("ix_mailbox_acl_grantee", "mailbox_acl", ["tenant_id", "grantee_id"])
    op.create_table(
        "reader_seen",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("mailbox_id", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("reader_id", sa.BigInteger(), nullable=False),
        sa.Column("modseq", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint(
            "account_id", "mailbox_id", "uid", "reader_id", name="pk_reader_seen"
        ),
    )
    op.create_index(
        "ix_reader_seen_modseq", "reader_seen", ["account_id", "mailbox_id", "reader_id", "modseq"]
    )
    op.create_table(
        "mailbox_reader",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("mailbox_id", sa.BigInteger(), nullable=False),
        sa.Column("reader_id", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("highestmodseq", sa.BigInteger(), nullable=False),
        sa.Column("forgotten_modseq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "mailbox_id", "reader_id", name="pk_mailbox_reader"),
    )
    op.create_index("ix_mailbox_reader_reader", "mailbox_reader", ["reader_id"])
