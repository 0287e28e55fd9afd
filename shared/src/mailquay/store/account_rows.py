"""The rows that an account is made of: made and removed in the transaction of whoever asks."""

from mailquay.store.engine import Connection
from mailquay.store.errors import NotFound
from mailquay.store.mailboxes import create_initial_mailboxes
from mailquay.store.types import AccountId

__all__ = ["insert_account", "remove_account"]

# The state row first, where whoever else changes the account waits, and then finds it gone.
_PER_ACCOUNT = (
    "account_state", "mailbox_email", "email", "expunged", "mailbox", "mailbox_removed",
    "former_name", "subscription", "thread_reference", "delivered", "upload", "identity",
    "email_submission", "web_session", "sending", "mailbox_acl", "reader_seen", "mailbox_reader",
)  # fmt: skip


async def insert_account(
    c: Connection,
    address: str,
    password: tuple[str, str],
    *,
    tenant_id: int,
    domain_id: int,
    display_name: str,
    role: str,
    quota_bytes: int | None,
) -> AccountId:
    """Make an account with its first mailboxes and its identity, in the caller's transaction.

    ``password`` is Argon2id's and RFC 5803's form, "" each for none.
    """
    account_id = AccountId(
        await c.fetchval(
            "INSERT INTO account (tenant_id, domain_id, address, display_name, role, "
            "password_hash, scram_sha256, quota_bytes) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
            tenant_id, domain_id, address, display_name, role, *password, quota_bytes,
        )
    )  # fmt: skip
    await c.execute("INSERT INTO account_state (account_id) VALUES ($1)", account_id)
    await create_initial_mailboxes(c, account_id)
    await c.execute(
        "INSERT INTO identity (account_id, name, email, created_modseq, modseq) "
        "VALUES ($1, $2, $3, 1, 1)",
        account_id, display_name, address,
    )  # fmt: skip
    return account_id


async def remove_account(c: Connection, address: str) -> AccountId:
    """Remove an account with all its mail, in the caller's transaction.

    Raises:
        NotFound: there is no such account.
    """
    number = await c.fetchval("DELETE FROM account WHERE address = $1 RETURNING id", address)
    if number is None:
        raise NotFound(f"there is no account {address}")
    for table in _PER_ACCOUNT:
        await c.execute(f"DELETE FROM {table} WHERE account_id = $1", number)
    return AccountId(number)
