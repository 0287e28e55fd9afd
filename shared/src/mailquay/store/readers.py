r"""A mailbox as one of its readers who is not its owner has it: \Seen is each reader's own.

All other flags are common. A message's modseq to a reader is that of its last change or of what the
reader has made of \Seen, whichever is later; so CONDSTORE and QRESYNC hold for each of them
(RFC 7162), and nobody else sees anything changed. What writes wants the owner's state row locked.
"""

from collections.abc import Sequence
from typing import Any, Final

from mailquay.store.engine import Connection
from mailquay.store.rights import Rights, settable_flags
from mailquay.store.types import AccountId, Flag, MailboxId, ModSeq

__all__ = [
    "READER_CHANGED",
    "READER_PLACES",
    "READER_PULSE",
    "carry_seen",
    "changed_flags",
    "write_flags",
]

_COLUMNS: Final = """
    SELECT p.uid, p.email_id,
           greatest(p.modseq, coalesce(s.modseq, 0), coalesce(r.forgotten_modseq, 0)),
           (p.flags & ~1) | coalesce(s.seen, false)::int, p.keywords, p.size
"""
_JOINS: Final = """
    LEFT JOIN reader_seen s ON s.account_id = p.account_id AND s.mailbox_id = p.mailbox_id
        AND s.uid = p.uid AND s.reader_id = $3
    LEFT JOIN mailbox_reader r ON r.account_id = p.account_id AND r.mailbox_id = p.mailbox_id
        AND r.reader_id = $3
    WHERE p.account_id = $1 AND p.mailbox_id = $2
"""

#: $1 owner, $2 mailbox, $3 reader.
READER_PLACES: Final = f"{_COLUMNS} FROM mailbox_email p {_JOINS}"

#: As above, of what is newer than $4.
READER_CHANGED: Final = f"""
    WITH newer AS (
        SELECT uid FROM mailbox_email
        WHERE account_id = $1 AND mailbox_id = $2 AND modseq > $4
        UNION
        SELECT uid FROM reader_seen
        WHERE account_id = $1 AND mailbox_id = $2 AND reader_id = $3 AND modseq > $4
        UNION
        SELECT uid FROM mailbox_email WHERE account_id = $1 AND mailbox_id = $2 AND (
            SELECT forgotten_modseq FROM mailbox_reader
            WHERE account_id = $1 AND mailbox_id = $2 AND reader_id = $3
        ) > $4
    )
    {_COLUMNS} FROM newer n
    JOIN mailbox_email p ON p.account_id = $1 AND p.mailbox_id = $2 AND p.uid = n.uid
    {_JOINS} ORDER BY p.uid
"""

READER_PULSE: Final = """
    SELECT m.uidvalidity, m.uidnext, greatest(m.highestmodseq, coalesce(r.highestmodseq, 0)),
           m.messages, m.messages - coalesce(r.seen, 0)
    FROM mailbox m LEFT JOIN mailbox_reader r
        ON r.account_id = m.account_id AND r.mailbox_id = m.id AND r.reader_id = $3
    WHERE m.account_id = $1 AND m.id = $2 AND m.is_selectable
"""


def changed_flags(
    old: tuple[int, tuple[str, ...]],
    change: str,
    flags: int,
    keywords: Sequence[str],
    rights: Rights,
) -> tuple[int, tuple[str, ...]]:
    """Flags and keywords after STORE; what the rights do not reach stays (RFC 4314 §4)."""
    old_flags, old_keywords = old
    mask = settable_flags(rights)
    wanted = flags & mask
    named = {keyword.lower(): keyword for keyword in keywords}
    match change:
        case "add":
            new_flags = old_flags | wanted
            kept = {keyword.lower() for keyword in old_keywords}
            new = (*old_keywords, *(word for key, word in named.items() if key not in kept))
        case "remove":
            new_flags = old_flags & ~wanted
            new = tuple(word for word in old_keywords if word.lower() not in named)
        case _:
            new_flags = old_flags & ~mask | wanted
            new = tuple(keywords)
    return new_flags, new if Rights.WRITE in rights else old_keywords


