"""Who else may use a mailbox, and what each of them has seen in it (RFC 4314)."""

from typing import Final

import sqlalchemy as sa

from mailquay.store.tables.columns import METADATA, count

__all__ = ["MAILBOX_ACL", "MAILBOX_READER", "READER_SEEN"]

# The owner has all rights and no entry; `account_id` is the owner's.
MAILBOX_ACL: Final = sa.Table(
    "mailbox_acl",
    METADATA,
    sa.Column("account_id", sa.BigInteger, nullable=False),
    sa.Column("mailbox_id", sa.BigInteger, nullable=False),
    # An address or `anyone`, after "-" where it takes rights away.
    sa.Column("identifier", sa.Text, nullable=False),
    sa.Column("tenant_id", sa.BigInteger, nullable=False),
    sa.Column("grantee_id", sa.BigInteger, nullable=False),  # 0: anyone of the tenant
    sa.Column("is_negative", sa.Boolean, nullable=False),
    sa.Column("rights", sa.Integer, nullable=False),  # `store.rights.Rights` bits
    sa.PrimaryKeyConstraint("account_id", "mailbox_id", "identifier"),
)
# What is shared with someone is asked for by who that is.
sa.Index("ix_mailbox_acl_grantee", MAILBOX_ACL.c.tenant_id, MAILBOX_ACL.c.grantee_id)

# What a reader who is not the owner has made of a message's \Seen; no row: nothing yet.
READER_SEEN: Final = sa.Table(
    "reader_seen",
    METADATA,
    sa.Column("account_id", sa.BigInteger, nullable=False),
    sa.Column("mailbox_id", sa.BigInteger, nullable=False),
    sa.Column("uid", sa.BigInteger, nullable=False),
    sa.Column("reader_id", sa.BigInteger, nullable=False),
    sa.Column("modseq", sa.BigInteger, nullable=False),
    sa.Column("seen", sa.Boolean, nullable=False),
    sa.PrimaryKeyConstraint("account_id", "mailbox_id", "uid", "reader_id"),
)
sa.Index(
    "ix_reader_seen_modseq",
    READER_SEEN.c.account_id,
    READER_SEEN.c.mailbox_id,
    READER_SEEN.c.reader_id,
    READER_SEEN.c.modseq,
)

# Counters of such a reader, as `mailbox` has the owner's.
MAILBOX_READER: Final = sa.Table(
    "mailbox_reader",
    METADATA,
    sa.Column("account_id", sa.BigInteger, nullable=False),
    sa.Column("mailbox_id", sa.BigInteger, nullable=False),
    sa.Column("reader_id", sa.BigInteger, nullable=False),
    count("seen"),
    sa.Column("highestmodseq", sa.BigInteger, nullable=False),
    # When all that was seen was forgotten, as a grant had ended: no message is older to the reader.
    count("forgotten_modseq"),
    sa.PrimaryKeyConstraint("account_id", "mailbox_id", "reader_id"),
)
sa.Index("ix_mailbox_reader_reader", MAILBOX_READER.c.reader_id)
