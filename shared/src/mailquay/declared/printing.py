"""A plan as people read it, and as programs do. No I/O here, and no secret: plans hold none."""

import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from rich.text import Text

from mailquay.declared.plan import Action, Change, Difference, Plan
from mailquay.declared.sizes import format_size
from mailquay.store.declared import DeclaredAccount

__all__ = ["plan_data", "plan_text", "summary"]

_SIGNS: Final = {
    Action.ADD: ("+", "green"),
    Action.CHANGE: ("~", "yellow"),
    Action.RENAME: ("~", "yellow"),
    Action.DISABLE: ("!", "magenta"),
    Action.REMOVE: ("-", "red"),
}
_DONE: Final = {
    Action.ADD: "added", Action.CHANGE: "changed", Action.RENAME: "renamed",
    Action.DISABLE: "disabled", Action.REMOVE: "removed",
}  # fmt: skip
_SIZES: Final = ("quota", "defaultQuota", "maxMessageSize")


def plan_text(plan: Plan) -> Text:
    """A line for each change, with its fields below it where there is more than one."""
    lines = [line for change in plan.changes for line in _change(change)]
    if plan.adopted:
        count = len(plan.adopted)
        things = "1 item is" if count == 1 else f"{count} items are"
        lines.append(Text(f"= {things} as the file says, and managed by it from now on", "dim"))
    lines += [Text(f"· {kept.ref} is kept: {kept.why}", "dim") for kept in plan.kept]
    return Text("\n").join(lines)


def summary(plan: Plan, *, is_done: bool) -> str:
    """``2 added, 1 changed`` in a sentence."""
    counts = Counter(change.action for change in plan.changes)
    parts = [f"{counts[action]} {_DONE[action]}" for action in Action if counts[action]]
    if not parts:
        return "Nothing to change."
    return f"Applied: {', '.join(parts)}." if is_done else f"To be {', '.join(parts)}."


def plan_data(plan: Plan) -> dict[str, Any]:
    """The plan for ``--json``; sizes are in bytes."""
    return {
        "changes": [
            {
                "action": change.action.value,
                "kind": change.ref.kind.value,
                "name": change.ref.name,
                "fields": [
                    {"name": each.name, "before": each.before, "after": each.after}
                    for each in change.differences
                ],
            }
            for change in plan.changes
        ],
        "adopted": [{"kind": ref.kind.value, "name": ref.name} for ref in plan.adopted],
        "kept": [
            {"kind": kept.ref.kind.value, "name": kept.ref.name, "why": kept.why}
            for kept in plan.kept
        ],
    }


def _change(change: Change) -> Iterator[Text]:
    sign, colour = _SIGNS[change.action]
    head = Text(f"{sign} {_printable(str(change.ref))}", colour)
    match change.action:
        case Action.DISABLE:
            yield head.append(" is disabled; its mail stays")
        case Action.REMOVE:
            with_mail = " with all its mail" if isinstance(change.before, DeclaredAccount) else ""
            yield head.append(with_mail)
        case Action.RENAME:
            assert change.before is not None, "it has had a name"
            yield head.append(f" was {change.before.ref.name}")
        case Action.ADD:
            said = [d for d in change.differences if d.after not in (None, "", ())]
            yield head
            yield from (Text(f"    {d.name} {_value(d.name, d.after)}") for d in said)
        case Action.CHANGE:
            told = [Text(_difference(each)) for each in change.differences]
            if len(told) == 1:
                yield head.append(" ").append(told[0])
            else:
                yield head
                yield from (Text("    ").append(each) for each in told)


def _difference(each: Difference) -> str:
    return f"{each.name} {_value(each.name, each.before)} → {_value(each.name, each.after)}"


def _value(name: str, value: object) -> str:
    last = name.rpartition(".")[2]
    if last in ("quota", "defaultQuota") and value in (None, 0):
        return "default" if value is None else "none"
    if last in _SIZES and isinstance(value, int):
        return format_size(value)
    match value:
        case None:
            return "unset"
        case bool():
            return str(value).lower()
        case tuple():
            return ", ".join(_printable(str(each)) for each in value)
        case "":
            return '""'
        case _:
            return _printable(str(value))


def _printable(text: str) -> str:
    """What a document holds may not control the reader's terminal."""
    return "".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in text)
