"""The schema, as SQLAlchemy tables; Alembic's migrations are compared with it.

Rules that hold for every table:

* What belongs to an account carries ``account_id`` first in its key, so that the tables can be
  spread over a distributed Postgres without a change of query.
* Ids come from sequences and are never reused; they are the object ids of RFC 8474 and JMAP.
* One counter an account, ``account_state.modseq``, orders every change (RFC 7162, RFC 8620 §5.2).

No I/O here.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

METADATA: Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _now() -> sa.Column[object]:
    return sa.Column(
        "created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
    )


def _identity(name: str = "id") -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, sa.Identity(always=False), nullable=False)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"))


def _blob_ref() -> list[sa.Column[object]]:
    """Where a body lies: see `mailquay.blobs.refs.BlobRef`."""
    return [
        sa.Column("pack_id", sa.Uuid, nullable=False),
        sa.Column("pack_offset", sa.BigInteger, nullable=False),
        sa.Column("stored_length", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("codec", sa.SmallInteger, nullable=False),
    ]


TENANT: Final = sa.Table(
    "tenant",
    METADATA,
    _identity(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    _now(),
    sa.PrimaryKeyConstraint("id"),
)

DOMAIN: Final = sa.Table(
    "domain",
    METADATA,
    _identity(),
    sa.Column("tenant_id", sa.BigInteger, sa.ForeignKey("tenant.id"), nullable=False),
    # A-labels, lower case (RFC 5890): what DNS and the envelope's domain are compared with.
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("catch_all", sa.Text, nullable=True),  # the address that takes unknown recipients
    sa.Column("subaddress_separator", sa.Text, nullable=False, server_default="+"),  # RFC 5233
    _now(),
    sa.PrimaryKeyConstraint("id"),
)

ACCOUNT: Final = sa.Table(
    "account",
    METADATA,
    _identity(),
    sa.Column("tenant_id", sa.BigInteger, sa.ForeignKey("tenant.id"), nullable=False),
    sa.Column("domain_id", sa.BigInteger, sa.ForeignKey("domain.id"), nullable=False),
    sa.Column("address", sa.Text, nullable=False, unique=True),  # normalised, lower case
    sa.Column("display_name", sa.Text, nullable=False, server_default=""),
    sa.Column("role", sa.Text, nullable=False, server_default="user"),  # user | admin
    sa.Column("state", sa.Text, nullable=False, server_default="active"),  # active | disabled
    sa.Column("password_hash", sa.Text, nullable=False),  # Argon2id, PHC string
    sa.Column("scram_sha256", sa.Text, nullable=False),  # RFC 5803 form: salt, StoredKey, ServerKey
    # Raised by each change of credentials or state; what was granted before it is void.
    sa.Column("credential_version", sa.BigInteger, nullable=False, server_default=sa.text("1")),
    sa.Column("quota_bytes", sa.BigInteger, nullable=True),  # NULL: the settings' default; 0: none
    _now(),
    sa.PrimaryKeyConstraint("id"),
    sa.CheckConstraint("role IN ('user', 'admin')", name="role"),
    sa.CheckConstraint("state IN ('active', 'disabled')", name="state"),
)

# Apart from `account`, so that a delivery rewrites 60 bytes and no index.
ACCOUNT_STATE: Final = sa.Table(
    "account_state",
    METADATA,
    sa.Column("account_id", sa.BigInteger, nullable=False, autoincrement=False),
    sa.Column("modseq", sa.BigInteger, nullable=False, server_default=sa.text("1")),
    # The highest UIDVALIDITY given out, so that it only ever rises for a name (RFC 9051 §2.3.1.1).
    sa.Column("uidvalidity", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    _count("used_bytes"),
    _count("used_messages"),
    sa.PrimaryKeyConstraint("account_id"),
    postgresql_with={"fillfactor": "50"},
)

ALIAS: Final = sa.Table(
    "alias",
    METADATA,
    sa.Column("tenant_id", sa.BigInteger, sa.ForeignKey("tenant.id"), nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),  # an address, local or not
    _now(),
    sa.PrimaryKeyConstraint("address", "target"),
)

MAILBOX: Final = sa.Table(
    "mailbox",
    METADATA,
    sa.Column("account_id", sa.BigInteger, nullable=False),
    _identity(),
    sa.Column("name", sa.Text, nullable=False),  # whole path, NFC, "/" between levels, INBOX upper
    sa.Column("role", sa.Text, nullable=True),  # RFC 6154 / RFC 8621 §2: inbox, sent, drafts, …
    sa.Column("uidvalidity", sa.BigInteger, nullable=False),
    sa.Column("uidnext", sa.BigInteger, nullable=False, server_default=sa.text("1")),
    sa.Column("highestmodseq", sa.BigInteger, nullable=False),
    _count("messages"),
    _count("unseen"),
    _count("deleted"),
    _count("bytes"),
    # Uids from here on are \Recent to the next read-write SELECT (RFC 3501 §2.3.2).
    sa.Column("first_recent_uid", sa.BigInteger, nullable=False, server_default=sa.text("1")),
    sa.Column("is_selectable", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("sort_order", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("created_modseq", sa.BigInteger, nullable=False),
    # The last change of name, role, subscription, …; `highestmodseq` also moves with messages.
    sa.Column("changed_modseq", sa.BigInteger, nullable=False),
    _now(),
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

# By name, as IMAP keeps a subscription when its mailbox goes (RFC 9051 §6.3.7).
SUBSCRIPTION: Final = sa.Table(
    "subscription",
    METADATA,
    sa.Column("account_id", sa.BigInteger, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("account_id", "name"),
)

EMAIL: Final = sa.Table(
    "email",
    METADATA,
    sa.Column("account_id", sa.BigInteger, nullable=False),
    _identity(),
    sa.Column("thread_id", sa.BigInteger, nullable=False),
    *_blob_ref(),
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
    sa.Column("message_id_hash", sa.BigInteger, nullable=False),  # 8 bytes of its SHA-256
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

PACK: Final = sa.Table(
    "pack",
    METADATA,
    sa.Column("id", sa.Uuid, nullable=False),
    sa.Column("tenant_id", sa.BigInteger, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("messages", sa.Integer, nullable=False),
    sa.Column("dead_at", sa.DateTime(timezone=True), nullable=True),  # tombstone: nothing refers
    _now(),
    sa.PrimaryKeyConstraint("id"),
)

QUEUE_MESSAGE: Final = sa.Table(
    "queue_message",
    METADATA,
    _identity(),
    sa.Column("tenant_id", sa.BigInteger, nullable=False),
    sa.Column("account_id", sa.BigInteger, nullable=True),  # who submitted it
    sa.Column("reverse_path", sa.Text, nullable=False),  # "" is the null reverse-path
    *_blob_ref(),
    sa.Column("smtputf8", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("is_8bit", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("envelope_id", sa.Text, nullable=True),  # DSN ENVID, RFC 3461
    sa.Column("ret", sa.Text, nullable=True),  # DSN RET: FULL | HDRS
    sa.Column("digest", sa.LargeBinary, nullable=True),  # the same repeat guard as `delivered`
    sa.Column("trace_id", sa.Text, nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    _now(),
    sa.PrimaryKeyConstraint("id"),
)
sa.Index("ix_queue_message_pack", QUEUE_MESSAGE.c.pack_id)
sa.Index(
    "uq_queue_message_digest",
    QUEUE_MESSAGE.c.digest,
    unique=True,
    postgresql_where=QUEUE_MESSAGE.c.digest.is_not(None),
)

QUEUE_RECIPIENT: Final = sa.Table(
    "queue_recipient",
    METADATA,
    _identity(),
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

UPLOAD: Final = sa.Table(
    "upload",
    METADATA,
    sa.Column("account_id", sa.BigInteger, nullable=False),
    _identity(),
    *_blob_ref(),
    sa.Column("media_type", sa.Text, nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    _now(),
    sa.PrimaryKeyConstraint("account_id", "id"),
)
sa.Index("ix_upload_pack", UPLOAD.c.pack_id)

IDENTITY: Final = sa.Table(
    "identity",
    METADATA,
    sa.Column("account_id", sa.BigInteger, nullable=False),
    _identity(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("reply_to", pg.JSONB, nullable=True),
    sa.Column("bcc", pg.JSONB, nullable=True),
    sa.Column("text_signature", sa.Text, nullable=False, server_default=""),
    sa.Column("html_signature", sa.Text, nullable=False, server_default=""),
    sa.Column("created_modseq", sa.BigInteger, nullable=False),
    sa.Column("modseq", sa.BigInteger, nullable=False),
    sa.Column("removed", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.PrimaryKeyConstraint("account_id", "id"),
)

EMAIL_SUBMISSION: Final = sa.Table(
    "email_submission",
    METADATA,
    sa.Column("account_id", sa.BigInteger, nullable=False),
    _identity(),
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
    sa.PrimaryKeyConstraint("account_id", "id"),
)
sa.Index("ix_email_submission_modseq", EMAIL_SUBMISSION.c.account_id, EMAIL_SUBMISSION.c.modseq)

WEB_SESSION: Final = sa.Table(
    "web_session",
    METADATA,
    sa.Column("token_hash", sa.LargeBinary, nullable=False),  # SHA-256 of the cookie's value
    sa.Column("account_id", sa.BigInteger, nullable=False),
    sa.Column("csrf_token", sa.Text, nullable=False),
    sa.Column("credential_version", sa.BigInteger, nullable=False),
    sa.Column("user_agent", sa.Text, nullable=False),
    sa.Column("remote_address", sa.Text, nullable=False),
    sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    _now(),
    sa.PrimaryKeyConstraint("token_hash"),
)
sa.Index("ix_web_session_expires", WEB_SESSION.c.expires_at)
sa.Index("ix_web_session_account", WEB_SESSION.c.account_id)
