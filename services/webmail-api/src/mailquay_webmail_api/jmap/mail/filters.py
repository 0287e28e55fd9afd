"""FilterOperators, which all /query methods have (RFC 8620 §5.5). No I/O here."""

from collections.abc import Callable
from typing import Any, Final

from mailquay.store.email_conditions import Condition, Every, NoneOf, Some
from mailquay_webmail_api.jmap.core.errors import MethodError

__all__ = ["read_filter"]

#: Nobody nests or lists more by hand; a filter that does is an attack.
DEPTH_MAX: Final = 20
CONDITIONS_MAX: Final = 500


def read_filter(value: object, read_condition: Callable[[dict[str, Any]], Condition]) -> Condition:
    """Read ``filter``; null matches everything.

    Args:
        value: as given.
        read_condition: reads a FilterCondition.

    Raises:
        MethodError: invalidArguments or unsupportedFilter.
    """
    return Every() if value is None else _Reader(read_condition).read(value, 0)


class _Reader:
    def __init__(self, read_condition: Callable[[dict[str, Any]], Condition]) -> None:
        self._read_condition = read_condition
        self._count = 0

    def read(self, value: object, depth: int) -> Condition:
        self._count += 1
        if depth > DEPTH_MAX or self._count > CONDITIONS_MAX:
            raise MethodError("unsupportedFilter", "the filter has too many conditions")
        if not isinstance(value, dict):
            raise MethodError.invalid_arguments("filter: a condition is an object")
        if "operator" not in value:
            return self._read_condition(value)
        conditions = value.get("conditions")
        if set(value) != {"operator", "conditions"} or not isinstance(conditions, list):
            raise MethodError.invalid_arguments(
                "filter: a FilterOperator has an operator and conditions"
            )
        terms = tuple(self.read(item, depth + 1) for item in conditions)
        match value["operator"]:
            case "AND":
                return Every(terms)
            case "OR":
                return Some(terms)
            case "NOT":
                return NoneOf(terms)
        raise MethodError.invalid_arguments("filter: the operator is AND, OR or NOT")
