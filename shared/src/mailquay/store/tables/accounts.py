"""Who is here: tenants, domains, accounts with their state, aliases, identities, sessions."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from mailquay.store.tables.columns import METADATA, count, identity, managed_by, now, policy

__all__ = [
    "ACCOUNT",
    "ACCOUNT_STATE",
    "ALIAS",
    "DOMAIN",
    "IDENTITY",
    "SENDING",
    "TENANT",
    "WEB_SESSION",
]

TENANT: Final = sa.Table(
    "tenant",
    METADATA,
    identity(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("max_domains", sa.Integer, nullable=True),
    *policy(),
    managed_by(),
    now(),
    sa.PrimaryKeyConstraint("id"),
)

DOMAIN: Final = sa.Table(
    "domain",
    METADATA,
    identity(),
    sa.Column("tenant_id", sa.BigInteger, sa.ForeignKey("tenant.id"), nullable=False),
    # A-labels, lower case (RFC 5890): what DNS and the envelope's domain are compared with.
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("catch_all", sa.Text, nullable=True),  # the address that takes unknown recipients
    sa.Column("subaddress_separator", sa.Text, nullable=False, server_default="+"),  # RFC 5233
    *policy(),
    managed_by(),
    now(),
    sa.PrimaryKeyConstraint("id"),
)

ACCOUNT: Final = sa.Table(
    "account",
    METADATA,
    identity(),
    sa.Column("tenant_id", sa.BigInteger, sa.ForeignKey("tenant.id"), nullable=False),
    sa.Column("domain_id", sa.BigInteger, sa.ForeignKey("domain.id"), nullable=False),
    sa.Column("address", sa.Text, nullable=False, unique=True),  # normalised, lower case
    sa.Column("display_name", sa.Text, nullable=False, server_default=""),
    sa.Column("role", sa.Text, nullable=False, server_default="user"),  # user | admin
    # person | shared: the latter is nobody, so cannot sign in; others read its mail by its ACL.
    sa.Column("kind", sa.Text, nullable=False, server_default="person"),
    sa.Column("state", sa.Text, nullable=False, server_default="active"),  # active | disabled
    sa.Column("password_hash", sa.Text, nullable=False),  # Argon2id, PHC string; "": none
    sa.Column("scram_sha256", sa.Text, nullable=False),  # RFC 5803 form; "": none
    # Raised by each change of credentials or state; what was granted before it is void.
    sa.Column("credential_version", sa.BigInteger, nullable=False, server_default=sa.text("1")),
    sa.Column("quota_bytes", sa.BigInteger, nullable=True),  # NULL: the policy's default; 0: none
    managed_by(),  # or `pruned`: disabled, as its file names it no more
    now(),
    sa.PrimaryKeyConstraint("id"),
    sa.CheckConstraint("role IN ('user', 'admin')", name="role"),
    sa.CheckConstraint("kind IN ('person', 'shared')", name="kind"),
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
    # Tombstones up to this modseq may be gone: what happened before it nobody can tell any more.
    sa.Column("trimmed_modseq", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    count("used_bytes"),
    count("used_messages"),
    sa.PrimaryKeyConstraint("account_id"),
    postgresql_with={"fillfactor": "50"},
)

# What an account has sent since its window began, where a policy limits it.
SENDING: Final = sa.Table(
    "sending",
    METADATA,
    sa.Column("account_id", sa.BigInteger, nullable=False, autoincrement=False),
    sa.Column("since", sa.DateTime(timezone=True), nullable=False),
    sa.Column("recipients", sa.Integer, nullable=False),
    sa.PrimaryKeyConstraint("account_id"),
)

ALIAS: Final = sa.Table(
    "alias",
    METADATA,
    sa.Column("tenant_id", sa.BigInteger, sa.ForeignKey("tenant.id"), nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),  # an address, local or not
    managed_by(),
    now(),
    sa.PrimaryKeyConstraint("address", "target"),
)

IDENTITY: Final = sa.Table(
    "identity",
    METADATA,
    sa.Column("account_id", sa.BigInteger, nullable=False),
    identity(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("reply_to", pg.JSONB, nullable=True),
    sa.Column("bcc", pg.JSONB, nullable=True),
    sa.Column("text_signature", sa.Text, nullable=False, server_default=""),
    sa.Column("html_signature", sa.Text, nullable=False, server_default=""),
    sa.Column("created_modseq", sa.BigInteger, nullable=False),
    sa.Column("modseq", sa.BigInteger, nullable=False),
    sa.Column("removed", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint("account_id", "id"),
)
sa.Index("ix_identity_removed_at", IDENTITY.c.removed_at)

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
    now(),
    sa.PrimaryKeyConstraint("token_hash"),
)
sa.Index("ix_web_session_expires", WEB_SESSION.c.expires_at)
sa.Index("ix_web_session_account", WEB_SESSION.c.account_id)
