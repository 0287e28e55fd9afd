"""Mail that leaves, and what the web knows of it."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from mailquay.store.tables.columns import METADATA, blob_ref, identity, managed_by, now

__all__ = ["EMAIL_SUBMISSION", "QUEUE_MESSAGE", "QUEUE_RECIPIENT", "RELAY"]

QUEUE_MESSAGE: Final = sa.Table(
    "queue_message",
    METADATA,
    identity(),
    sa.Column("tenant_id", sa.BigInteger, nullable=False),
    sa.Column("account_id", sa.BigInteger, nullable=True),  # who submitted it
    sa.Column("reverse_path", sa.Text, nullable=False),  # "" is the null reverse-path
    *blob_ref(),
    sa.Column("smtputf8", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("is_8bit", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("envelope_id", sa.Text, nullable=True),  # DSN ENVID, RFC 3461
    sa.Column("ret", sa.Text, nullable=True),  # DSN RET: FULL | HDRS
    sa.Column("digest", sa.LargeBinary, nullable=True),  # the same repeat guard as `delivered`
    sa.Column("trace_id", sa.Text, nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    now(),
    sa.PrimaryKeyConstraint("id"),
)
sa.Index("ix_queue_message_pack", QUEUE_MESSAGE.c.pack_id)
sa.Index("ix_queue_message_created", QUEUE_MESSAGE.c.created_at)
sa.Index(
    "uq_queue_message_digest",
    QUEUE_MESSAGE.c.digest,
    unique=True,
    postgresql_where=QUEUE_MESSAGE.c.digest.is_not(None),
)

QUEUE_RECIPIENT: Final = sa.Table(
    "queue_recipient",
    METADATA,
    identity(),
    sa.Column(
        "message_id",
        sa.BigInteger,
        sa.ForeignKey("queue_message.id", ondelete="CASCADE"),
        nullable=False,
    ),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("domain", sa.Text, nullable=False),  # A-labels, lower case: what is looked up
    sa.Column("state", sa.Text, nullable=False, server_default="queued"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column(
        "next_attempt_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
    ),
    # A lease is held until `lease_until`; `lease_epoch` fences a worker that comes back late.
    sa.Column("lease_owner", sa.Text, nullable=True),
    sa.Column("lease_epoch", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
    sa.Column("last_attempt_at", sa.DateTime(timezone=True), nullable=True),
    sa.Column("last_host", sa.Text, nullable=True),
    sa.Column("last_reply", sa.Text, nullable=True),  # "451 4.3.0 …", as the peer said it
    sa.Column("possible_duplicate", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("delay_notified", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("notify", sa.Text, nullable=True),  # DSN NOTIFY, RFC 3461 §4.1
    sa.Column("original_recipient", sa.Text, nullable=True),  # DSN ORCPT
    # The report that the sender is still owed: failed | delayed | relayed (RFC 3464 §2.3.3).
    sa.Column("report", sa.Text, nullable=True),
    sa.PrimaryKeyConstraint("id"),
    sa.CheckConstraint("state IN ('queued', 'held', 'delivered', 'failed')", name="state"),
)
sa.Index("ix_queue_recipient_message", QUEUE_RECIPIENT.c.message_id)
sa.Index(
    "ix_queue_recipient_due",
    QUEUE_RECIPIENT.c.next_attempt_at,
    postgresql_where=QUEUE_RECIPIENT.c.state == "queued",
)
sa.Index(
    "ix_queue_recipient_report",
    QUEUE_RECIPIENT.c.message_id,
    postgresql_where=QUEUE_RECIPIENT.c.report.is_not(None),
)

# Routes ahead of the settings' smarthost and of DNS: see `store.relays`.
RELAY: Final = sa.Table(
    "relay",
    METADATA,
    identity(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("tenant_id", sa.BigInteger, sa.ForeignKey("tenant.id"), nullable=True),  # NULL: all
    sa.Column("recipient_domain", sa.Text, nullable=False),  # a domain, "*.domain", or "*"
    sa.Column("sender_domain", sa.Text, nullable=True),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=True),
    sa.Column("port", sa.Integer, nullable=True),
    sa.Column("tls", sa.Text, nullable=True),  # opportunistic | required | off
    sa.Column("username", sa.Text, nullable=True),
    # Where smtp-out reads the password: the database holds none.
    sa.Column("password_file", sa.Text, nullable=True),
    sa.Column("password_env", sa.Text, nullable=True),
    managed_by(),
    now(),
    sa.PrimaryKeyConstraint("id"),
    sa.CheckConstraint("action IN ('host', 'mx', 'reject')", name="action"),
)

EMAIL_SUBMISSION: Final = sa.Table(
    "email_submission",
    METADATA,
    sa.Column("account_id", sa.BigInteger, nullable=False),
    identity(),
    sa.Column("identity_id", sa.BigInteger, nullable=False),
    sa.Column("email_id", sa.BigInteger, nullable=False),
    sa.Column("thread_id", sa.BigInteger, nullable=False),
    sa.Column("envelope", pg.JSONB, nullable=False),  # RFC 8621 §7: mailFrom, rcptTo
    sa.Column("send_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("undo_status", sa.Text, nullable=False),  # pending | final | canceled
    sa.Column("queue_message_id", sa.BigInteger, nullable=True),
    sa.Column("created_modseq", sa.BigInteger, nullable=False),
    sa.Column("modseq", sa.BigInteger, nullable=False),
    sa.Column("removed", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint("account_id", "id"),
)
sa.Index("ix_email_submission_removed_at", EMAIL_SUBMISSION.c.removed_at)
sa.Index(
    "ix_email_submission_send_at",
    EMAIL_SUBMISSION.c.send_at,
    postgresql_where=sa.not_(EMAIL_SUBMISSION.c.removed),
)
sa.Index("ix_email_submission_modseq", EMAIL_SUBMISSION.c.account_id, EMAIL_SUBMISSION.c.modseq)
