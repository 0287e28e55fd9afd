"""From what is and what files declare to the changes between them. No I/O here.

What a file names is wholly as the file says: a field that it leaves out has its default. Two are
left as they are where a file is silent: whether an account is disabled, and its password. What no
file names is left alone, unless it is to be pruned; and even then only what a file has declared
before.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from mailquay.declared.errors import PlanError
from mailquay.declared.plan import Action, Change, Kept, Plan, Prune
from mailquay.store.declared import (
    DEFAULT_TENANT,
    Declared,
    DeclaredAccount,
    DeclaredDomain,
    DeclaredRelay,
    DeclaredTenant,
    Item,
    Kind,
    Ref,
)

__all__ = ["PasswordPolicy", "Wanted", "make_plan"]

_ORDER: Final = tuple(Kind)
#: What others are in.
_OUTER: Final = (Kind.DOMAIN, Kind.TENANT)


class PasswordPolicy(StrEnum):
    """When a file's password is stored."""

    INITIAL = "initial"  # where there is none
    ALWAYS = "always"  # also in place of another


@dataclass(frozen=True, slots=True)
class Wanted:
    """What files declare; ``passwords`` and ``renamed`` (new name: old one) by name."""

    items: Mapping[Ref, Item] = field(default_factory=dict)
    passwords: Mapping[str, PasswordPolicy] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)


def make_plan(
    current: Declared,
    wanted: Wanted,
    *,
    prune: Prune = Prune.NOTHING,
    same_passwords: frozenset[str] = frozenset(),
) -> Plan:
    """Plan the way from one to the other.

    Args:
        current: what is.
        wanted: what files declare.
        prune: what becomes of what they declared before, and do no more.
        same_passwords: accounts whose stored password is the file's already.

    Raises:
        PlanError: it cannot be, with everything that is wrong.
    """
    renames = tuple(_renames(current, wanted))
    start = Plan(renames).outcome(current)
    puts: list[Change] = []
    adopted: list[Ref] = []
    for ref, item in wanted.items.items():
        change = _put(start, ref, item, wanted.passwords, same_passwords)
        if change is not None:
            puts.append(change)
        elif ref not in start.managed:
            adopted.append(ref)
    gone = _unnamed(start, wanted, prune)
    removals, kept = _removals(start, puts, gone, prune)
    plan = Plan(
        (*renames, *_in_order(removals, puts)), tuple(sorted(adopted, key=_rank)), tuple(kept)
    )
    _check(start, plan.outcome(current))
    return plan


def _rank(ref: Ref) -> tuple[int, str]:
    return _ORDER.index(ref.kind), ref.name


def _backwards(ref: Ref) -> tuple[int, str]:
    return -_ORDER.index(ref.kind), ref.name


def _renames(current: Declared, wanted: Wanted) -> Iterator[Change]:
    """Tenants with another name; done once, it says nothing more."""
    for new, old in sorted(wanted.renamed.items()):
        before = current.items.get(Ref(Kind.TENANT, old))
        if isinstance(before, DeclaredTenant) and Ref(Kind.TENANT, new) not in current.items:
            yield Change(Action.RENAME, before, replace(before, name=new))


def _put(
    current: Declared,
    ref: Ref,
    item: Item,
    passwords: Mapping[str, PasswordPolicy],
    same_passwords: frozenset[str],
) -> Change | None:
    """What brings an item to what it is to be; None where it is so."""
    before = current.items.get(ref)
    sets_password = False
    if isinstance(item, DeclaredAccount):
        had = isinstance(before, DeclaredAccount) and before.has_password
        policy = passwords.get(ref.name)
        sets_password = policy is not None and not had
        if policy is PasswordPolicy.ALWAYS and had:
            sets_password = ref.name not in same_passwords
        state = item.state or _state(current, before)
        item = replace(item, state=state, has_password=had or sets_password)
    if before == item and not sets_password:
        return None
    action = Action.ADD if before is None else Action.CHANGE
    return Change(action, before, item, sets_password)


def _state(current: Declared, before: Item | None) -> str:
    """An account's state where the file is silent: who was only pruned comes back."""
    if isinstance(before, DeclaredAccount) and before.ref not in current.pruned:
        return before.state or "active"
    return "active"


def _unnamed(current: Declared, wanted: Wanted, prune: Prune) -> list[Item]:
    if prune is Prune.NOTHING:
        return []
    ours = current.managed | (current.pruned if prune is Prune.MAIL else frozenset())
    default = Ref(Kind.TENANT, DEFAULT_TENANT)
    gone = sorted(ours - set(wanted.items) - {default}, key=_rank)
    return [current.items[ref] for ref in gone]


