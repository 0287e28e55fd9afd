"""The arguments of a method call, read strictly (RFC 8620 §3.6.2). No I/O here.

An argument that is missing, of the wrong type, or not known is ``invalidArguments``, and the
description names it.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from mailquay_webmail_api.jmap.core.errors import MethodError

__all__ = ["Arguments"]

_T = TypeVar("_T")
#: Numbers that every JSON parser keeps exactly (RFC 8620 §1.3).
INT_MAX: Final = (1 << 53) - 1


class Arguments:
    """A call's arguments; read each, then call `finish`."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = given
        self._read = {"accountId"}

    def has(self, name: str) -> bool:
        """Whether the argument is given, as null too."""
        self._read.add(name)
        return name in self._given

    def finish(self) -> None:
        """Refuse arguments that nobody has read."""
        unknown = sorted(set(self._given) - self._read)
        if unknown:
            raise MethodError.invalid_arguments(f"{unknown[0]} is no argument of this method")

    def value(self, name: str) -> Any:
        """An argument of any type; None when it is not given."""
        self._read.add(name)
        return self._given.get(name)

    def string(self, name: str) -> str:
        """A String that must be given."""
        return self._required(name, self.optional_string)

    def optional_string(self, name: str) -> str | None:
        """A String or null."""
        value = self.value(name)
        if value is not None and not isinstance(value, str):
            raise MethodError.invalid_arguments(f"{name} is not a string")
        return value

    def boolean(self, name: str, *, default: bool = False) -> bool:
        """A Boolean."""
        value = self.value(name)
        if value is None and name not in self._given:
            return default
        if not isinstance(value, bool):
            raise MethodError.invalid_arguments(f"{name} is not a boolean")
        return value

    def integer(self, name: str, *, default: int) -> int:
        """An Int (RFC 8620 §1.3), of either sign."""
        value = self._integer(name, -INT_MAX)
        return default if value is None else value

    def optional_unsigned(self, name: str, *, least: int = 0) -> int | None:
        """An UnsignedInt or null."""
        return self._integer(name, least)

    def _integer(self, name: str, least: int) -> int | None:
        value = self.value(name)
        if value is None:
            return None
        # 3.0 is an integer in JSON; a boolean is one only in Python.
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= INT_MAX:
            raise MethodError.invalid_arguments(f"{name} is not an integer from {least} on")
        return value

    def optional_strings(self, name: str) -> list[str] | None:
        """A String[] or null."""
        value = self.value(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise MethodError.invalid_arguments(f"{name} is not a list of strings")
        return value

    def strings(self, name: str) -> list[str]:
        """A String[] that must be given."""
        return self._required(name, self.optional_strings)

    def optional_object(self, name: str) -> dict[str, Any] | None:
        """An object or null."""
        value = self.value(name)
        if value is not None and not isinstance(value, dict):
            raise MethodError.invalid_arguments(f"{name} is not an object")
        return value

    def optional_objects(self, name: str) -> dict[str, dict[str, Any]] | None:
        """A map of objects by id, or null: ``create`` and ``update`` of a /set."""
        value = self.optional_object(name)
        if value is None:
            return None
        for key, item in value.items():
            if not isinstance(item, dict):
                raise MethodError.invalid_arguments(f"{name}/{key} is not an object")
        return value

    def properties(self, known: frozenset[str] | set[str]) -> list[str] | None:
        """``properties`` of a /get, each one known; None when all are wanted (RFC 8620 §5.1)."""
        wanted = self.optional_strings("properties")
        for name in wanted or ():
            if name not in known:
                raise MethodError.invalid_arguments(f"properties: there is no property {name}")
        return wanted

    def _required(self, name: str, read: Callable[[str], _T | None]) -> _T:
        value = read(name)
        if value is None:
            raise MethodError.invalid_arguments(f"{name} is missing")
        return value
