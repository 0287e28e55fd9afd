r"""Emails as JMAP sees them: one object, in however many mailboxes it is (RFC 8621 §4).

IMAP keeps flags with each place. Of one email together, ``$seen`` is set where all places have it,
anything else where one has: so an email that is unread anywhere can be marked read. A place with
``\Deleted`` is out of sight (RFC 8621 §4.1.1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from mailquay.store.engine import Engine
from mailquay.store.errors import NotFound
from mailquay.store.types import AccountId, EmailId, MailboxId, ModSeq, ThreadId

__all__ = ["FLAGS_OF_PLACES", "EmailObject", "EmailObjects"]

#: An email's flag bits out of those of its places, as an SQL aggregate over ``flags``.
FLAGS_OF_PLACES: Final = "((bit_and(flags) & 1) | (bit_or(flags) & 22))"


@dataclass(frozen=True, slots=True)
class EmailObject:
    """An email with what can change of it, and the columns that were asked for."""

    id: EmailId
    thread_id: ThreadId
    received_at: datetime
    size: int
    mailbox_ids: tuple[MailboxId, ...]
    flags: int
    #: Lower case, each once.
    keywords: tuple[str, ...]
    columns: dict[str, Any]


# One statement, so that the state is that of what is read.
_GET: Final = """
    SELECT s.modseq, e.* FROM account_state s LEFT JOIN LATERAL (
        SELECT x.id, x.thread_id, x.received_at, x.size, p.mailbox_ids, p.flags, p.keywords
               {columns}
        FROM email x CROSS JOIN LATERAL (
            SELECT array_agg(DISTINCT mailbox_id) AS mailbox_ids, {flags} AS flags,
                   lower(string_agg(array_to_string(keywords, ' '), ' ')) AS keywords
            FROM mailbox_email
            WHERE account_id = $1 AND email_id = x.id AND flags & 8 = 0 HAVING count(*) > 0
        ) p
        WHERE x.account_id = $1 AND x.id = ANY($2::bigint[])
    ) e ON true
    WHERE s.account_id = $1
"""


class EmailObjects:
    """The emails of accounts, each once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def get(
        self, account_id: AccountId, email_ids: Sequence[int], columns: Sequence[str] = ()
    ) -> tuple[ModSeq, dict[EmailId, EmailObject]]:
        """The account's modseq, and the emails that are there, with columns of `tables.EMAIL`.

        One round trip; primary key, index ``ix_mailbox_email_email``.

        Raises:
            NotFound: the account is gone.
        """
        # Column names are ours, never a client's text.
        more = "".join(f", x.{name}" for name in columns)
        async with self._engine.connection() as c:
            rows = await c.fetch(
                _GET.format(columns=more, flags=FLAGS_OF_PLACES), account_id, email_ids
            )
        if not rows:
            raise NotFound(f"there is no account {account_id}")
        found = [_email(tuple(row.values()), columns) for row in rows if row[1] is not None]
        return ModSeq(rows[0][0]), {email.id: email for email in found}

    async def ids(self, account_id: AccountId, limit: int) -> list[EmailId]:
        """At most ``limit`` of an account's emails."""
        async with self._engine.connection() as c:
            rows = await c.fetch(
                "SELECT DISTINCT email_id FROM mailbox_email "
                "WHERE account_id = $1 AND flags & 8 = 0 LIMIT $2",
                account_id, limit,
            )  # fmt: skip
        return [EmailId(row[0]) for row in rows]

    async def thread_ids(self, account_id: AccountId, limit: int) -> list[ThreadId]:
        """At most ``limit`` of an account's threads."""
        async with self._engine.connection() as c:
            rows = await c.fetch(
                "SELECT DISTINCT thread_id FROM mailbox_email "
                "WHERE account_id = $1 AND flags & 8 = 0 LIMIT $2",
                account_id, limit,
            )  # fmt: skip
        return [ThreadId(row[0]) for row in rows]

    async def threads(
        self, account_id: AccountId, thread_ids: Sequence[int]
    ) -> tuple[ModSeq, dict[ThreadId, list[EmailId]]]:
        """The account's modseq, and the emails of threads, oldest first (RFC 8621 §3).

        One round trip; index ``ix_email_thread``.

        Raises:
            NotFound: the account is gone.
        """
        async with self._engine.connection() as c:
            rows = await c.fetch(
                """
                SELECT s.modseq, e.thread_id, e.id FROM account_state s LEFT JOIN email e
                    ON e.account_id = $1 AND e.thread_id = ANY($2::bigint[]) AND EXISTS (
                        SELECT 1 FROM mailbox_email p WHERE p.account_id = $1
                        AND p.email_id = e.id AND p.flags & 8 = 0)
                WHERE s.account_id = $1 ORDER BY e.received_at, e.id
                """,
                account_id, thread_ids,
            )  # fmt: skip
        if not rows:
            raise NotFound(f"there is no account {account_id}")
        found: dict[ThreadId, list[EmailId]] = {}
        for _, thread_id, email_id in rows:
            if thread_id is not None:
                found.setdefault(ThreadId(thread_id), []).append(EmailId(email_id))
        return ModSeq(rows[0][0]), found


def _email(row: tuple[Any, ...], columns: Sequence[str]) -> EmailObject:
    _, email_id, thread_id, received_at, size, mailbox_ids, flags, keywords, *values = row
    return EmailObject(
        EmailId(email_id),
        ThreadId(thread_id),
        received_at,
        size,
        tuple(MailboxId(mailbox_id) for mailbox_id in mailbox_ids),
        flags,
        tuple(dict.fromkeys((keywords or "").split())),
        dict(zip(columns, values, strict=True)),
    )
