"""Mailboxes, their names, and who has subscribed to them."""

from typing import Final

import sqlalchemy as sa

from mailquay.store.tables.columns import METADATA, count, identity, now

__all__ = ["FORMER_NAME", "MAILBOX", "MAILBOX_REMOVED", "SUBSCRIPTION"]

MAILBOX: Final = sa.Table(
    "mailbox",
    METADATA,
    sa.Column("account_id", sa.BigInteger, nullable=False),
    identity(),
    sa.Column("name", sa.Text, nullable=False),  # whole path, NFC, "/" between levels, INBOX upper
    sa.Column("role", sa.Text, nullable=True),  # RFC 6154 / RFC 8621 §2: inbox, sent, drafts, …
    sa.Column("uidvalidity", sa.BigInteger, nullable=False),
    sa.Column("uidnext", sa.BigInteger, nullable=False, server_default=sa.text("1")),
    sa.Column("highestmodseq", sa.BigInteger, nullable=False),
    count("messages"),
    count("unseen"),
    count("deleted"),
    count("bytes"),
    # Uids from here on are \Recent to the next read-write SELECT (RFC 3501 §2.3.2).
    sa.Column("first_recent_uid", sa.BigInteger, nullable=False, server_default=sa.text("1")),
    sa.Column("is_selectable", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("sort_order", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("created_modseq", sa.BigInteger, nullable=False),
    # The last change of name, role, subscription, …; `highestmodseq` also moves with messages.
    sa.Column("changed_modseq", sa.BigInteger, nullable=False),
    now(),
    sa.PrimaryKeyConstraint("account_id", "id"),
    sa.UniqueConstraint("account_id", "name"),
    postgresql_with={"fillfactor": "50"},
)

MAILBOX_REMOVED: Final = sa.Table(
    "mailbox_removed",
    METADATA,
    sa.Column("account_id", sa.BigInteger, nullable=False),
    sa.Column("mailbox_id", sa.BigInteger, nullable=False),
    sa.Column("modseq", sa.BigInteger, nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.PrimaryKeyConstraint("account_id", "mailbox_id"),
)
sa.Index("ix_mailbox_removed_at", MAILBOX_REMOVED.c.at)

# The highest UIDVALIDITY of a mailbox that had the name, and lost it.
FORMER_NAME: Final = sa.Table(
    "former_name",
    METADATA,
    sa.Column("account_id", sa.BigInteger, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("uidvalidity", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("account_id", "name"),
)

# By name, as IMAP keeps a subscription when its mailbox goes (RFC 9051 §6.3.7).
SUBSCRIPTION: Final = sa.Table(
    "subscription",
    METADATA,
    sa.Column("account_id", sa.BigInteger, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("account_id", "name"),
)
