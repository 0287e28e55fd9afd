"""Mailboxes: names, roles, subscriptions and counters (RFC 9051 §2.3.1, §6.3; RFC 8621 §2)."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import asyncpg

from mailquay.store.acl_rows import forget_sharing, inherit_acl
from mailquay.store.engine import Connection, Engine
from mailquay.store.errors import (
    AlreadyExists,
    HasInferiors,
    LimitReached,
    NotFound,
    Refused,
    RoleTaken,
)
from mailquay.store.names import DELIMITER, normalise_name, normalise_personal_name
from mailquay.store.places import remove_places, take_modseq
from mailquay.store.renames import empty_inbox, rename_subscriptions, rename_tree
from mailquay.store.types import AccountId, Mailbox, MailboxId, ModSeq
from mailquay.store.uidvalidity import leave_names, take_uidvalidity

__all__ = [
    "DELIMITER",
    "MAILBOX_COLUMNS",
    "Mailboxes",
    "mailbox_of",
    "normalise_name",
    "remove_messages",
]

_INITIAL = (
    ("INBOX", "inbox", 1), ("Drafts", "drafts", 2), ("Sent", "sent", 3), ("Archive", "archive", 4),
    ("Junk", "junk", 5), ("Trash", "trash", 6),
)  # fmt: skip

#: For `mailbox_of`, of a mailbox ``m``.
MAILBOX_COLUMNS: Final = """
    m.account_id, m.id, m.name, m.role, m.uidvalidity, m.uidnext, m.highestmodseq, m.messages,
    m.unseen, m.deleted, m.bytes, m.first_recent_uid, m.is_selectable,
    EXISTS (SELECT 1 FROM subscription s WHERE s.account_id = m.account_id AND s.name = m.name),
    m.sort_order, m.created_modseq, m.changed_modseq
