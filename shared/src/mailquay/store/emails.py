"""Messages in mailboxes: reading them in bulk, flags, copies, moves, expunges (RFC 9051 §6.4).

An account's quota counts an email once, in however many mailboxes it is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from mailquay.store.engine import Connection, Engine
from mailquay.store.errors import Forgotten, NotFound
from mailquay.store.places import copy_places, lock_state, remove_places
from mailquay.store.readers import (
    READER_CHANGED,
    READER_PLACES,
    READER_PULSE,
    carry_seen,
    changed_flags,
    write_flags,
)
from mailquay.store.rights import ALL_RIGHTS, Rights, settable_flags
from mailquay.store.types import AccountId, EmailId, Flag, MailboxId, ModSeq, Uid

__all__ = [
    "Body",
    "Copied",
    "Emails",
    "FlagChange",
    "FlagsStored",
    "MailboxPulse",
    "Place",
]


class FlagChange(Enum):
    """How STORE changes flags (RFC 9051 §6.4.6)."""

    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Place:
    """A message in a mailbox, as a view holds it."""

    uid: int
    email_id: int
    modseq: int
    flags: int
    keywords: tuple[str, ...]
    size: int


@dataclass(frozen=True, slots=True)
class MailboxPulse:
    """What tells whether a mailbox has changed."""

    uidvalidity: int
    uidnext: int
    highestmodseq: int
    messages: int
    unseen: int


@dataclass(frozen=True, slots=True)
class Body:
    """Where a message's bytes lie, and how they are cut."""

    email_id: EmailId
    pack_id: UUID
    pack_offset: int
    stored_length: int
    size: int
    sha256: bytes
    codec: int
    tenant_id: int
    header_length: int
    structure: bytes


@dataclass(frozen=True, slots=True)
class FlagsStored:
    """What a STORE did; ``changed`` are only those whose flags are now others."""

    modseq: ModSeq
    changed: tuple[Place, ...]
    rejected: tuple[Uid, ...]


@dataclass(frozen=True, slots=True)
class Copied:
    """What a COPY or MOVE did: old uids, and the new ones in the same order."""

    uidvalidity: int
    source: tuple[Uid, ...]
    target: tuple[Uid, ...]
    modseq: ModSeq


_PLACES = (
    "SELECT uid, email_id, modseq, flags, keywords, size FROM mailbox_email "
    "WHERE account_id = $1 AND mailbox_id = $2"
)

# Between a statement's snapshot and the lock that it waits for, others may have changed the
# account: then `taken` is empty, nothing is changed, and there is no row of the last kind.
_STORE = r"""
    WITH locked AS (
        SELECT modseq + 1 AS modseq FROM account_state WHERE account_id = $1 FOR UPDATE
    ), taken AS (
        SELECT l.modseq FROM locked l, account_state s
        WHERE s.account_id = $1 AND s.modseq + 1 = l.modseq
    ), target AS (
        SELECT uid, flags AS old_flags, keywords AS old_keywords, modseq AS old_modseq
        FROM mailbox_email
        WHERE account_id = $1 AND mailbox_id = $2 AND uid = ANY($3::bigint[])
    ), wanted AS (
        SELECT uid, old_flags,
            (CASE $4 WHEN 'add' THEN old_flags | $5 WHEN 'remove' THEN old_flags & ~$5
                     ELSE $5 END)::smallint AS flags,
            nullif(CASE $4
                WHEN 'add' THEN coalesce(old_keywords, '{}') || ARRAY(
                    SELECT k FROM unnest($6::text[]) k WHERE lower(k) <> ALL (
                        SELECT lower(o) FROM unnest(coalesce(old_keywords, '{}')) o))
                WHEN 'remove' THEN ARRAY(
                    SELECT o FROM unnest(coalesce(old_keywords, '{}')) o
                    WHERE lower(o) <> ALL (SELECT lower(k) FROM unnest($6::text[]) k))
                ELSE $6::text[] END, '{}') AS keywords,
            old_keywords
        FROM target WHERE old_modseq <= $7
    ), changed AS (
        UPDATE mailbox_email p SET flags = w.flags, keywords = w.keywords, modseq = t.modseq,
            -- Without \Deleted it comes back into view, to JMAP as if it were new.
            created_modseq = CASE WHEN w.old_flags & 8 > w.flags & 8 THEN t.modseq
                                  ELSE p.created_modseq END
        FROM wanted w, taken t
        WHERE p.account_id = $1 AND p.mailbox_id = $2 AND p.uid = w.uid
          AND (w.flags <> w.old_flags OR w.keywords IS DISTINCT FROM w.old_keywords)
        RETURNING p.uid, p.email_id, p.modseq, p.flags, p.keywords, p.size, w.old_flags
    ), counted AS (
        UPDATE mailbox SET unseen = unseen + u, deleted = deleted + d, highestmodseq = g.modseq
        FROM (
            SELECT count(*) AS n, max(modseq) AS modseq,
                   coalesce(sum((old_flags & 1) - (flags & 1)), 0) AS u,
                   coalesce(sum(((flags & 8) - (old_flags & 8)) / 8), 0) AS d
            FROM changed
        ) g
        WHERE account_id = $1 AND id = $2 AND n > 0
    ), state AS (
        UPDATE account_state s SET modseq = t.modseq FROM taken t
        WHERE s.account_id = $1 AND EXISTS (SELECT 1 FROM changed)
    )
    SELECT uid, email_id, modseq, flags, keywords, size FROM changed
    UNION ALL
    SELECT uid, NULL, NULL, NULL, NULL, NULL FROM target WHERE old_modseq > $7
    UNION ALL
    SELECT NULL, NULL, modseq, NULL, NULL, NULL FROM taken
    ORDER BY uid NULLS LAST
"""


