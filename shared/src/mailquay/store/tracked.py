"""Changes of rows that stay behind as tombstones: ``created_modseq``, ``modseq``, ``removed``."""

from dataclasses import dataclass

from mailquay.store.engine import Connection
from mailquay.store.errors import Forgotten
from mailquay.store.types import AccountId, ModSeq

__all__ = ["TrackedChanges", "tracked_changes", "trimmed_modseq"]


@dataclass(frozen=True, slots=True)
class TrackedChanges:
    """Ids that came, changed or went since a state (RFC 8620 §5.2)."""

    state: ModSeq
    created: tuple[int, ...]
    updated: tuple[int, ...]
    destroyed: tuple[int, ...]
    has_more: bool


async def tracked_changes(
    c: Connection, table: str, account_id: AccountId, since: int, limit: int
) -> TrackedChanges:
    """At most ``limit`` changes of a table's rows, in the order of a key.

    Of what is new since then the key is the modseq that it came with, of everything else the modseq
    of its last change; so a client may go on from any of them and miss nothing.

    Raises:
        Forgotten: tombstones since then were trimmed.
    """
    state = await c.fetchval("SELECT modseq FROM account_state WHERE account_id = $1", account_id)
    # The name is one of our own tables.
    rows = await c.fetch(
        "SELECT id, created_modseq > $2 AS is_new, removed, "
        "CASE WHEN created_modseq > $2 THEN created_modseq ELSE modseq END AS key "
        f"FROM {table} WHERE account_id = $1 AND modseq > $2 ORDER BY key, id LIMIT $3",
        account_id, since, limit + 1,
    )  # fmt: skip
    # Asked after the tombstones were read: what is trimmed in between is noticed.
    if since < await trimmed_modseq(c, account_id):
        raise Forgotten("what happened since then is not known any more")
    has_more = len(rows) > limit
    rows = rows[:limit]
    return TrackedChanges(
        ModSeq(rows[-1][3] if has_more else state),
        tuple(row[0] for row in rows if row[1] and not row[2]),
        tuple(row[0] for row in rows if not row[1] and not row[2]),
        tuple(row[0] for row in rows if not row[1] and row[2]),
        has_more,
    )


async def trimmed_modseq(c: Connection, account_id: AccountId) -> ModSeq:
    """The account's floor: tombstones of it and of what is below may be gone; 0 for none."""
    value = await c.fetchval(
        "SELECT trimmed_modseq FROM account_state WHERE account_id = $1", account_id
    )
    return ModSeq(value or 0)
