"""What would be changed, item by item, with what each was before. No I/O here."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum, StrEnum
from typing import Final

from mailquay.store.declared import (
    Declared,
    DeclaredAccount,
    DeclaredDomain,
    DeclaredRelay,
    DeclaredTenant,
    Item,
    Ref,
)

__all__ = ["Action", "Change", "Difference", "Kept", "Plan", "Prune"]

#: Shown under another name, or not at all.
_NAMES: Final = {"has_password": "password", "password_file": "passwordFrom.file",
                 "password_env": "passwordFrom.env"}  # fmt: skip


class Prune(Enum):
    """What becomes of managed items that no file names any more."""

    NOTHING = "nothing"
    #: They are removed; an account is disabled, and keeps its mail.
    ITEMS = "items"
    #: An account too, with all its mail.
    MAIL = "mail"


class Action(StrEnum):
    """What is done to an item."""

    ADD = "add"
    CHANGE = "change"
    RENAME = "rename"
    DISABLE = "disable"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that is not as it was; its name is the document's."""

    name: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class Change:
    """One step. ``before`` is None for what is new, ``after`` for what is removed.

    ``sets_password``: the file's password is to be stored; it stands nowhere here.
    """

    action: Action
    before: Item | None
    after: Item | None
    sets_password: bool = False

    @property
    def ref(self) -> Ref:
        """What it is about, by its name after the change where it has one."""
        item = self.after or self.before
        assert item is not None, "a change has a side"
        return item.ref

    @property
    def differences(self) -> tuple[Difference, ...]:
        """The fields that change; for what is new or removed, those that say something."""
        found = tuple(_differences(self.before, self.after))
        is_replaced = isinstance(self.before, DeclaredAccount) and self.before.has_password
        if self.sets_password and is_replaced:
            found += (Difference("password", "set", "replaced"),)
        return found


@dataclass(frozen=True, slots=True)
class Kept:
    """A managed item that no file names, and that cannot be removed yet."""

    ref: Ref
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes in the order in which they are made.

    ``adopted`` were made by hand, and are as the file says already: it looks after them from now
    on, which changes nothing for anyone.
    """

    changes: tuple[Change, ...] = ()
    adopted: tuple[Ref, ...] = ()
    kept: tuple[Kept, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write at all."""
        return not self.changes and not self.adopted

    def outcome(self, current: Declared) -> Declared:
        """The settings once it is carried out."""
        items = dict(current.items)
        managed, pruned = set(current.managed), set(current.pruned)
        for change in self.changes:
            old = change.ref if change.before is None else change.before.ref
            if change.action is Action.RENAME:
                items, managed = _renamed(items, managed, old.name, change.ref.name)
            if change.after is None:
                items.pop(old)
            else:
                items[change.ref] = change.after
            managed.discard(old)
            pruned.discard(old)
            if change.action is Action.DISABLE:
                pruned.add(old)
            elif change.after is not None:
                managed.add(change.ref)
        managed.update(self.adopted)
        pruned.difference_update(self.adopted)
        return Declared.of(items.values(), managed, pruned)


def _renamed(
    items: dict[Ref, Item], managed: set[Ref], old: str, new: str
) -> tuple[dict[Ref, Item], set[Ref]]:
    """The items where a tenant has another name."""
    renamed: list[Item] = []
    for item in items.values():
        if isinstance(item, DeclaredTenant) and item.name == old:
            renamed.append(replace(item, name=new))
        elif isinstance(item, DeclaredDomain | DeclaredRelay) and item.tenant == old:
            renamed.append(replace(item, tenant=new))
        else:
            renamed.append(item)
    old_ref = DeclaredTenant(old).ref
    names = {DeclaredTenant(new).ref if ref == old_ref else ref for ref in managed}
    return {item.ref: item for item in renamed}, names


def _differences(before: object, after: object, prefix: str = "") -> Iterator[Difference]:
    """Field by field, through what is nested; a side that is None has the defaults."""
    shape = after if after is not None else before
    assert is_dataclass(shape), "items are dataclasses"
    for each in fields(shape):
        one = getattr(before, each.name, _default(each.default))
        two = getattr(after, each.name, _default(each.default))
        name = prefix + _NAMES.get(each.name, _camel(each.name))
        if is_dataclass(two) and is_dataclass(one):
            yield from _differences(one, two, f"{name}.")
        elif one != two and not (each.name in ("name", "address") and None in (before, after)):
            if each.name == "has_password":
                one, two = ("set" if side else "none" for side in (one, two))
            yield Difference(name, one, two)


def _default(value: object) -> object:
    return None if value is not None and type(value).__name__ == "_MISSING_TYPE" else value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
