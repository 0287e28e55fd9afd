"""UIDVALIDITY, which only ever rises for a name (RFC 9051 §2.3.1.1).

Each mailbox that is made has a higher one than any before it. A mailbox that is renamed keeps its
own, as its uids stay what they are; but where another one with a higher UIDVALIDITY has had the new
name, it takes a new one. Everything here wants the account's state row locked.
"""

import time
from collections.abc import Sequence
from typing import Final

from mailquay.store.engine import Connection
from mailquay.store.types import AccountId, MailboxId

__all__ = ["leave_names", "take_names", "take_uidvalidity"]


async def take_uidvalidity(c: Connection, account_id: AccountId) -> int:
    """A UIDVALIDITY greater than any before; the clock makes it so across a restore too."""
    value: int = await c.fetchval(
        "UPDATE account_state SET uidvalidity = greatest(uidvalidity + 1, $2) "
        "WHERE account_id = $1 RETURNING uidvalidity",
        account_id, int(time.time()),
    )  # fmt: skip
    return value


_LEAVE: Final = """
    INSERT INTO former_name (account_id, name, uidvalidity)
    SELECT account_id, name, uidvalidity FROM mailbox
    WHERE account_id = $1 AND id = ANY($2::bigint[])
    ON CONFLICT (account_id, name) DO UPDATE
    SET uidvalidity = greatest(former_name.uidvalidity, excluded.uidvalidity)
"""

_OUTDONE: Final = """
    SELECT m.id FROM mailbox m
    JOIN former_name f ON f.account_id = m.account_id AND f.name = m.name
    WHERE m.account_id = $1 AND m.id = ANY($2::bigint[]) AND f.uidvalidity > m.uidvalidity
    ORDER BY m.id
"""


async def leave_names(c: Connection, account_id: AccountId, mailboxes: Sequence[MailboxId]) -> None:
    """Remember the names of mailboxes that are about to be renamed, or to go."""
    await c.execute(_LEAVE, account_id, mailboxes)


async def take_names(c: Connection, account_id: AccountId, mailboxes: Sequence[MailboxId]) -> None:
    """Raise the UIDVALIDITY of mailboxes that have just got names with a history."""
    for row in await c.fetch(_OUTDONE, account_id, mailboxes):
        uidvalidity = await take_uidvalidity(c, account_id)
        await c.execute(
            "UPDATE mailbox SET uidvalidity = $3 WHERE account_id = $1 AND id = $2",
            account_id, row[0], uidvalidity,
        )  # fmt: skip
