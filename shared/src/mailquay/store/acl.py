"""Access control lists of mailboxes, and what others share with someone (RFC 4314).

An identifier is the address of an account of the owner's tenant, or ``anyone`` for all of them,
each also after ``-``, which takes rights away. The owner always has all rights.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from mailquay.store.acl_rows import EFFECTIVE, forget_lost_readers
from mailquay.store.engine import Connection, Engine
from mailquay.store.errors import NotFound, Refused
from mailquay.store.mailboxes import MAILBOX_COLUMNS, mailbox_of
from mailquay.store.places import take_modseq
from mailquay.store.rights import ALL_RIGHTS, NO_RIGHTS, ChangeKind, Rights, RightsChange
from mailquay.store.types import AccountId, Mailbox, MailboxId, ModSeq

__all__ = ["ANYONE", "Acl", "AclEntry", "SharedMailbox"]

ANYONE: Final = "anyone"
_NEGATIVE: Final = "-"


@dataclass(frozen=True, slots=True)
class AclEntry:
    """An identifier with its rights."""

    identifier: str
    rights: Rights


@dataclass(frozen=True, slots=True)
class SharedMailbox:
    """Someone else's mailbox, as a reader has it: unseen and highestmodseq are the reader's."""

    owner_id: AccountId
    owner_address: str
    is_public: bool
    mailbox: Mailbox
    rights: Rights


_GRANTED: Final = f"""
    WITH granted AS (
        SELECT x.account_id, x.mailbox_id, {EFFECTIVE} AS rights
        FROM mailbox_acl x
        WHERE x.tenant_id = (SELECT tenant_id FROM account WHERE id = $1)
          AND x.grantee_id = ANY(ARRAY[0, $1::bigint]) AND x.account_id <> $1 {{only}}
        GROUP BY x.account_id, x.mailbox_id
    )
    SELECT o.address, o.kind = 'shared', g.rights, coalesce(r.seen, 0),
           coalesce(r.highestmodseq, 0), {MAILBOX_COLUMNS}
    FROM granted g
    JOIN account o ON o.id = g.account_id
    JOIN mailbox m ON m.account_id = g.account_id AND m.id = g.mailbox_id
    LEFT JOIN mailbox_reader r ON r.account_id = g.account_id AND r.mailbox_id = g.mailbox_id
        AND r.reader_id = $1
    WHERE g.rights <> 0
    ORDER BY o.address, m.name
