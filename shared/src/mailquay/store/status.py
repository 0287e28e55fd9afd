"""What STATUS tells beyond a mailbox's counters (RFC 3501 §6.3.10, RFC 9208 §4.1.4).

Asked for seldom, and by name alone: counted when it is, and only where there is something.
"""

from collections.abc import Sequence

from mailquay.store.engine import Engine
from mailquay.store.types import AccountId, Mailbox

__all__ = ["Statuses"]


class Statuses:
    """Counts over the messages of several mailboxes; one round trip each."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def recent(self, account_id: AccountId, mailboxes: Sequence[Mailbox]) -> dict[int, int]:
        r"""RECENT: messages from the first \Recent uid on, by mailbox id; none: left out."""
        wanted = [box.id for box in mailboxes if box.first_recent_uid < box.uidnext]
        if not wanted:
            return {}
        async with self._engine.connection() as c:
            rows = await c.fetch(
                "SELECT m.id, count(*) FROM mailbox m JOIN mailbox_email p "
                "ON p.account_id = m.account_id AND p.mailbox_id = m.id "
                "AND p.uid >= m.first_recent_uid "
                "WHERE m.account_id = $1 AND m.id = ANY($2::bigint[]) GROUP BY m.id",
                account_id, wanted,
            )  # fmt: skip
        return {row[0]: row[1] for row in rows}

    async def deleted_bytes(
        self, account_id: AccountId, mailboxes: Sequence[Mailbox]
    ) -> dict[int, int]:
        r"""Bytes of messages with \Deleted, by mailbox id; none: left out."""
        wanted = [box.id for box in mailboxes if box.deleted]
        if not wanted:
            return {}
        async with self._engine.connection() as c:
            rows = await c.fetch(
                "SELECT mailbox_id, sum(size)::bigint FROM mailbox_email WHERE account_id = $1 "
                "AND mailbox_id = ANY($2::bigint[]) AND flags & 8 <> 0 GROUP BY mailbox_id",
                account_id, wanted,
            )  # fmt: skip
        return {row[0]: row[1] for row in rows}
