"""Entries of access control lists, inside a transaction; the owner's state row is locked."""

from typing import Final

from mailquay.store.engine import Connection
from mailquay.store.types import AccountId, MailboxId, ModSeq

__all__ = ["EFFECTIVE", "forget_lost_readers", "forget_sharing", "inherit_acl"]

#: What the entries ``x`` of a group grant without what they take, as bits (RFC 4314 §2).
EFFECTIVE: Final = """
    coalesce(bit_or(x.rights) FILTER (WHERE NOT x.is_negative), 0)
    & ~coalesce(bit_or(x.rights) FILTER (WHERE x.is_negative), 0)
"""


async def inherit_acl(
    c: Connection, account_id: AccountId, mailbox_id: MailboxId, name: str
) -> None:
    """Give a new mailbox the entries of the one above it, as others' servers do."""
    parent, delimiter, _ = name.rpartition("/")
    if delimiter:
        await c.execute(
            "INSERT INTO mailbox_acl (account_id, mailbox_id, identifier, tenant_id, grantee_id, "
            "is_negative, rights) SELECT x.account_id, $2, x.identifier, x.tenant_id, "
            "x.grantee_id, x.is_negative, x.rights FROM mailbox m JOIN mailbox_acl x "
            "ON x.account_id = m.account_id AND x.mailbox_id = m.id "
            "WHERE m.account_id = $1 AND m.name = $3",
            account_id, mailbox_id, parent,
        )  # fmt: skip


async def forget_sharing(c: Connection, account_id: AccountId, mailbox_id: MailboxId) -> None:
    """A mailbox that goes is shared with nobody; its messages are out of it already."""
    for table in ("mailbox_acl", "mailbox_reader"):
        await c.execute(
            f"DELETE FROM {table} WHERE account_id = $1 AND mailbox_id = $2",
            account_id, mailbox_id,
        )  # fmt: skip


_FORGET: Final = f"""
    WITH lost AS (
        SELECT r.reader_id FROM mailbox_reader r
        LEFT JOIN mailbox_acl x ON x.account_id = r.account_id AND x.mailbox_id = r.mailbox_id
            AND x.grantee_id IN (0, r.reader_id)
        WHERE r.account_id = $1 AND r.mailbox_id = $2
        GROUP BY r.reader_id HAVING ({EFFECTIVE}) & 2 = 0
    ), gone AS (
        DELETE FROM reader_seen WHERE account_id = $1 AND mailbox_id = $2
            AND reader_id IN (SELECT reader_id FROM lost)
    )
    UPDATE mailbox_reader SET seen = 0, highestmodseq = $3, forgotten_modseq = $3
    WHERE account_id = $1 AND mailbox_id = $2 AND reader_id IN (SELECT reader_id FROM lost)
"""


async def forget_lost_readers(
    c: Connection, account_id: AccountId, mailbox_id: MailboxId, modseq: ModSeq
) -> None:
    r"""Forget the \Seen of who may not read any longer; should they again, all has changed."""
    await c.execute(_FORGET, account_id, mailbox_id, modseq)
