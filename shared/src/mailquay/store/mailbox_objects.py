r"""Mailboxes as JMAP sees them, with numbers of emails and threads (RFC 8621 §2).

The counters of a mailbox are IMAP's: of places, those with ``\Deleted`` among them. Emails and
threads are counted over the narrow rows of the places.
"""

from dataclasses import dataclass
from typing import Final

from mailquay.store.email_objects import FLAGS_OF_PLACES
from mailquay.store.engine import Engine
from mailquay.store.errors import NotFound
from mailquay.store.mailboxes import MAILBOX_COLUMNS, mailbox_of
from mailquay.store.types import AccountId, Mailbox, MailboxId, ModSeq

__all__ = ["MailboxCounts", "MailboxObjects"]


@dataclass(frozen=True, slots=True)
class MailboxCounts:
    """Emails and threads of a mailbox (RFC 8621 §2)."""

    total_emails: int = 0
    unread_emails: int = 0
    total_threads: int = 0
    unread_threads: int = 0


# An email is unread with neither \Seen nor \Draft. A thread is, if one of its emails is; emails in
# the trash are as if in a thread of their own (RFC 8621 §2, unreadThreads).
_COUNTS: Final = f"""
    WITH trash AS (
        SELECT coalesce(max(id), 0) AS id FROM mailbox WHERE account_id = $1 AND role = 'trash'
    ), place AS MATERIALIZED (
        SELECT mailbox_id, email_id, thread_id, flags FROM mailbox_email
        WHERE account_id = $1 AND flags & 8 = 0
    ), unread AS MATERIALIZED (
        SELECT email_id, thread_id, bool_and(mailbox_id = trash.id) AS is_only_trash
        FROM place, trash
        WHERE email_id IN (SELECT email_id FROM place WHERE flags & 1 = 0)
        GROUP BY email_id, thread_id HAVING {FLAGS_OF_PLACES} & 17 = 0
    )
    SELECT p.mailbox_id, count(DISTINCT p.email_id), count(DISTINCT u.email_id),
           count(DISTINCT p.thread_id),
           CASE WHEN p.mailbox_id = (SELECT id FROM trash) THEN count(DISTINCT u.thread_id)
                ELSE count(DISTINCT t.thread_id) END
    FROM place p
    LEFT JOIN unread u ON u.email_id = p.email_id
    LEFT JOIN (SELECT DISTINCT thread_id FROM unread WHERE NOT is_only_trash) t
        ON t.thread_id = p.thread_id
    GROUP BY p.mailbox_id
"""


class MailboxObjects:
    """The mailboxes of accounts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def list_mailboxes(self, account_id: AccountId) -> tuple[ModSeq, list[Mailbox]]:
        """The account's modseq, and all its mailboxes by name. One round trip.

        Raises:
            NotFound: the account is gone.
        """
        async with self._engine.connection() as c:
            rows = await c.fetch(
                f"SELECT {MAILBOX_COLUMNS}, s.modseq FROM account_state s "
                "JOIN mailbox m ON m.account_id = s.account_id "
                "WHERE s.account_id = $1 ORDER BY m.name",
                account_id,
            )
        if not rows:
            raise NotFound(f"there is no account {account_id}")
        return ModSeq(rows[0]["modseq"]), [mailbox_of(tuple(row.values())[:-1]) for row in rows]

    async def counts(self, account_id: AccountId) -> dict[MailboxId, MailboxCounts]:
        """The numbers of each mailbox; those without emails are left out.

        One round trip; reads all places of the account, not the emails.
        """
        async with self._engine.connection() as c:
            rows = await c.fetch(_COUNTS, account_id)
        return {MailboxId(row[0]): MailboxCounts(*row[1:]) for row in rows}
