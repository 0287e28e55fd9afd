"""Which kinds of an account's data have changed: what push tells of (RFC 8620 §7.1)."""

from dataclasses import dataclass

from mailquay.store.engine import Engine
from mailquay.store.errors import NotFound
from mailquay.store.types import AccountId, ModSeq

__all__ = ["AccountState", "States"]


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account's modseq, and the data types of JMAP that have changed since an earlier one."""

    modseq: ModSeq
    changed: frozenset[str]


# What went before the floor nobody can tell: then all of it may have changed.
# A thread has other emails when one comes, goes, or is out of sight by \Deleted (RFC 8621 §4.1.1).
# Delivered is what has come since then and had no place before: neither what was moved or copied
# nor a draft (RFC 8621 §1.5).
_CHANGED = """
    SELECT s.modseq, s.trimmed_modseq > $2 OR s.modseq > $2 AND EXISTS (
        SELECT 1 FROM mailbox m WHERE m.account_id = $1
        AND (m.highestmodseq > $2 OR m.changed_modseq > $2)
        UNION ALL
        SELECT 1 FROM mailbox_removed r WHERE r.account_id = $1 AND r.modseq > $2
    ) AS "Mailbox", s.trimmed_modseq > $2 OR s.modseq > $2 AND EXISTS (
        SELECT 1 FROM mailbox_email p WHERE p.account_id = $1 AND p.modseq > $2
        UNION ALL
        SELECT 1 FROM expunged x WHERE x.account_id = $1 AND x.modseq > $2
    ) AS "Email", s.trimmed_modseq > $2 OR s.modseq > $2 AND EXISTS (
        SELECT 1 FROM mailbox_email p WHERE p.account_id = $1 AND p.modseq > $2
        AND (p.created_modseq > $2 OR p.flags & 8 <> 0)
        UNION ALL
        SELECT 1 FROM expunged x WHERE x.account_id = $1 AND x.modseq > $2
    ) AS "Thread", s.trimmed_modseq > $2 OR s.modseq > $2 AND EXISTS (
        SELECT 1 FROM mailbox_email p
        WHERE p.account_id = $1 AND p.modseq > $2 AND p.created_modseq > $2 AND p.flags & 16 = 0
        AND NOT EXISTS (
            SELECT 1 FROM mailbox_email o WHERE o.account_id = $1 AND o.email_id = p.email_id
            AND o.created_modseq <= $2
        ) AND NOT EXISTS (
            SELECT 1 FROM expunged x WHERE x.account_id = $1 AND x.modseq > $2
            AND x.email_id = p.email_id AND x.created_modseq <= $2
        )
    ) AS "EmailDelivery", s.trimmed_modseq > $2 OR s.modseq > $2 AND EXISTS (
        SELECT 1 FROM identity i WHERE i.account_id = $1 AND i.modseq > $2
    ) AS "Identity", s.trimmed_modseq > $2 OR s.modseq > $2 AND EXISTS (
        SELECT 1 FROM email_submission e WHERE e.account_id = $1 AND e.modseq > $2
    ) AS "EmailSubmission"
    FROM account_state s WHERE s.account_id = $1
"""


class States:
    """What is new since a state."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def since(self, account_id: AccountId, modseq: int) -> AccountState:
        """The account's state, and what has changed. One round trip, cheap when nothing has.

        Raises:
            NotFound: the account is gone.
        """
        async with self._engine.connection() as c:
            row = await c.fetchrow(_CHANGED, account_id, modseq)
        if row is None:
            raise NotFound(f"there is no account {account_id}")
        names = frozenset(name for name, value in row.items() if value is True)
        return AccountState(ModSeq(row[0]), names)
