"""Carries plans out: passwords first, then one transaction, under a lock, with a last look.

Whatever happened since a plan was shown is seen under the lock: then nothing is written, and the
newer plan is handed back to be looked at.
"""

from dataclasses import dataclass

from mailquay.declared.passwords import Passwords
from mailquay.declared.plan import Action, Change, Plan, Prune
from mailquay.declared.planner import PasswordPolicy, make_plan
from mailquay.declared.wanted import Order
from mailquay.events import ConfigChanged, Event, IdentityRevoked
from mailquay.runtime.settings import IdentitySettings
from mailquay.store import Store
from mailquay.store.declarations import DeclarationsWriter, StoredPassword

__all__ = ["Applied", "Applying"]


@dataclass(frozen=True, slots=True)
class Applied:
    """What is committed, and the events that tell running services of it."""

    plan: Plan
    events: tuple[Event, ...]


class Applying:
    """Brings the settings to what an order says."""

    def __init__(
        self, store: Store, order: Order, settings: IdentitySettings, *, prune: Prune
    ) -> None:
        self._store = store
        self._order = order
        self._prune = prune
        self._passwords = Passwords(order.passwords, settings)
        self._same: frozenset[str] = frozenset()

    async def plan(self) -> Plan:
        """Plan from how it is now.

        Raises:
            PlanError: it cannot be.
            PasswordMissing: a password is not where the document says.
            StoreUnavailable: Postgres does not answer.
        """
        policies = self._order.wanted.passwords
        always = [a for a, policy in policies.items() if policy is PasswordPolicy.ALWAYS]
        hashes = await self._store.declarations.password_hashes(always)
        self._same = await self._passwords.same(hashes)
        current = await self._store.declarations.read()
        return make_plan(current, self._order.wanted, prune=self._prune, same_passwords=self._same)

    async def carry_out(self, plan: Plan) -> Applied | Plan:
        """Write a plan, all or nothing; or return the one that has taken its place meanwhile.

        Raises:
            PlanError, PasswordMissing, StoreUnavailable: nothing is written; after a
                `StoreUnavailable` at the commit nobody knows, and the next plan tells.
        """
        to_set = [change.ref.name for change in plan.changes if change.sets_password]
        passwords = await self._passwords.make(to_set)
        events: list[Event] = []
        async with self._store.declarations.write() as writer:
            newest = make_plan(
                await writer.read(),
                self._order.wanted,
                prune=self._prune,
                same_passwords=self._same,
            )
            if newest != plan:
                return newest
            await writer.adopt(list(plan.adopted))
            for change in plan.changes:
                events += await _write(writer, change, passwords)
        return Applied(plan, tuple(events))


async def _write(
    writer: DeclarationsWriter, change: Change, passwords: dict[str, StoredPassword]
) -> list[Event]:
    """Write one change; returns what is to be told of it."""
    ref = change.ref
    revoked = None
    match change.action:
        case Action.ADD | Action.CHANGE:
            assert change.after is not None, "it says what is to be"
            revoked = await writer.put(
                change.after,
                is_new=change.action is Action.ADD,
                password=passwords[ref.name] if change.sets_password else None,
            )
        case Action.RENAME:
            assert change.before is not None, "it has had a name"
            await writer.rename_tenant(change.before.ref.name, ref.name)
        case Action.DISABLE:
            revoked = await writer.prune_account(ref.name)
        case Action.REMOVE:
            revoked = await writer.remove(ref)
    events: list[Event] = [ConfigChanged(kind=ref.kind.value, name=ref.name)]
    if revoked is not None and change.action is not Action.ADD:
        events.append(
            IdentityRevoked(
                account_id=revoked.account_id, credential_version=revoked.credential_version
            )
        )
    return events
