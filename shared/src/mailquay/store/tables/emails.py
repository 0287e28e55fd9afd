"""Messages and their places in mailboxes, tombstones, threads, and what may come again."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from mailquay.store.tables.columns import METADATA, blob_ref, identity

__all__ = ["DELIVERED", "EMAIL", "EXPUNGED", "MAILBOX_EMAIL", "THREAD_REFERENCE"]

EMAIL: Final = sa.Table(
    "email",
    METADATA,
    sa.Column("account_id", sa.BigInteger, nullable=False),
    identity(),
    sa.Column("thread_id", sa.BigInteger, nullable=False),
    *blob_ref(),
    sa.Column("header_length", sa.Integer, nullable=False),  # bytes of header, blank line included
    sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),  # INTERNALDATE
    sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),  # the Date field
    sa.Column("message_id", sa.Text, nullable=True),  # without "<" and ">"
    sa.Column("subject", sa.Text, nullable=False),  # decoded
    sa.Column("base_subject", sa.Text, nullable=False),  # RFC 5256 §2.1
    sa.Column("from_", sa.Text, nullable=False),  # decoded field texts, for SEARCH and SORT
    sa.Column("to_", sa.Text, nullable=False),
    sa.Column("cc", sa.Text, nullable=False),
    sa.Column("bcc", sa.Text, nullable=False),
    sa.Column("preview", sa.Text, nullable=False),  # RFC 8970
    sa.Column("has_attachment", sa.Boolean, nullable=False),
    sa.Column("envelope", sa.LargeBinary, nullable=False),  # ready to serve, RFC 9051 §7.5.2
    sa.Column("bodystructure", sa.LargeBinary, nullable=False),  # ready to serve
    sa.Column("structure", sa.LargeBinary, nullable=False),  # `message.structure`'s offsets
    sa.Column("header_fields", sa.LargeBinary, nullable=False),  # raw fields clients ask for
    sa.PrimaryKeyConstraint("account_id", "id"),
)
sa.Index("ix_email_pack", EMAIL.c.pack_id)
sa.Index("ix_email_thread", EMAIL.c.account_id, EMAIL.c.thread_id)

MAILBOX_EMAIL: Final = sa.Table(
    "mailbox_email",
    METADATA,
    sa.Column("account_id", sa.BigInteger, nullable=False),
    sa.Column("mailbox_id", sa.BigInteger, nullable=False),
    sa.Column("uid", sa.BigInteger, nullable=False),
    sa.Column("email_id", sa.BigInteger, nullable=False),
    sa.Column("modseq", sa.BigInteger, nullable=False),
    sa.Column("created_modseq", sa.BigInteger, nullable=False),
    sa.Column("flags", sa.SmallInteger, nullable=False),  # `store.types.Flag` bits
    sa.Column("keywords", pg.ARRAY(sa.Text), nullable=True),  # NULL: none
    sa.Column("size", sa.BigInteger, nullable=False),  # RFC822.SIZE, as in `email`
    sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),  # as in `email`
    sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),  # RFC 8514
    sa.Column("thread_id", sa.BigInteger, nullable=False),  # as in `email`
    sa.PrimaryKeyConstraint("account_id", "mailbox_id", "uid"),
)
sa.Index("ix_mailbox_email_modseq", MAILBOX_EMAIL.c.account_id, MAILBOX_EMAIL.c.modseq)
sa.Index("ix_mailbox_email_email", MAILBOX_EMAIL.c.account_id, MAILBOX_EMAIL.c.email_id)

EXPUNGED: Final = sa.Table(
    "expunged",
    METADATA,
    sa.Column("account_id", sa.BigInteger, nullable=False),
    sa.Column("mailbox_id", sa.BigInteger, nullable=False),
    sa.Column("uid", sa.BigInteger, nullable=False),
    sa.Column("email_id", sa.BigInteger, nullable=False),
    sa.Column("modseq", sa.BigInteger, nullable=False),
    sa.Column("created_modseq", sa.BigInteger, nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("thread_id", sa.BigInteger, nullable=False),  # the email may be gone
    sa.PrimaryKeyConstraint("account_id", "mailbox_id", "uid"),
)
sa.Index("ix_expunged_modseq", EXPUNGED.c.account_id, EXPUNGED.c.modseq)
sa.Index("ix_expunged_at", EXPUNGED.c.at)

# Which thread a Message-ID belongs to, also when it was only referred to yet.
THREAD_REFERENCE: Final = sa.Table(
    "thread_reference",
    METADATA,
    sa.Column("account_id", sa.BigInteger, nullable=False),
    sa.Column("message_id_hash", sa.BigInteger, nullable=False),  # and the base subject, by BLAKE2b
    sa.Column("thread_id", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("account_id", "message_id_hash"),
)

# What a sender may repeat after a lost 250: acknowledged again, not stored again.
DELIVERED: Final = sa.Table(
    "delivered",
    METADATA,
    sa.Column("account_id", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),  # 16 bytes: bytes, Message-ID, path, rcpt
    sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.PrimaryKeyConstraint("account_id", "digest"),
)
sa.Index("ix_delivered_at", DELIVERED.c.at)
