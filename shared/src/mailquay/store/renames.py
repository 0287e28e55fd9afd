"""What RENAME does, inside its transaction (RFC 9051 §6.3.6); the account's state row is locked."""

from typing import Final

from mailquay.store.engine import Connection
from mailquay.store.names import require_size
from mailquay.store.places import copy_places, remove_places
from mailquay.store.types import AccountId, MailboxId, ModSeq
from mailquay.store.uidvalidity import leave_names, take_names

__all__ = ["empty_inbox", "rename_subscriptions", "rename_tree"]

#: A name and all below it.
_AT_OR_BELOW: Final = "(name = $2 OR starts_with(name, $2::text || '/'))"
_RENAMED: Final = "$3::text || substr(name, length($2::text) + 1)"


async def rename_tree(
    c: Connection, account_id: AccountId, old: str, new: str, modseq: ModSeq
) -> None:
    """Every name that begins with the old one begins with the new one.

    None of these can be taken: whatever is below a name, the name itself is there too.

    Raises:
        Refused: one of them is too long now, or too deep.
    """
    tree = await c.fetch(
        f"SELECT id FROM mailbox WHERE account_id = $1 AND {_AT_OR_BELOW}", account_id, old
    )
    ids = [MailboxId(row[0]) for row in tree]
    await leave_names(c, account_id, ids)
    rows = await c.fetch(
        f"UPDATE mailbox SET name = {_RENAMED}, changed_modseq = $4, highestmodseq = $4 "
        "WHERE account_id = $1 AND id = ANY($5::bigint[]) "
        "RETURNING length(name), length(name) - length(replace(name, '/', '')) + 1",
        account_id, old, new, modseq, ids,
    )  # fmt: skip
    for characters, levels in rows:
        require_size(characters, levels)
    await take_names(c, account_id, ids)


async def rename_subscriptions(
    c: Connection, account_id: AccountId, old: str, new: str, *, keeps: bool
) -> None:
    """Subscribe the new names of what was subscribed; some may be so already."""
    await c.execute(
        "INSERT INTO subscription (account_id, name) "
        f"SELECT account_id, {_RENAMED} FROM subscription "
        f"WHERE account_id = $1 AND {_AT_OR_BELOW} ON CONFLICT DO NOTHING",
        account_id, old, new,
    )  # fmt: skip
    if not keeps:
        await c.execute(
            f"DELETE FROM subscription WHERE account_id = $1 AND {_AT_OR_BELOW}", account_id, old
        )


async def empty_inbox(
    c: Connection, account_id: AccountId, target: MailboxId, modseq: ModSeq
) -> None:
    """Move all messages of INBOX to a new mailbox; INBOX itself stays what it is, and empty."""
    inbox = MailboxId(
        await c.fetchval(
            "SELECT id FROM mailbox WHERE account_id = $1 AND name = 'INBOX' FOR UPDATE",
            account_id,
        )
    )
    moved = await copy_places(c, account_id, inbox, None, target, modseq)
    if moved:
        await remove_places(c, account_id, inbox, [uid for uid, _ in moved], modseq)