def _place(row: Any) -> Place:
    return Place(row[0], row[1], row[2], row[3], tuple(row[4] or ()), row[5])


async def _expunged_since(
    c: Connection, account_id: AccountId, mailbox_id: MailboxId, modseq: int
) -> list[int]:
    # The floor in the same snapshot: a tombstone is there, or tells by it that it was.
    rows = await c.fetch(
        "SELECT uid FROM expunged WHERE account_id = $1 AND mailbox_id = $2 "
        "AND modseq > $3 UNION ALL SELECT NULL FROM account_state "
        "WHERE account_id = $1 AND trimmed_modseq > $3 ORDER BY uid",
        account_id, mailbox_id, modseq,
    )  # fmt: skip
    if rows and rows[-1][0] is None:
        raise Forgotten("what went since then is not known any more")
    return [row[0] for row in rows]


class Emails:
    """The messages of accounts; each call is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def pulse(
        self, account_id: AccountId, mailbox_id: MailboxId, *, reader: AccountId | None = None
    ) -> MailboxPulse:
        """Whether anything is new; one round trip by the primary key.

        Here and below, ``reader`` is who has it before them; None is the owner.

        Raises:
            NotFound: the mailbox is gone.
        """
        async with self._engine.connection() as c:
            if reader in (None, account_id):
                row = await c.fetchrow(
                    "SELECT uidvalidity, uidnext, highestmodseq, messages, unseen FROM mailbox "
                    "WHERE account_id = $1 AND id = $2 AND is_selectable",
                    account_id, mailbox_id,
                )  # fmt: skip
            else:
                row = await c.fetchrow(READER_PULSE, account_id, mailbox_id, reader)
        if row is None:
            raise NotFound("the mailbox is gone")
        return MailboxPulse(*row.values())

    async def places(
        self, account_id: AccountId, mailbox_id: MailboxId, *, reader: AccountId | None = None
    ) -> list[Place]:
        """All messages of a mailbox by uid. Primary key scan."""
        async with self._engine.connection() as c:
            if reader in (None, account_id):
                rows = await c.fetch(f"{_PLACES} ORDER BY uid", account_id, mailbox_id)
            else:
                rows = await c.fetch(
                    f"{READER_PLACES} ORDER BY p.uid", account_id, mailbox_id, reader
                )
        return [_place(row) for row in rows]

    async def changed_since(
        self,
        account_id: AccountId,
        mailbox_id: MailboxId,
        modseq: int,
        *,
        reader: AccountId | None = None,
    ) -> tuple[list[Place], list[int]]:
        """Messages new or changed since a modseq by uid, and uids expunged since then.

        Index ``ix_mailbox_email_modseq``. What happens between the two reads is read again by the
        next call, as its ``modseq`` comes from a `pulse` before this one.

        Raises:
            Forgotten: tombstones since then were trimmed; `places` tells what is there, and what
                is not there went (RFC 7162 §3.2.5.2 lets a server say so of uids that never were).
        """
        async with self._engine.connection() as c:
            if reader in (None, account_id):
                rows = await c.fetch(
                    f"{_PLACES} AND modseq > $3 ORDER BY uid", account_id, mailbox_id, modseq
                )
            else:
                rows = await c.fetch(READER_CHANGED, account_id, mailbox_id, reader, modseq)
            gone = await _expunged_since(c, account_id, mailbox_id, modseq)
        return [_place(row) for row in rows], gone

    async def expunged_since(
        self, account_id: AccountId, mailbox_id: MailboxId, modseq: int
    ) -> list[int]:
        """Uids that went since a modseq, ascending (RFC 7162 §3.2.6).

        Raises:
            Forgotten: as `changed_since` does.
        """
        async with self._engine.connection() as c:
            return await _expunged_since(c, account_id, mailbox_id, modseq)

    async def columns(
        self, account_id: AccountId, email_ids: Sequence[int], columns: Sequence[str]
    ) -> dict[int, Sequence[Any]]:
        """Columns of `tables.EMAIL` by email id; emails that are gone are left out.

        One round trip; primary key lookups.
        """
        # Column names are ours; a caller's typo fails in Postgres, a user's text never gets here.
        names = ", ".join(["id", *columns])
        async with self._engine.connection() as c:
            rows = await c.fetch(
                f"SELECT {names} FROM email WHERE account_id = $1 AND id = ANY($2::bigint[])",
                account_id, email_ids,
            )  # fmt: skip
        return {row[0]: tuple(row.values())[1:] for row in rows}

    async def saved_dates(
        self, account_id: AccountId, mailbox_id: MailboxId, uids: Sequence[int]
    ) -> dict[int, datetime]:
        """SAVEDATE of messages (RFC 8514)."""
        async with self._engine.connection() as c:
            rows = await c.fetch(
                "SELECT uid, saved_at FROM mailbox_email WHERE account_id = $1 "
                "AND mailbox_id = $2 AND uid = ANY($3::bigint[])",
                account_id, mailbox_id, uids,
            )  # fmt: skip
        return {row[0]: row[1] for row in rows}

    async def bodies(self, account_id: AccountId, email_ids: Sequence[int]) -> dict[int, Body]:
        """Where messages' bytes lie; emails that are gone are left out."""
        async with self._engine.connection() as c:
            rows = await c.fetch(
                "SELECT e.id, e.pack_id, e.pack_offset, e.stored_length, e.size, e.sha256, "
                "e.codec, a.tenant_id, e.header_length, e.structure "
                "FROM email e JOIN account a ON a.id = e.account_id "
                "WHERE e.account_id = $1 AND e.id = ANY($2::bigint[])",
                account_id, email_ids,
            )  # fmt: skip
        return {row[0]: Body(*row.values()) for row in rows}

    async def store_flags(
        self,
        account_id: AccountId,
        mailbox_id: MailboxId,
        uids: Sequence[int],
        change: FlagChange,
        flags: int,
        keywords: Sequence[str],
        *,
        unchanged_since: int | None = None,
        reader: AccountId | None = None,
        rights: Rights = ALL_RIGHTS,
    ) -> FlagsStored:
        """STORE (RFC 9051 §6.4.6); UNCHANGEDSINCE as in RFC 7162 §3.1.3.

        What changes nothing takes no modseq; of a ``reader``'s, what ``rights`` do not reach stays.
        """
        limit = (1 << 63) - 1 if unchanged_since is None else unchanged_since
        if reader is not None and reader != account_id:
            return await self._store_of_reader(
                account_id, mailbox_id, reader, uids,
                lambda old: changed_flags(old, change.value, flags, keywords, rights), limit,
            )  # fmt: skip
        arguments = (
            account_id, mailbox_id, uids, change.value, flags, list(keywords), limit,
        )  # fmt: skip
        async with self._engine.connection() as c:
            rows = await c.fetch(_STORE, *arguments)
        if not rows or rows[-1][0] is not None:
            async with self._engine.transaction() as c:
                await lock_state(c, account_id)
                rows = await c.fetch(_STORE, *arguments)
        *rows, taken = rows
        changed = tuple(_place(row) for row in rows if row[1] is not None)
        rejected = tuple(Uid(row[0]) for row in rows if row[1] is None)
        return FlagsStored(ModSeq(taken[2]), changed, rejected)

    async def _store_of_reader(
        self,
        account_id: AccountId,
        mailbox_id: MailboxId,
        reader: AccountId,
        uids: Sequence[int],
        after: Callable[[tuple[int, tuple[str, ...]]], tuple[int, tuple[str, ...]]],
        limit: int,
    ) -> FlagsStored:
        async with self._engine.transaction() as c:
            modseq = await lock_state(c, account_id)
            rows = await c.fetch(
                f"{READER_PLACES} AND p.uid = ANY($4::bigint[]) ORDER BY p.uid",
                account_id, mailbox_id, reader, uids,
            )  # fmt: skip
            places = [_place(row) for row in rows]
            rejected = tuple(Uid(place.uid) for place in places if place.modseq > limit)
            changes = [
                (place, *new)
                for place in places
                if place.modseq <= limit
                and (new := after((place.flags, place.keywords))) != (place.flags, place.keywords)
            ]
            await write_flags(c, account_id, mailbox_id, reader, changes, modseq)
        changed = tuple(
            replace(place, modseq=modseq, flags=flags, keywords=keywords)
            for place, flags, keywords in changes
        )
        return FlagsStored(modseq, changed, rejected)

    async def copy(
        self,
        account_id: AccountId,
        source: MailboxId,
        uids: Sequence[int],
        target: MailboxId,
        *,
        move: bool = False,
        reader: AccountId | None = None,
        rights: Rights = ALL_RIGHTS,
    ) -> Copied:
        r"""COPY (RFC 9051 §6.4.7), or MOVE (§6.4.8): all or nothing, flags and dates kept.

        Of a ``reader``'s copies, only the flags that ``rights`` in the target let one set; \Seen is
        as the reader and the owner have each had it (RFC 4314 §4).

        Raises:
            NotFound: the target is no mailbox that holds messages.
        """
        async with self._engine.transaction() as c:
            modseq = await lock_state(c, account_id)
            # Mailbox rows in the order of their ids, so that no two changes wait for each other.
            locked = await c.fetch(
                "SELECT id, uidvalidity FROM mailbox WHERE account_id = $1 "
                "AND id = ANY($2::bigint[]) AND is_selectable ORDER BY id FOR UPDATE",
                account_id, [source, target],
            )  # fmt: skip
            uidvalidity = next((row[1] for row in locked if row[0] == target), None)
            if uidvalidity is None:
                raise NotFound("there is no such mailbox to copy to")
            is_owner = reader is None or reader == account_id
            kept = 31 if is_owner else settable_flags(rights) | Flag.SEEN
            pairs = await copy_places(
                c, account_id, source, uids, target, modseq, kept_flags=kept,
                keeps_keywords=is_owner or Rights.WRITE in rights,
            )  # fmt: skip
            if pairs and reader is not None and not is_owner and Rights.SEEN in rights:
                await carry_seen(c, account_id, source, target, reader, pairs, modseq)
            if move and pairs:
                await remove_places(c, account_id, source, [uid for uid, _ in pairs], modseq)
        return Copied(
            uidvalidity, tuple(old for old, _ in pairs), tuple(new for _, new in pairs), modseq
        )

    async def expunge(
        self,
        account_id: AccountId,
        mailbox_id: MailboxId,
        uids: Sequence[int] | None = None,
        *,
        only_deleted: bool = True,
    ) -> tuple[list[Uid], ModSeq | None]:
        r"""Remove messages with \Deleted, all or those among ``uids`` (RFC 9051 §6.4.3, §6.4.9).

        Args:
            account_id: whose.
            mailbox_id: where.
            uids: None for all.
            only_deleted: False removes ``uids`` whatever their flags.

        Returns:
            The uids that went, and the modseq, None when nothing was to do.
        """
        wanted = "AND flags & 8 <> 0" if only_deleted else ""
        async with self._engine.transaction() as c:
            modseq = await lock_state(c, account_id)
            rows = await c.fetch(
                "SELECT uid FROM mailbox_email WHERE account_id = $1 AND mailbox_id = $2 "
                f"AND ($3::bigint[] IS NULL OR uid = ANY($3)) {wanted}",
                account_id, mailbox_id, uids,
            )  # fmt: skip
            if not rows:
                return [], None
            await c.execute(
                "UPDATE account_state SET modseq = $2 WHERE account_id = $1", account_id, modseq
            )
            gone = await remove_places(c, account_id, mailbox_id, [row[0] for row in rows], modseq)
        return [uid for uid, _ in gone], modseq

    async def state(self, account_id: AccountId) -> ModSeq:
        """The account's modseq: JMAP's state of everything (RFC 8620 §5.1).

        Raises:
            NotFound: the account is gone.
        """
        async with self._engine.connection() as c:
            value = await c.fetchval(
                "SELECT modseq FROM account_state WHERE account_id = $1", account_id
            )
        if value is None:
            raise NotFound(f"there is no account {account_id}")
        return ModSeq(value)