def _removals(
    current: Declared, puts: list[Change], gone: list[Item], prune: Prune
) -> tuple[list[Change], list[Kept]]:
    """What is removed; a domain or tenant that still has something in it is kept."""
    removals: list[Change] = []
    kept: list[Kept] = []
    left = dict(current.items)
    left.update({c.ref: c.after for c in puts if c.after is not None})
    # What is inside goes first, so that it is known what is left.
    for item in sorted(gone, key=lambda x: (x.ref.kind in _OUTER, _backwards(x.ref))):
        if isinstance(item, DeclaredAccount) and prune is not Prune.MAIL:
            disabled = replace(item, state="disabled")
            removals.append(Change(Action.DISABLE, item, disabled))
            left[item.ref] = disabled
        elif why := _needed(item.ref, left):
            kept.append(Kept(item.ref, why))
        else:
            removals.append(Change(Action.REMOVE, item, None))
            del left[item.ref]
    return removals, kept


def _needed(ref: Ref, left: Mapping[Ref, Item]) -> str | None:
    """Why a domain or a tenant cannot go."""
    if ref.kind is Kind.DOMAIN:
        inside = [r for r in left if r.kind in (Kind.ACCOUNT, Kind.ALIAS) and r.domain == ref.name]
    elif ref.kind is Kind.TENANT:
        inside = [r for r, item in left.items() if getattr(item, "tenant", None) == ref.name]
    else:
        return None
    if not inside:
        return None
    first = min(inside, key=_rank)
    if len(inside) == 1:
        return f"{first} is still in it"
    return f"{first} and {len(inside) - 1} more are still in it"


def _in_order(removals: list[Change], puts: list[Change]) -> Iterator[Change]:
    """What is inside is removed before what it is in, which is made before what goes into it."""
    # An address may turn from an alias into an account, and the other way round.
    yield from (change for change in removals if change.ref.kind not in _OUTER)
    yield from sorted(puts, key=lambda change: _rank(change.ref))
    yield from (change for change in removals if change.ref.kind in _OUTER)


# What must hold in the end


def _check(before: Declared, after: Declared) -> None:
    """Find everything that cannot be.

    Raises:
        PlanError: there is something.
    """
    faults = [*_homeless(after), *_doubles(after), *_moved(before, after), *_over(before, after)]
    if faults:
        raise PlanError("\n".join(faults))


def _homeless(after: Declared) -> Iterator[str]:
    for ref, item in after.items.items():
        if ref.kind in (Kind.ACCOUNT, Kind.ALIAS):
            if Ref(Kind.DOMAIN, ref.domain) not in after.items:
                yield f"{ref}: there is no domain {ref.domain}, here or in the file"
        elif (
            isinstance(item, DeclaredDomain | DeclaredRelay)
            and item.tenant is not None
            and Ref(Kind.TENANT, item.tenant) not in after.items
        ):
            yield f"{ref}: there is no tenant {item.tenant}, here or in the file"


def _doubles(after: Declared) -> Iterator[str]:
    for ref in after.items:
        if ref.kind is Kind.ALIAS and Ref(Kind.ACCOUNT, ref.name) in after.items:
            yield f"{ref.name} cannot be an account and an alias at once"
    relays = [item for item in after.items.values() if isinstance(item, DeclaredRelay)]
    matches = Counter(relay.match for relay in relays)
    for relay in relays:
        if matches[relay.match] > 1:
            yield f"{relay.ref}: another relay is for the same tenant, recipients and senders"


def _moved(before: Declared, after: Declared) -> Iterator[str]:
    """Bodies are kept by tenant: a domain with mail in it cannot go to another."""
    full = {ref.domain for ref in before.items if ref.kind is Kind.ACCOUNT}
    for ref, item in after.items.items():
        old = before.items.get(ref)
        if not (isinstance(item, DeclaredDomain) and isinstance(old, DeclaredDomain)):
            continue
        if item.tenant != old.tenant and item.name in full:
            yield f"{ref} has accounts, and cannot go from tenant {old.tenant} to {item.tenant}"


def _over(before: Declared, after: Declared) -> Iterator[str]:
    """More than a policy allows; what was so before is left so."""
    had, has = _counts(before), _counts(after)
    for ref, item in after.items.items():
        if isinstance(item, DeclaredTenant):
            limits = {Kind.DOMAIN: item.max_domains, Kind.ACCOUNT: item.policy.max_accounts}
        elif isinstance(item, DeclaredDomain):
            limits = {Kind.ACCOUNT: item.policy.max_accounts}
        else:
            continue
        for kind, limit in limits.items():
            count = has[ref, kind]
            if limit is not None and count > limit and count > had[ref, kind]:
                yield f"{ref} may have {limit} {kind.value}s, and would have {count}"


def _counts(settings: Declared) -> Counter[tuple[Ref, Kind]]:
    """Accounts by domain and tenant, domains by tenant."""
    counts: Counter[tuple[Ref, Kind]] = Counter()
    tenants = {x.name: x.tenant for x in settings.items.values() if isinstance(x, DeclaredDomain)}
    for tenant in tenants.values():
        counts[Ref(Kind.TENANT, tenant), Kind.DOMAIN] += 1
    for ref in settings.items:
        if ref.kind is Kind.ACCOUNT and ref.domain in tenants:
            counts[Ref(Kind.DOMAIN, ref.domain), Kind.ACCOUNT] += 1
            counts[Ref(Kind.TENANT, tenants[ref.domain]), Kind.ACCOUNT] += 1
    return counts