"""
_ALL: Final = _GRANTED.format(only="")
_ONE: Final = _GRANTED.format(
    only="AND (x.account_id, x.mailbox_id) IN (SELECT n.account_id, n.id FROM account a "
    "JOIN mailbox n ON n.account_id = a.id WHERE a.address = $2 AND n.name = $3)"
)


class Acl:
    """Who may do what with which mailbox; each call is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def entries(self, owner_id: AccountId, mailbox_id: MailboxId) -> list[AclEntry]:
        """A mailbox's entries by identifier, the owner not among them. One round trip."""
        async with self._engine.connection() as c:
            rows = await c.fetch(
                "SELECT identifier, rights FROM mailbox_acl "
                'WHERE account_id = $1 AND mailbox_id = $2 ORDER BY identifier COLLATE "C"',
                owner_id, mailbox_id,
            )  # fmt: skip
        return [AclEntry(row[0], Rights(row[1])) for row in rows]

    async def set(
        self, owner_id: AccountId, mailbox_id: MailboxId, identifier: str, change: RightsChange
    ) -> tuple[Rights, ModSeq]:
        """Change an identifier's rights (RFC 4314 §3.1); an entry without rights goes.

        Args:
            owner_id: whose mailbox.
            mailbox_id: which.
            identifier: its address in the normalised form.
            change: what is to become of the entry's rights.

        Returns:
            The entry's rights now, and the modseq of the change.

        Raises:
            NotFound: the mailbox is gone, or no account of the tenant has the address.
            Refused: the owner would lose rights.
        """
        async with self._engine.transaction() as c:
            modseq = await take_modseq(c, owner_id)
            await _touch(c, owner_id, mailbox_id, modseq)
            tenant_id, grantee_id = await _grantee(c, owner_id, identifier)
            is_negative = identifier.startswith(_NEGATIVE)
            if grantee_id == owner_id:
                _require_all(change, is_negative=is_negative)
                return NO_RIGHTS if is_negative else ALL_RIGHTS, modseq
            before = await c.fetchval(
                "SELECT rights FROM mailbox_acl "
                "WHERE account_id = $1 AND mailbox_id = $2 AND identifier = $3",
                owner_id, mailbox_id, identifier,
            )  # fmt: skip
            rights = change.apply(Rights(before or 0))
            if rights:
                await c.execute(
                    "INSERT INTO mailbox_acl (account_id, mailbox_id, identifier, tenant_id, "
                    "grantee_id, is_negative, rights) VALUES ($1, $2, $3, $4, $5, $6, $7) "
                    "ON CONFLICT (account_id, mailbox_id, identifier) "
                    "DO UPDATE SET rights = excluded.rights",
                    owner_id, mailbox_id, identifier, tenant_id, grantee_id, is_negative,
                    rights.value,
                )  # fmt: skip
            else:
                await _delete(c, owner_id, mailbox_id, identifier)
            await forget_lost_readers(c, owner_id, mailbox_id, modseq)
        return rights, modseq

    async def remove(self, owner_id: AccountId, mailbox_id: MailboxId, identifier: str) -> ModSeq:
        """Remove an identifier's entry, if there is one (RFC 4314 §3.2).

        Raises:
            NotFound: the mailbox is gone.
        """
        async with self._engine.transaction() as c:
            modseq = await take_modseq(c, owner_id)
            await _touch(c, owner_id, mailbox_id, modseq)
            await _delete(c, owner_id, mailbox_id, identifier)
            await forget_lost_readers(c, owner_id, mailbox_id, modseq)
        return modseq

    async def rights(self, reader: AccountId, owner_id: AccountId, mailbox_id: MailboxId) -> Rights:
        """What someone may do with a mailbox now; of one that is gone, nothing. One round trip."""
        if reader == owner_id:
            return ALL_RIGHTS
        async with self._engine.connection() as c:
            value = await c.fetchval(
                f"SELECT {EFFECTIVE} FROM mailbox_acl x WHERE x.account_id = $1 "
                "AND x.mailbox_id = $2 AND x.grantee_id = ANY(ARRAY[0, $3::bigint]) "
                "AND x.tenant_id = (SELECT tenant_id FROM account WHERE id = $3)",
                owner_id, mailbox_id, reader,
            )  # fmt: skip
        return Rights(value or 0)

    async def shared_with(self, reader: AccountId) -> list[SharedMailbox]:
        """All mailboxes of others in which someone has a right, by owner and name.

        One round trip, by ``ix_mailbox_acl_grantee``: where nothing is shared it looks no further.
        """
        async with self._engine.connection() as c:
            rows = await c.fetch(_ALL, reader)
        return [_shared(row) for row in rows]

    async def find(self, reader: AccountId, owner_address: str, name: str) -> SharedMailbox | None:
        """The mailbox of that name of another; None also where one has no right in it."""
        async with self._engine.connection() as c:
            row = await c.fetchrow(_ONE, reader, owner_address, name)
        return None if row is None else _shared(row)


def _shared(row: Iterable[Any]) -> SharedMailbox:
    address, is_public, rights, seen, highestmodseq, *columns = row
    box = mailbox_of(columns)
    box = replace(
        box,
        unseen=box.messages - seen,
        highestmodseq=ModSeq(max(box.highestmodseq, highestmodseq)),
    )
    return SharedMailbox(box.account_id, address, is_public, box, Rights(rights))


def _require_all(change: RightsChange, *, is_negative: bool) -> None:
    left = NO_RIGHTS if is_negative else ALL_RIGHTS
    if change.kind is ChangeKind.REMOVE and is_negative:
        return
    if change.apply(left) != left:
        raise Refused("the owner of a mailbox always has all rights")


async def _touch(c: Connection, owner_id: AccountId, mailbox_id: MailboxId, modseq: ModSeq) -> None:
    if not await c.fetchval(
        "UPDATE mailbox SET changed_modseq = $3, highestmodseq = $3 "
        "WHERE account_id = $1 AND id = $2 RETURNING true",
        owner_id, mailbox_id, modseq,
    ):  # fmt: skip
        raise NotFound("the mailbox is gone")


async def _grantee(c: Connection, owner_id: AccountId, identifier: str) -> tuple[int, int]:
    """The owner's tenant, and whom of it an identifier names; 0: anyone."""
    name = identifier.removeprefix(_NEGATIVE)
    row = await c.fetchrow(
        "SELECT o.tenant_id, CASE WHEN $2 = 'anyone' THEN 0 ELSE a.id END FROM account o "
        "LEFT JOIN account a ON a.tenant_id = o.tenant_id AND a.address = $2 WHERE o.id = $1",
        owner_id, name,
    )  # fmt: skip
    if row is None or row[1] is None:
        raise NotFound(f"there is no account {name} to share with")
    return row[0], row[1]


async def _delete(
    c: Connection, owner_id: AccountId, mailbox_id: MailboxId, identifier: str
) -> None:
    await c.execute(
        "DELETE FROM mailbox_acl WHERE account_id = $1 AND mailbox_id = $2 AND identifier = $3",
        owner_id, mailbox_id, identifier,
    )  # fmt: skip
