"""Make room for mail settings as code: who manages a row, policies, relays, what was sent."""

import sqlalchemy as sa
from alembic import op

revision = "202611250200"
down_revision = "202611250100"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns that may be empty, which an older release does not see, and two tables."""
    for table in ("tenant", "domain", "account", "alias"):
        op.add_column(table, sa.Column("managed_by", sa.Text(), nullable=True))
    op.add_column("tenant", sa.Column("max_domains", sa.Integer(), nullable=True))
    for table in ("tenant", "domain"):
        op.add_column(table, sa.Column("default_quota_bytes", sa.BigInteger(), nullable=True))
        op.add_column(table, sa.Column("max_accounts", sa.Integer(), nullable=True))
        op.add_column(table, sa.Column("max_message_bytes", sa.BigInteger(), nullable=True))
        op.add_column(table, sa.Column("max_recipients_per_day", sa.Integer(), nullable=True))
        op.add_column(table, sa.Column("outbound", sa.Boolean(), nullable=True))
    op.create_table(
        "sending",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recipients", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_sending"),
    )
    op.create_table(
        "relay",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=True),
        sa.Column("recipient_domain", sa.Text(), nullable=False),
        sa.Column("sender_domain", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("port", sa.Integer(), nullable=True),
        sa.Column("tls", sa.Text(), nullable=True),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("password_file", sa.Text(), nullable=True),
        sa.Column("password_env", sa.Text(), nullable=True),
        sa.Column("managed_by", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("action IN ('host', 'mx', 'reject')", name="ck_relay_action"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_relay_tenant_id_tenant"),
        sa.PrimaryKeyConstraint("id", name="pk_relay"),
        sa.UniqueConstraint("name", name="uq_relay_name"),
    )