_WRITE_COMMON: Final = r"""
    WITH wanted AS (
        SELECT * FROM unnest($3::bigint[], $4::int[], $5::text[]) AS u(uid, flags, keywords)
    ), changed AS (
        UPDATE mailbox_email p SET
            flags = ((p.flags & 1) | (u.flags & ~1))::smallint, modseq = $6,
            keywords = CASE WHEN u.keywords = '' THEN NULL
                            ELSE string_to_array(u.keywords, ' ') END,
            -- Without \Deleted it comes back into view, to JMAP as if it were new.
            created_modseq = CASE WHEN p.flags & 8 > u.flags & 8 THEN $6
                                  ELSE p.created_modseq END
        FROM wanted u
        WHERE p.account_id = $1 AND p.mailbox_id = $2 AND p.uid = u.uid
    )
    UPDATE mailbox SET deleted = deleted + $7, highestmodseq = $6
    WHERE account_id = $1 AND id = $2
"""

_WRITE_SEEN: Final = """
    WITH written AS (
        INSERT INTO reader_seen (account_id, mailbox_id, uid, reader_id, modseq, seen)
        SELECT $1, $2, u.uid, $3, $6, u.seen
        FROM unnest($4::bigint[], $5::bool[]) AS u(uid, seen)
        ON CONFLICT (account_id, mailbox_id, uid, reader_id)
        DO UPDATE SET modseq = excluded.modseq, seen = excluded.seen
    )
    INSERT INTO mailbox_reader (account_id, mailbox_id, reader_id, seen, highestmodseq)
    VALUES ($1, $2, $3, $7, $6)
    ON CONFLICT (account_id, mailbox_id, reader_id)
    DO UPDATE SET seen = mailbox_reader.seen + $7, highestmodseq = excluded.highestmodseq
"""


async def write_flags(
    c: Connection,
    account_id: AccountId,
    mailbox_id: MailboxId,
    reader: AccountId,
    changes: Sequence[tuple[Any, int, tuple[str, ...]]],
    modseq: ModSeq,
) -> None:
    """Write what a reader has changed: places as they were, with their new flags and keywords."""
    if not changes:
        return
    common = [
        (place.uid, flags, " ".join(keywords), place.flags)
        for place, flags, keywords in changes
        if (flags ^ place.flags) & ~Flag.SEEN or keywords != place.keywords
    ]
    if common:
        deleted = sum((flags & 8) - (old & 8) for _, flags, _, old in common) // 8
        await c.execute(
            _WRITE_COMMON, account_id, mailbox_id, [row[0] for row in common],
            [row[1] for row in common], [row[2] for row in common], modseq, deleted,
        )  # fmt: skip
    seen = [
        (place.uid, bool(flags & Flag.SEEN))
        for place, flags, _ in changes
        if (flags ^ place.flags) & Flag.SEEN
    ]
    if seen:
        gained = sum(1 if is_seen else -1 for _, is_seen in seen)
        await c.execute(
            _WRITE_SEEN, account_id, mailbox_id, reader, [row[0] for row in seen],
            [row[1] for row in seen], modseq, gained,
        )  # fmt: skip
    await c.execute(
        "UPDATE account_state SET modseq = $2 WHERE account_id = $1", account_id, modseq
    )


async def carry_seen(
    c: Connection,
    account_id: AccountId,
    source: MailboxId,
    target: MailboxId,
    reader: AccountId,
    pairs: Sequence[tuple[int, int]],
    modseq: ModSeq,
) -> None:
    r"""Give a reader's \Seen to copies that have just been made, old and new uid of each."""
    rows = await c.fetch(
        "SELECT u.new FROM unnest($4::bigint[], $5::bigint[]) AS u(old, new) "
        "JOIN reader_seen s ON s.account_id = $1 AND s.mailbox_id = $2 AND s.uid = u.old "
        "AND s.reader_id = $3 WHERE s.seen",
        account_id, source, reader, [old for old, _ in pairs], [new for _, new in pairs],
    )  # fmt: skip
    if rows:
        await c.execute(
            _WRITE_SEEN, account_id, target, reader, [row[0] for row in rows],
            [True] * len(rows), modseq, len(rows),
        )  # fmt: skip
