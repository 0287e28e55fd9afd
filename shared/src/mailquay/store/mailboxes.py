"""Mailboxes: names, roles, subscriptions and counters (RFC 9051 §2.3.1, §6.3; RFC 8621 §2)."""

import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from mailquay.store.engine import Connection, Engine
from mailquay.store.errors import AlreadyExists, NotFound, Refused
from mailquay.store.places import remove_places, take_modseq
from mailquay.store.types import AccountId, Mailbox, MailboxId, ModSeq

__all__ = ["DELIMITER", "MailboxChanges", "Mailboxes", "normalise_name"]

DELIMITER = "/"
#: A whole path, in characters; and how deep it may go.
NAME_MAX_CHARACTERS = 1000
LEVELS_MAX = 50

_INITIAL = (
    ("INBOX", "inbox", 1), ("Drafts", "drafts", 2), ("Sent", "sent", 3), ("Archive", "archive", 4),
    ("Junk", "junk", 5), ("Trash", "trash", 6),
)  # fmt: skip

_COLUMNS = """
    m.account_id, m.id, m.name, m.role, m.uidvalidity, m.uidnext, m.highestmodseq, m.messages,
    m.unseen, m.deleted, m.bytes, m.first_recent_uid, m.is_selectable,
    EXISTS (SELECT 1 FROM subscription s WHERE s.account_id = m.account_id AND s.name = m.name),
    m.sort_order, m.created_modseq, m.changed_modseq
"""


@dataclass(frozen=True, slots=True)
class MailboxChanges:
    """What has happened to mailboxes since a modseq (RFC 8621 §2.2)."""

    state: ModSeq
    created: tuple[MailboxId, ...]
    updated: tuple[MailboxId, ...]
    destroyed: tuple[MailboxId, ...]
    only_counts: bool


def mailbox_of(row: asyncpg.Record) -> Mailbox:
    """A row of `_COLUMNS` as a mailbox."""
    return Mailbox(*row.values())


def normalise_name(name: str) -> str:
    """A mailbox's whole path in its one form: NFC, INBOX in capitals.

    Raises:
        Refused: it is empty, too long, too deep, or holds controls or empty levels.
    """
    name = unicodedata.normalize("NFC", name).removesuffix(DELIMITER)
    levels = name.split(DELIMITER)
    if levels[0].upper() == "INBOX":
        levels[0] = "INBOX"
    if not name or len(name) > NAME_MAX_CHARACTERS or len(levels) > LEVELS_MAX:
        raise Refused("a mailbox name must have 1 to 1000 characters in at most 50 levels")
    if any(not level or level in (".", "..") for level in levels):
        raise Refused("a mailbox name may have no empty level")
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in name):
        raise Refused("a mailbox name may hold no control characters")
    return DELIMITER.join(levels)


async def _take_uidvalidity(c: Connection, account_id: AccountId) -> int:
    """A UIDVALIDITY greater than any before; the clock makes it so across a restore too."""
    value: int = await c.fetchval(
        "UPDATE account_state SET uidvalidity = greatest(uidvalidity + 1, $2) "
        "WHERE account_id = $1 RETURNING uidvalidity",
        account_id, int(time.time()),
    )  # fmt: skip
    return value


async def create_initial_mailboxes(c: Connection, account_id: AccountId) -> None:
    """INBOX and the special ones of a new account, subscribed."""
    for name, role, order in _INITIAL:
        uidvalidity = await _take_uidvalidity(c, account_id)
        await c.execute(
            "INSERT INTO mailbox (account_id, name, role, uidvalidity, highestmodseq, sort_order, "
            "created_modseq, changed_modseq) VALUES ($1, $2, $3, $4, 1, $5, 1, 1)",
            account_id, name, role, uidvalidity, order,
        )  # fmt: skip
        await c.execute("INSERT INTO subscription VALUES ($1, $2)", account_id, name)


