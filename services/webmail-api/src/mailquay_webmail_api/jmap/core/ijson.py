"""I-JSON (RFC 7493), which is what JMAP speaks (RFC 8620 §1.5). No I/O here."""

import json
from typing import Any, NoReturn

import msgspec

__all__ = ["IJsonError", "decode_ijson", "holds_nul"]


class IJsonError(ValueError):
    """That is no I-JSON."""


def decode_ijson(data: bytes) -> Any:
    """Decode strictly: UTF-8, no lone surrogates, no NaN, no name twice in an object.

    Raises:
        IJsonError: it is something else, or nested out of all measure.
    """
    try:
        # msgspec sees to all but names that are there twice, which it cannot tell.
        value = msgspec.json.decode(data)
        json.loads(data, object_pairs_hook=_distinct, parse_constant=_refuse)
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise IJsonError(str(error)) from None
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> None:
    if len(pairs) > 1 and len({name for name, _ in pairs}) != len(pairs):
        raise IJsonError("an object has the same name twice")


def _refuse(constant: str) -> NoReturn:
    raise IJsonError(f"{constant} is no JSON")


def holds_nul(value: object) -> bool:
    """Whether any text in there holds U+0000, which is JSON but no text that a database keeps."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            if "\0" in item:
                return True
        elif isinstance(item, dict):
            waiting += item.keys()
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
    return False
