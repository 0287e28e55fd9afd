"""Mailbox/query and Mailbox/queryChanges (RFC 8621 §2.3, §2.4)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mailquay.store.types import Mailbox, MailboxId
from mailquay_webmail_api.jmap.core.arguments import Arguments
from mailquay_webmail_api.jmap.core.context import Context, JsonObject
from mailquay_webmail_api.jmap.core.errors import MethodError
from mailquay_webmail_api.jmap.core.ids import mailbox_id, parse_mailbox_id
from mailquay_webmail_api.jmap.core.states import state_text
from mailquay_webmail_api.jmap.mail.filters import read_filter
from mailquay_webmail_api.jmap.mail.mailbox_view import leaf, parents
from mailquay_webmail_api.jmap.mail.points import read_point
from mailquay_webmail_api.jmap.mail.windows import (
    QueryWindow,
    changed_query,
    read_max_query_changes,
)

__all__ = ["changed_mailbox_query", "query_mailboxes"]

#: More mailboxes than an account may have.
_CHANGED_MAX: Final = 100_000

#: By RFC 4790; without one, as Unicode folds case.
_COLLATIONS: Final[dict[str | None, Callable[[str], Any]]] = {
    None: str.casefold,
    "i;unicode-casemap": str.casefold,
    "i;ascii-casemap": lambda text: "".join(c.upper() if c.isascii() else c for c in text),
    "i;octet": lambda text: text,
}


@dataclass(frozen=True, slots=True)
class _Item:
    """A mailbox in its tree."""

    box: Mailbox
    parent: MailboxId | None


_Test = Callable[[_Item], bool]
_Comparator = tuple[Callable[[_Item], Any], bool]


@dataclass(frozen=True, slots=True)
class _Query:
    matches: _Test
    comparators: tuple[_Comparator, ...]
    sorts_as_tree: bool
    filters_as_tree: bool

    @classmethod
    def read(cls, context: Context, arguments: Arguments) -> "_Query":
        """Read it.

        Raises:
            MethodError: invalidArguments, unsupportedFilter or unsupportedSort.
        """
        return cls(
            read_filter(
                arguments.value("filter"), lambda given: _read_condition(context, given), _combine
            ),
            _read_sort(arguments.value("sort")),
            arguments.boolean("sortAsTree"),
            arguments.boolean("filterAsTree"),
        )

    def run(self, mailboxes: Sequence[Mailbox]) -> list[MailboxId]:
        """The mailboxes that match, sorted."""
        above = parents(mailboxes)
        items = {box.id: _Item(box, above.get(box.id)) for box in mailboxes}
        matching = {number for number, item in items.items() if self.matches(item)}
        if self.filters_as_tree:
            # Of those sorted by path, whatever is above comes first.
            for number, item in items.items():
                if item.parent is not None and item.parent not in matching:
                    matching.discard(number)
        ordered = self._sort(list(items.values()))
        if self.sorts_as_tree:
            ordered = _as_tree(ordered)
        return [item.box.id for item in ordered if item.box.id in matching]

    def _sort(self, items: list[_Item]) -> list[_Item]:
        items.sort(key=lambda item: item.box.id)
        for key, ascending in reversed(self.comparators):
            items.sort(key=key, reverse=not ascending)
        return items


def _as_tree(ordered: Sequence[_Item]) -> list[_Item]:
    """Each one before those below it, siblings in their order (RFC 8621 §2.3, sortAsTree)."""
    children: dict[MailboxId | None, list[_Item]] = {}
    for item in ordered:
        children.setdefault(item.parent, []).append(item)
    waiting = list(reversed(children.get(None, [])))
    tree: list[_Item] = []
    while waiting:
        item = waiting.pop()
        tree.append(item)
        waiting += reversed(children.get(item.box.id, []))
    return tree


def _combine(operator: str, terms: Sequence[_Test]) -> _Test:
    if operator == "AND":
        return lambda item: all(term(item) for term in terms)
    if operator == "OR":
        return lambda item: any(term(item) for term in terms)
    return lambda item: not any(term(item) for term in terms)


def _read_condition(context: Context, given: dict[str, Any]) -> _Test:
    terms = []
    for name, value in given.items():
        read = _CONDITIONS.get(name)
        if read is None:
            raise MethodError("unsupportedFilter", f"there is no condition {name}")
        terms.append(read(context, value))
    return _combine("AND", terms)


def _wrong(name: str) -> MethodError:
    return MethodError.invalid_arguments(f"filter: {name} is of the wrong type")


def _parent(context: Context, value: object) -> _Test:
    if value is None:
        return lambda item: item.parent is None
    if not isinstance(value, str):
        raise _wrong("parentId")
    number = parse_mailbox_id(context.resolve_id(value))
    return lambda item: number is not None and item.parent == number


def _name(_context: Context, value: object) -> _Test:
    if not isinstance(value, str):
        raise _wrong("name")
    wanted = value.casefold()
    return lambda item: wanted in leaf(item.box.name).casefold()


def _role(_context: Context, value: object) -> _Test:
    if value is not None and not isinstance(value, str):
        raise _wrong("role")
    return lambda item: item.box.role == value


def _has_any_role(_context: Context, value: object) -> _Test:
    if not isinstance(value, bool):
        raise _wrong("hasAnyRole")
    return lambda item: (item.box.role is not None) == value


def _is_subscribed(_context: Context, value: object) -> _Test:
    if not isinstance(value, bool):
        raise _wrong("isSubscribed")
    return lambda item: item.box.is_subscribed == value


_CONDITIONS: Final[dict[str, Callable[[Context, object], _Test]]] = {
    "parentId": _parent,
    "name": _name,
    "role": _role,
    "hasAnyRole": _has_any_role,
    "isSubscribed": _is_subscribed,
}


def _read_sort(value: object) -> tuple[_Comparator, ...]:
    if value is None:
        value = []
    if not isinstance(value, list):
        raise MethodError.invalid_arguments("sort is not a list")
    return tuple(_read_comparator(item) for item in value)


def _read_comparator(value: object) -> _Comparator:
    if not isinstance(value, dict) or not isinstance(value.get("property"), str):
        raise MethodError.invalid_arguments("sort: a Comparator has a property")
    name, ascending = value["property"], value.get("isAscending", True)
    collation = value.get("collation")
    if not isinstance(ascending, bool) or not isinstance(collation, str | None):
        raise MethodError.invalid_arguments(f"sort: {name} is not a Comparator")
    if collation not in _COLLATIONS:
        raise MethodError("unsupportedSort", f"{collation} is no collation here")
    if name == "sortOrder":
        return (lambda item: item.box.sort_order), ascending
    if name == "name":
        fold = _COLLATIONS[collation]
        return (lambda item: fold(leaf(item.box.name))), ascending
    raise MethodError("unsupportedSort", f"{name} cannot be sorted by")


async def query_mailboxes(context: Context, given: JsonObject) -> JsonObject:
    """Mailbox/query."""
    arguments = Arguments(given)
    query = _Query.read(context, arguments)
    window = QueryWindow.read(arguments)
    arguments.finish()
    modseq, mailboxes = await context.store.mailbox_objects.list_mailboxes(context.account.id)
    results = query.run(mailboxes)
    anchor = None
    if window.anchor is not None:
        anchor = parse_mailbox_id(context.resolve_id(window.anchor))
    found, position = window.of(results, anchor)
    ids = [mailbox_id(number) for number in found]
    answer = window.answer(state_text(modseq), ids, position, len(results))
    return {"accountId": given["accountId"], **answer}


async def changed_mailbox_query(context: Context, given: JsonObject) -> JsonObject:
    """Mailbox/queryChanges: what has changed is taken out, and put in again where it is now."""
    arguments = Arguments(given)
    now = await context.store.emails.state(context.account.id)
    query = _Query.read(context, arguments)
    since = read_point(arguments, "sinceQueryState", now)
    max_changes = read_max_query_changes(arguments)
    # Only where nothing that may change is asked for could it be of use (RFC 8620 §5.6).
    arguments.optional_string("upToId")
    wants_total = arguments.boolean("calculateTotal")
    arguments.finish()
    changes = await context.store.changes.mailboxes(context.account.id, since, _CHANGED_MAX)
    modseq, mailboxes = await context.store.mailbox_objects.list_mailboxes(context.account.id)
    touched = {*changes.created, *changes.updated} - set(changes.only_counts)
    if query.sorts_as_tree or query.filters_as_tree:
        touched = _with_inferiors(touched, parents(mailboxes))
    results = query.run(mailboxes)
    removed = (touched - set(changes.created)) | set(changes.destroyed)
    return changed_query(
        given,
        state_text(modseq),
        [mailbox_id(number) for number in sorted(removed)],
        [(mailbox_id(number), n) for n, number in enumerate(results) if number in touched],
        total=len(results) if wants_total else None,
        max_changes=max_changes,
    )


def _with_inferiors(touched: set[MailboxId], above: dict[MailboxId, MailboxId]) -> set[MailboxId]:
    """Those and all below them; parents come before their children in ``above``."""
    found = set(touched)
    for number, parent in above.items():
        if parent in found:
            found.add(number)
    return found
