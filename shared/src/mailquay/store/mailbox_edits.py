"""Changing many mailboxes of an account at once (RFC 8621 §2.5): one transaction.

Whoever asks says what is to become of the mailboxes as they are, under the account's lock; so two
may trade their names, and nobody sees a name twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from mailquay.store.acl_rows import inherit_acl
from mailquay.store.engine import Connection, Engine
from mailquay.store.errors import StateChanged
from mailquay.store.mailboxes import MAILBOX_COLUMNS, mailbox_of, remove_messages
from mailquay.store.places import lock_state
from mailquay.store.types import AccountId, Mailbox, MailboxId, ModSeq
from mailquay.store.uidvalidity import leave_names, take_names, take_uidvalidity

__all__ = ["MailboxEdits", "MailboxPlan", "MailboxesEdited", "NewMailbox", "Plan"]


@dataclass(frozen=True, slots=True)
class NewMailbox:
    """A mailbox to create; ``name`` is its whole path, ``key`` the caller's own."""

    key: str
    name: str
    role: str | None
    sort_order: int
    is_subscribed: bool


@dataclass(frozen=True, slots=True)
class MailboxPlan:
    """What to write: whole new values, inferiors with new paths among them.

    Those to destroy come before what is above them.
    """

    create: tuple[NewMailbox, ...] = ()
    update: tuple[Mailbox, ...] = ()
    destroy: tuple[MailboxId, ...] = ()


#: Decides by the mailboxes as they are; no I/O, as all of the account waits meanwhile.
Plan = Callable[[Sequence[Mailbox]], MailboxPlan]


@dataclass(frozen=True, slots=True)
class MailboxesEdited:
    """What was done; ``before`` and ``modseq`` are the same when nothing was."""

    before: ModSeq
    modseq: ModSeq
    created: dict[str, MailboxId]
    mailbox_ids: tuple[MailboxId, ...]


# A name nobody can have, so that two may trade theirs.
_STEP_ASIDE: Final = """
    UPDATE mailbox SET name = chr(1) || id WHERE account_id = $1 AND id = ANY($2::bigint[])
"""

_UPDATE: Final = """
    UPDATE mailbox m SET name = u.name, role = u.role, sort_order = u.sort_order,
        changed_modseq = $6, highestmodseq = $6
    FROM unnest($2::bigint[], $3::text[], $4::text[], $5::int[]) AS u(id, name, role, sort_order)
    WHERE m.account_id = $1 AND m.id = u.id
"""


class MailboxEdits:
    """Creates, updates and destroys mailboxes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def apply(
        self, account_id: AccountId, plan: Plan, *, if_state: int | None = None
    ) -> MailboxesEdited:
        """Do what ``plan`` says of the mailboxes, by name, as they are.

        Raises:
            NotFound: the account is gone.
            StateChanged: its modseq is not ``if_state``.
        """
        async with self._engine.transaction() as c:
            modseq = await lock_state(c, account_id)
            before = ModSeq(modseq - 1)
            if if_state not in (None, before):
                raise StateChanged(f"the account is at {before}, not at {if_state}")
            rows = await c.fetch(
                f"SELECT {MAILBOX_COLUMNS} FROM mailbox m WHERE m.account_id = $1 ORDER BY m.name",
                account_id,
            )
            mailboxes = {box.id: box for box in map(mailbox_of, rows)}
            planned = plan(list(mailboxes.values()))
            if planned == MailboxPlan():
                return MailboxesEdited(before, before, {}, ())
            await c.execute(
                "UPDATE account_state SET modseq = $2 WHERE account_id = $1", account_id, modseq
            )
            for mailbox_id in planned.destroy:
                await _destroy(c, account_id, mailboxes[mailbox_id], modseq)
            if planned.update:
                await _update(c, account_id, mailboxes, planned.update, modseq)
            created = {new.key: await _create(c, account_id, new, modseq) for new in planned.create}
        touched = [*created.values(), *(box.id for box in planned.update), *planned.destroy]
        return MailboxesEdited(before, modseq, created, tuple(sorted(touched)))


async def _destroy(c: Connection, account_id: AccountId, box: Mailbox, modseq: ModSeq) -> None:
    await remove_messages(c, account_id, box.id, modseq)
    await leave_names(c, account_id, [box.id])
    await c.execute("DELETE FROM mailbox WHERE account_id = $1 AND id = $2", account_id, box.id)
    await c.execute(
        "DELETE FROM subscription WHERE account_id = $1 AND name = $2", account_id, box.name
    )
    await c.execute(
        "INSERT INTO mailbox_removed (account_id, mailbox_id, modseq) VALUES ($1, $2, $3)",
        account_id, box.id, modseq,
    )  # fmt: skip


async def _update(
    c: Connection,
    account_id: AccountId,
    mailboxes: dict[MailboxId, Mailbox],
    update: Sequence[Mailbox],
    modseq: ModSeq,
) -> None:
    renamed = [box.id for box in update if box.name != mailboxes[box.id].name]
    await leave_names(c, account_id, renamed)
    await c.execute(_STEP_ASIDE, account_id, [box.id for box in update])
    await c.execute(
        _UPDATE, account_id, [box.id for box in update], [box.name for box in update],
        [box.role for box in update], [box.sort_order for box in update], modseq,
    )  # fmt: skip
    await take_names(c, account_id, renamed)
    await c.execute(
        "DELETE FROM subscription WHERE account_id = $1 AND name = ANY($2::text[])",
        account_id, [mailboxes[box.id].name for box in update],
    )  # fmt: skip
    await c.execute(
        "INSERT INTO subscription SELECT $1, name FROM unnest($2::text[]) AS u(name) "
        "ON CONFLICT DO NOTHING",
        account_id, [box.name for box in update if box.is_subscribed],
    )  # fmt: skip


async def _create(
    c: Connection, account_id: AccountId, new: NewMailbox, modseq: ModSeq
) -> MailboxId:
    uidvalidity = await take_uidvalidity(c, account_id)
    number: int = await c.fetchval(
        "INSERT INTO mailbox (account_id, name, role, uidvalidity, highestmodseq, sort_order, "
        "created_modseq, changed_modseq) VALUES ($1, $2, $3, $4, $5, $6, $5, $5) RETURNING id",
        account_id, new.name, new.role, uidvalidity, modseq, new.sort_order,
    )  # fmt: skip
    await inherit_acl(c, account_id, MailboxId(number), new.name)
    # A subscription outlives its mailbox (RFC 9051 §6.3.7), so one may be there already.
    statement = (
        "INSERT INTO subscription VALUES ($1, $2) ON CONFLICT DO NOTHING"
        if new.is_subscribed
        else "DELETE FROM subscription WHERE account_id = $1 AND name = $2"
    )
    await c.execute(statement, account_id, new.name)
    return MailboxId(number)
