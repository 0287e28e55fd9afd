"""FilterOperators, which all /query methods have (RFC 8620 §5.5). No I/O here."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, TypeVar

from mailquay_webmail_api.jmap.core.errors import MethodError

__all__ = ["read_filter"]

_T = TypeVar("_T")
#: Nobody nests or lists more by hand; a filter that does is an attack.
DEPTH_MAX: Final = 20
CONDITIONS_MAX: Final = 500


def read_filter(
    value: object,
    read_condition: Callable[[dict[str, Any]], _T],
    combine: Callable[[str, Sequence[_T]], _T],
) -> _T:
    """Read ``filter``; null matches everything.

    Args:
        value: as given.
        read_condition: reads a FilterCondition.
        combine: puts together by AND, OR or NOT.

    Raises:
        MethodError: invalidArguments or unsupportedFilter.
    """
    return combine("AND", ()) if value is None else _Reader(read_condition, combine).read(value, 0)


class _Reader(Generic[_T]):
    def __init__(
        self,
        read_condition: Callable[[dict[str, Any]], _T],
        combine: Callable[[str, Sequence[_T]], _T],
    ) -> None:
        self._read_condition = read_condition
        self._combine = combine
        self._count = 0

    def read(self, value: object, depth: int) -> _T:
        self._count += 1
        if depth > DEPTH_MAX or self._count > CONDITIONS_MAX:
            raise MethodError("unsupportedFilter", "the filter has too many conditions")
        if not isinstance(value, dict):
            raise MethodError.invalid_arguments("filter: a condition is an object")
        if "operator" not in value:
            return self._read_condition(value)
        operator, conditions = value["operator"], value.get("conditions")
        if set(value) != {"operator", "conditions"} or not isinstance(conditions, list):
            raise MethodError.invalid_arguments(
                "filter: a FilterOperator has an operator and conditions"
            )
        if operator not in ("AND", "OR", "NOT"):
            raise MethodError.invalid_arguments("filter: the operator is AND, OR or NOT")
        return self._combine(operator, [self.read(item, depth + 1) for item in conditions])