"""


def mailbox_of(row: Iterable[Any]) -> Mailbox:
    """A row of `MAILBOX_COLUMNS` as a mailbox."""
    return Mailbox(*row)


async def create_initial_mailboxes(c: Connection, account_id: AccountId) -> None:
    """INBOX and the special ones of a new account, subscribed."""
    for name, role, order in _INITIAL:
        uidvalidity = await take_uidvalidity(c, account_id)
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
                f"SELECT {MAILBOX_COLUMNS} FROM mailbox m WHERE m.account_id = $1 ORDER BY m.name",
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
                f"SELECT {MAILBOX_COLUMNS} FROM mailbox m WHERE m.account_id = $1 AND m.name = $2",
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
                f"SELECT {MAILBOX_COLUMNS} FROM mailbox m WHERE m.account_id = $1 AND m.id = $2",
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
            Refused: the name is not allowed.
            RoleTaken: another mailbox has the role.
            LimitReached: there are ``limit`` mailboxes.
            AlreadyExists: it is there.
        """
        name = normalise_personal_name(name)
        levels = name.split(DELIMITER)
        async with self._engine.transaction() as c:
            modseq = await take_modseq(c, account_id)
            present = await self._present(c, account_id, name)
            if present.get(name):
                raise AlreadyExists(f"the mailbox {name} is there already")
            if limit is not None and await self._count(c, account_id) >= limit:
                raise LimitReached(f"there are {limit} mailboxes already")
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
            raise RoleTaken(f"another mailbox is the {role} mailbox already")

    async def _insert(
        self, c: Connection, account_id: AccountId, name: str, role: str | None, modseq: ModSeq
    ) -> MailboxId:
        uidvalidity = await take_uidvalidity(c, account_id)
        mailbox_id = await c.fetchval(
            "INSERT INTO mailbox (account_id, name, role, uidvalidity, highestmodseq, sort_order, "
            "created_modseq, changed_modseq) VALUES ($1, $2, $3, $4, $5, 10, $5, $5) RETURNING id",
            account_id, name, role, uidvalidity, modseq,
        )  # fmt: skip
        await inherit_acl(c, account_id, mailbox_id, name)
        return MailboxId(mailbox_id)

    async def _reselect(
        self, c: Connection, account_id: AccountId, name: str, role: str | None, modseq: ModSeq
    ) -> None:
        """Uids go on from where they were: a session that has not heard yet can hit no other."""
        uidvalidity = await take_uidvalidity(c, account_id)
        await c.execute(
            "UPDATE mailbox SET is_selectable = true, role = $3, uidvalidity = $4, "
            "first_recent_uid = uidnext, highestmodseq = $5, changed_modseq = $5 "
            "WHERE account_id = $1 AND name = $2",
            account_id, name, role, uidvalidity, modseq,
        )  # fmt: skip

    async def rename(
        self, account_id: AccountId, old: str, new: str, *, keeps_subscriptions: bool = False
    ) -> ModSeq:
        """Rename a mailbox and those below it (RFC 9051 §6.3.6); INBOX is moved out of instead.

        Args:
            account_id: whose.
            old: its name.
            new: the name that it is to have; those above it are made where they are missing.
            keeps_subscriptions: the old names stay subscribed beside the new ones, as IMAP's
                subscriptions are of names, and end by UNSUBSCRIBE alone.

        Raises:
            NotFound: there is no mailbox ``old``.
            AlreadyExists: ``new`` is taken.
            Refused: ``new`` is not allowed, or lies below ``old``.
        """
        new = normalise_personal_name(new)
        async with self._engine.transaction() as c:
            modseq = await take_modseq(c, account_id)
            present = await self._present(c, account_id, new)
            if not await c.fetchval(
                "SELECT 1 FROM mailbox WHERE account_id = $1 AND name = $2", account_id, old
            ):
                raise NotFound(f"there is no mailbox {old}")
            if new in present:
                raise AlreadyExists(f"the mailbox {new} is there already")
            if new.startswith(old + DELIMITER) and old != "INBOX":
                raise Refused("a mailbox cannot be moved into itself")
            levels = new.split(DELIMITER)
            for depth in range(1, len(levels)):
                path = DELIMITER.join(levels[:depth])
                if path not in present:
                    await self._insert(c, account_id, path, None, modseq)
            if old == "INBOX":
                target = await self._insert(c, account_id, new, None, modseq)
                await empty_inbox(c, account_id, target, modseq)
            else:
                await rename_tree(c, account_id, old, new, modseq)
                await rename_subscriptions(c, account_id, old, new, keeps=keeps_subscriptions)
        return modseq

    async def delete(
        self, account_id: AccountId, name: str, *, only_empty: bool = False
    ) -> tuple[MailboxId, ModSeq]:
        r"""Delete a mailbox with its messages; one with mailboxes below becomes \Noselect.

        Raises:
            NotFound: there is none.
            Refused: it is INBOX, or has messages and ``only_empty`` is set.
            HasInferiors: it is \\Noselect with mailboxes below.
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
                raise HasInferiors("the name has mailboxes below it")
            await remove_messages(c, account_id, mailbox_id, modseq)
            if has_inferiors:
                await c.execute(
                    "UPDATE mailbox SET is_selectable = false, role = NULL, messages = 0, "
                    "unseen = 0, deleted = 0, bytes = 0, changed_modseq = $3, highestmodseq = $3 "
                    "WHERE account_id = $1 AND id = $2",
                    account_id, mailbox_id, modseq,
                )  # fmt: skip
            else:
                await leave_names(c, account_id, [mailbox_id])
                await c.execute(
                    "DELETE FROM mailbox WHERE account_id = $1 AND id = $2", account_id, mailbox_id
                )
                await c.execute(
                    "INSERT INTO mailbox_removed (account_id, mailbox_id, modseq) "
                    "VALUES ($1, $2, $3)",
                    account_id, mailbox_id, modseq,
                )  # fmt: skip
        return mailbox_id, modseq

    async def has_inferiors(self, account_id: AccountId, name: str) -> bool:
        """Whether mailboxes are below a name."""
        async with self._engine.connection() as c:
            found = await c.fetchval(
                "SELECT EXISTS (SELECT 1 FROM mailbox WHERE account_id = $1 "
                "AND starts_with(name, $2::text || '/'))",
                account_id, name,
            )  # fmt: skip
        return bool(found)

    async def subscribe(
        self, account_id: AccountId, name: str, *, on: bool, limit: int | None = None
    ) -> ModSeq:
        """Subscribe to a name or end that; the name need not be a mailbox's.

        Raises:
            LimitReached: there are ``limit`` subscriptions.
        """
        async with self._engine.transaction() as c:
            modseq = await take_modseq(c, account_id)
            if on and limit is not None:
                count = await c.fetchval(
                    "SELECT count(*) FROM subscription WHERE account_id = $1 AND name <> $2",
                    account_id, name,
                )  # fmt: skip
                if count >= limit:
                    raise LimitReached(f"there are {limit} subscriptions already")
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

    async def take_recent(self, account_id: AccountId, mailbox_id: MailboxId) -> int:
        r"""The first uid that is \Recent to this session, and to no later one (RFC 3501 §2.3.2)."""
        async with self._engine.connection() as c:
            value = await c.fetchval(
                "UPDATE mailbox m SET first_recent_uid = m.uidnext FROM "
                "(SELECT first_recent_uid AS was FROM mailbox WHERE account_id = $1 AND id = $2 "
                "FOR UPDATE) o "
                "WHERE m.account_id = $1 AND m.id = $2 AND m.first_recent_uid < m.uidnext "
                "RETURNING o.was",
                account_id, mailbox_id,
            )  # fmt: skip
        return 1 << 32 if value is None else int(value)

    async def advance_recent(
        self, account_id: AccountId, mailbox_id: MailboxId, uidnext: int
    ) -> None:
        r"""What a session was told of is \Recent to no later one; ``uidnext`` is the next uid."""
        async with self._engine.connection() as c:
            await c.execute(
                "UPDATE mailbox SET first_recent_uid = $3 "
                "WHERE account_id = $1 AND id = $2 AND first_recent_uid < $3",
                account_id, mailbox_id, uidnext,
            )  # fmt: skip


async def remove_messages(
    c: Connection, account_id: AccountId, mailbox_id: MailboxId, modseq: ModSeq
) -> None:
    """Take all messages out of a mailbox that is about to go, with tombstones; share it no more."""
    uids: Sequence[asyncpg.Record] = await c.fetch(
        "SELECT uid FROM mailbox_email WHERE account_id = $1 AND mailbox_id = $2",
        account_id, mailbox_id,
    )  # fmt: skip
    if uids:
        await remove_places(c, account_id, mailbox_id, [row[0] for row in uids], modseq)
    await forget_sharing(c, account_id, mailbox_id)