class Mailboxes:
    """An account's mailboxes; each call is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def list_mailboxes(self, account_id: AccountId) -> list[Mailbox]:
        """All of an account's mailboxes with their counters, by name."""
        async with self._engine.connection() as c:
            rows = await c.fetch(
                f"SELECT {_COLUMNS} FROM mailbox m WHERE m.account_id = $1 ORDER BY m.name",
                account_id,
            )
        return [mailbox_of(row) for row in rows]

    async def subscriptions(self, account_id: AccountId) -> set[str]:
        """All subscribed names, those of mailboxes that are gone too."""
        async with self._engine.connection() as c:
            rows = await c.fetch("SELECT name FROM subscription WHERE account_id = $1", account_id)
        return {row[0] for row in rows}

    async def find(self, account_id: AccountId, name: str) -> Mailbox | None:
        """The mailbox of that (normalised) name. One round trip."""
        async with self._engine.connection() as c:
            row = await c.fetchrow(
                f"SELECT {_COLUMNS} FROM mailbox m WHERE m.account_id = $1 AND m.name = $2",
                account_id, name,
            )  # fmt: skip
        return None if row is None else mailbox_of(row)

    async def get(self, account_id: AccountId, mailbox_id: MailboxId) -> Mailbox:
        """One mailbox.

        Raises:
            NotFound: it is gone.
        """
        async with self._engine.connection() as c:
            row = await c.fetchrow(
                f"SELECT {_COLUMNS} FROM mailbox m WHERE m.account_id = $1 AND m.id = $2",
                account_id, mailbox_id,
            )  # fmt: skip
        if row is None:
            raise NotFound("the mailbox is gone")
        return mailbox_of(row)

    async def create(
        self, account_id: AccountId, name: str, *, role: str | None = None, limit: int | None = None
    ) -> Mailbox:
        """Create a mailbox and those above it that are missing (RFC 9051 §6.3.4).

        Raises:
            Refused: the name is not allowed, the role is taken, or there are ``limit`` mailboxes.
            AlreadyExists: it is there.
        """
        name = normalise_name(name)
        levels = name.split(DELIMITER)
        async with self._engine.transaction() as c:
            modseq = await take_modseq(c, account_id)
            present = await self._present(c, account_id, name)
            if present.get(name):
                raise AlreadyExists(f"the mailbox {name} is there already")
            if limit is not None and await self._count(c, account_id) >= limit:
                raise Refused(f"there are {limit} mailboxes already")
            if role is not None:
                await self._require_free_role(c, account_id, role)
            for depth in range(1, len(levels) + 1):
                path = DELIMITER.join(levels[:depth])
                if path not in present:
                    own_role = role if depth == len(levels) else None
                    await self._insert(c, account_id, path, own_role, modseq)
                elif path == name:
                    # A \Noselect name that is created again becomes a mailbox (§6.3.5).
                    await self._reselect(c, account_id, name, role, modseq)
        mailbox = await self.find(account_id, name)
        if mailbox is None:
            raise NotFound("the mailbox is gone")
        return mailbox

    async def _present(self, c: Connection, account_id: AccountId, name: str) -> dict[str, bool]:
        levels = name.split(DELIMITER)
        paths = [DELIMITER.join(levels[:depth]) for depth in range(1, len(levels) + 1)]
        rows = await c.fetch(
            "SELECT name, is_selectable FROM mailbox WHERE account_id = $1 AND name = ANY($2)",
            account_id, paths,
        )  # fmt: skip
        return {row[0]: row[1] for row in rows}

    async def _count(self, c: Connection, account_id: AccountId) -> int:
        count: int = await c.fetchval(
            "SELECT count(*) FROM mailbox WHERE account_id = $1", account_id
        )
        return count

    async def _require_free_role(self, c: Connection, account_id: AccountId, role: str) -> None:
        if await c.fetchval(
            "SELECT 1 FROM mailbox WHERE account_id = $1 AND role = $2", account_id, role
        ):
            raise Refused(f"another mailbox is the {role} mailbox already")

    async def _insert(
        self, c: Connection, account_id: AccountId, name: str, role: str | None, modseq: ModSeq
    ) -> None:
        uidvalidity = await _take_uidvalidity(c, account_id)
        await c.execute(
            "INSERT INTO mailbox (account_id, name, role, uidvalidity, highestmodseq, sort_order, "
            "created_modseq, changed_modseq) VALUES ($1, $2, $3, $4, $5, 10, $5, $5)",
            account_id, name, role, uidvalidity, modseq,
        )  # fmt: skip

    async def _reselect(
        self, c: Connection, account_id: AccountId, name: str, role: str | None, modseq: ModSeq
    ) -> None:
        uidvalidity = await _take_uidvalidity(c, account_id)
        await c.execute(
            "UPDATE mailbox SET is_selectable = true, role = $3, uidvalidity = $4, uidnext = 1, "
            "first_recent_uid = 1, highestmodseq = $5, changed_modseq = $5 "
            "WHERE account_id = $1 AND name = $2",
            account_id, name, role, uidvalidity, modseq,
        )  # fmt: skip

    async def rename(self, account_id: AccountId, old: str, new: str) -> ModSeq:
        """Rename a mailbox and those below it (RFC 9051 §6.3.6); INBOX is moved out of instead.

        Raises:
            NotFound: there is no mailbox ``old``.
            AlreadyExists: ``new`` is taken.
            Refused: ``new`` is not allowed, or lies below ``old``.
        """
        new = normalise_name(new)
        if new == old or new.startswith(old + DELIMITER):
            raise Refused("a mailbox cannot be moved into itself")
        try:
            async with self._engine.transaction() as c:
                modseq = await take_modseq(c, account_id)
                if not await c.fetchval(
                    "SELECT 1 FROM mailbox WHERE account_id = $1 AND name = $2", account_id, old
                ):
                    raise NotFound(f"there is no mailbox {old}")
                present = await self._present(c, account_id, new)
                if new in present:
                    raise AlreadyExists(f"the mailbox {new} is there already")
                levels = new.split(DELIMITER)
                for depth in range(1, len(levels)):
                    path = DELIMITER.join(levels[:depth])
                    if path not in present:
                        await self._insert(c, account_id, path, None, modseq)
                if old == "INBOX":
                    await self._rename_inbox(c, account_id, new, modseq)
                else:
                    await self._rename_tree(c, account_id, old, new, modseq)
        except asyncpg.UniqueViolationError as error:
            raise AlreadyExists(f"a mailbox below {new} is there already") from error
        return modseq

    async def _rename_tree(
        self, c: Connection, account_id: AccountId, old: str, new: str, modseq: ModSeq
    ) -> None:
        for table, also in (
            ("mailbox", ", changed_modseq = $4, highestmodseq = $4"),
            ("subscription", ""),
        ):
            arguments = [account_id, old, new, modseq] if also else [account_id, old, new]
            await c.execute(
                f"UPDATE {table} SET name = $3::text || substr(name, length($2::text) + 1){also} "
                "WHERE account_id = $1 AND (name = $2 OR starts_with(name, $2::text || '/'))",
                *arguments,
            )

    async def _rename_inbox(
        self, c: Connection, account_id: AccountId, new: str, modseq: ModSeq
    ) -> None:
        """INBOX's messages go to the new mailbox, INBOX stays and is empty (RFC 9051 §6.3.6).

        The row changes its name and a new INBOX is made, so that the messages keep their uids.
        """
        await c.execute(
            "UPDATE mailbox SET name = $2, role = NULL, sort_order = 10, changed_modseq = $3, "
            "highestmodseq = $3 WHERE account_id = $1 AND name = 'INBOX'",
            account_id, new, modseq,
        )  # fmt: skip
        await self._insert(c, account_id, "INBOX", "inbox", modseq)
        await c.execute(
            "UPDATE mailbox SET sort_order = 1 WHERE account_id = $1 AND name = 'INBOX'", account_id
        )

    async def delete(
        self, account_id: AccountId, name: str, *, only_empty: bool = False
    ) -> tuple[MailboxId, ModSeq]:
        r"""Delete a mailbox with its messages; one with mailboxes below becomes \Noselect.

        Raises:
            NotFound: there is none.
            Refused: it is INBOX, is \\Noselect with mailboxes below, or has messages and
                ``only_empty`` is set.
        """
        if name == "INBOX":
            raise Refused("INBOX cannot be deleted")
        async with self._engine.transaction() as c:
            modseq = await take_modseq(c, account_id)
            row = await c.fetchrow(
                "SELECT id, is_selectable, messages FROM mailbox "
                "WHERE account_id = $1 AND name = $2 FOR UPDATE",
                account_id, name,
            )  # fmt: skip
            if row is None:
                raise NotFound(f"there is no mailbox {name}")
            if only_empty and row[2]:
                raise Refused("the mailbox has messages")
            mailbox_id = MailboxId(row[0])
            has_inferiors = await c.fetchval(
                "SELECT 1 FROM mailbox WHERE account_id = $1 "
                "AND starts_with(name, $2::text || '/') LIMIT 1",
                account_id, name,
            )  # fmt: skip
            if has_inferiors and not row[1]:
                raise Refused("the name has mailboxes below it")
            await _remove_messages(c, account_id, mailbox_id, modseq)
            if has_inferiors:
                await c.execute(
                    "UPDATE mailbox SET is_selectable = false, role = NULL, messages = 0, "
                    "unseen = 0, deleted = 0, bytes = 0, changed_modseq = $3, highestmodseq = $3 "
                    "WHERE account_id = $1 AND id = $2",
                    account_id, mailbox_id, modseq,
                )  # fmt: skip
            else:
                await c.execute(
                    "DELETE FROM mailbox WHERE account_id = $1 AND id = $2", account_id, mailbox_id
                )
                await c.execute(
                    "INSERT INTO mailbox_removed (account_id, mailbox_id, modseq) "
                    "VALUES ($1, $2, $3)",
                    account_id, mailbox_id, modseq,
                )  # fmt: skip
        return mailbox_id, modseq

    async def subscribe(self, account_id: AccountId, name: str, *, on: bool) -> ModSeq:
        """Subscribe to a name or end that; the name need not be a mailbox's."""
        async with self._engine.transaction() as c:
            modseq = await take_modseq(c, account_id)
            if on:
                statement = "INSERT INTO subscription VALUES ($1, $2) ON CONFLICT DO NOTHING"
            else:
                statement = "DELETE FROM subscription WHERE account_id = $1 AND name = $2"
            await c.execute(statement, account_id, name)
            await c.execute(
                "UPDATE mailbox SET changed_modseq = $3, highestmodseq = $3 "
                "WHERE account_id = $1 AND name = $2",
                account_id, name, modseq,
            )  # fmt: skip
        return modseq

    async def set_properties(
        self, account_id: AccountId, mailbox_id: MailboxId, *, role: str | None, sort_order: int
    ) -> ModSeq:
        """Set a mailbox's role and place in the list.

        Raises:
            Refused: another mailbox has the role.
            NotFound: the mailbox is gone.
        """
        async with self._engine.transaction() as c:
            modseq = await take_modseq(c, account_id)
            current = await c.fetchrow(
                "SELECT role FROM mailbox WHERE account_id = $1 AND id = $2", account_id, mailbox_id
            )
            if current is None:
                raise NotFound("the mailbox is gone")
            if role is not None and role != current[0]:
                await self._require_free_role(c, account_id, role)
            await c.execute(
                "UPDATE mailbox SET role = $3, sort_order = $4, changed_modseq = $5, "
                "highestmodseq = $5 WHERE account_id = $1 AND id = $2",
                account_id, mailbox_id, role, sort_order, modseq,
            )  # fmt: skip
        return modseq

    async def take_recent(self, account_id: AccountId, mailbox_id: MailboxId) -> int:
        r"""The first uid that is \Recent to this session, and to no later one (RFC 3501 §2.3.2)."""
        async with self._engine.connection() as c:
            value = await c.fetchval(
                "UPDATE mailbox m SET first_recent_uid = m.uidnext FROM "
                "(SELECT first_recent_uid AS was FROM mailbox WHERE account_id = $1 AND id = $2) o "
                "WHERE m.account_id = $1 AND m.id = $2 AND m.first_recent_uid < m.uidnext "
                "RETURNING o.was",
                account_id, mailbox_id,
            )  # fmt: skip
        return 1 << 32 if value is None else int(value)

    async def changes(self, account_id: AccountId, since: ModSeq) -> MailboxChanges:
        """What has happened since a modseq, for JMAP's Mailbox/changes."""
        async with self._engine.transaction() as c:
            state = await c.fetchval(
                "SELECT modseq FROM account_state WHERE account_id = $1", account_id
            )
            rows = await c.fetch(
                "SELECT id, created_modseq, changed_modseq FROM mailbox "
                "WHERE account_id = $1 AND highestmodseq > $2 ORDER BY id",
                account_id, since,
            )  # fmt: skip
            gone = await c.fetch(
                "SELECT mailbox_id FROM mailbox_removed WHERE account_id = $1 AND modseq > $2",
                account_id, since,
            )  # fmt: skip
        created = tuple(MailboxId(row[0]) for row in rows if row[1] > since)
        updated = tuple(MailboxId(row[0]) for row in rows if row[1] <= since)
        only_counts = bool(updated) and all(row[2] <= since for row in rows if row[1] <= since)
        destroyed = tuple(MailboxId(row[0]) for row in gone)
        return MailboxChanges(ModSeq(state), created, updated, destroyed, only_counts)


async def _remove_messages(
    c: Connection, account_id: AccountId, mailbox_id: MailboxId, modseq: ModSeq
) -> None:
    """Take all messages out of a mailbox that is about to go, leaving tombstones."""
    uids: Sequence[asyncpg.Record] = await c.fetch(
        "SELECT uid FROM mailbox_email WHERE account_id = $1 AND mailbox_id = $2",
        account_id, mailbox_id,
    )  # fmt: skip
    if uids:
        await remove_places(c, account_id, mailbox_id, [row[0] for row in uids], modseq)
