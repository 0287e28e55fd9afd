"""Result references between method calls (RFC 8620 §3.7). No I/O here."""

import re
from collections.abc import Sequence
from typing import Any, Final

from mailquay_webmail_api.jmap.core.errors import MethodError

__all__ = ["evaluate_pointer", "resolve_references"]

JsonObject = dict[str, Any]
#: Values a pointer may collect; what a client could use is bounded by maxObjectsInGet anyway.
VALUES_MAX: Final = 10_000
#: An array's index (RFC 6901 §4); a longer one is behind the end of any.
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,9}")


def resolve_references(
    arguments: JsonObject, responses: Sequence[tuple[str, JsonObject, str]]
) -> JsonObject:
    """Return ``arguments`` with each ``#name`` replaced by the value that it refers to.

    Raises:
        MethodError: ``invalidResultReference``, or ``invalidArguments`` where both ``name`` and
            ``#name`` are given.
    """
    if not any(name.startswith("#") for name in arguments):
        return arguments
    resolved: JsonObject = {}
    for name, value in arguments.items():
        if not name.startswith("#"):
            resolved[name] = value
        elif name[1:] in arguments:
            raise MethodError.invalid_arguments(f"{name[1:]} is given twice")
        else:
            resolved[name[1:]] = _refer(name, value, responses)
    return resolved


def _refer(
    name: str, reference: object, responses: Sequence[tuple[str, JsonObject, str]]
) -> object:
    if not isinstance(reference, dict):
        raise MethodError("invalidResultReference", f"{name} is no ResultReference")
    path = reference.get("path")
    if not isinstance(path, str):
        raise MethodError("invalidResultReference", f"{name} has no path")
    for method, result, call_id in responses:
        if call_id == reference.get("resultOf"):
            # The first response of that call decides (RFC 8620 §3.7).
            if method != reference.get("name"):
                break
            return evaluate_pointer(result, path)
    raise MethodError("invalidResultReference", f"{name} refers to no response")


def evaluate_pointer(document: object, path: str) -> object:
    """Evaluate a JSON pointer (RFC 6901) with JMAP's ``*`` over arrays.

    Raises:
        MethodError: ``invalidResultReference`` when it leads nowhere.
    """
    if path and not path.startswith("/"):
        raise MethodError("invalidResultReference", f"{path!r} is no JSON pointer")
    tokens = [t.replace("~1", "/").replace("~0", "~") for t in path.split("/")[1:]]
    return _walk(document, tokens, path)


def _walk(value: object, tokens: list[str], path: str) -> object:
    for depth, token in enumerate(tokens):
        if isinstance(value, dict) and token in value:
            value = value[token]
        elif isinstance(value, list) and token == "*":  # noqa: S105  # a pointer's token
            return _collect(value, tokens[depth + 1 :], path)
        elif isinstance(value, list) and _INDEX.fullmatch(token) and int(token) < len(value):
            value = value[int(token)]
        else:
            raise MethodError("invalidResultReference", f"{path!r} leads nowhere")
    return value


def _collect(values: list[object], tokens: list[str], path: str) -> list[object]:
    collected: list[object] = []
    for value in values:
        found = _walk(value, tokens, path)
        collected += found if isinstance(found, list) else [found]
        if len(collected) > VALUES_MAX:
            raise MethodError("invalidResultReference", f"{path!r} gives too many values")
    return collected
