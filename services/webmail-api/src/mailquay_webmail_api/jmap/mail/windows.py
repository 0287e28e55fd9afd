"""Which piece of its results a /query returns (RFC 8620 §5.5). No I/O here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from mailquay_webmail_api.jmap.core.arguments import Arguments
from mailquay_webmail_api.jmap.core.errors import MethodError

__all__ = ["LIMIT_MAX", "QueryWindow", "changed_query", "read_max_query_changes"]

_T = TypeVar("_T")
#: More ids than a client can make use of at once; they are told that no more came.
LIMIT_MAX: Final = 5_000


@dataclass(frozen=True, slots=True)
class QueryWindow:
    """The arguments that every /query has beside its filter and its sort."""

    position: int
    anchor: str | None
    anchor_offset: int
    asked_limit: int | None
    calculate_total: bool

    @classmethod
    def read(cls, arguments: Arguments) -> "QueryWindow":
        """Read them.

        Raises:
            MethodError: invalidArguments.
        """
        return cls(
            arguments.integer("position", default=0),
            arguments.optional_string("anchor"),
            arguments.integer("anchorOffset", default=0),
            arguments.optional_unsigned("limit"),
            arguments.boolean("calculateTotal"),
        )

    @property
    def limit(self) -> int:
        """How many ids to return at most."""
        return LIMIT_MAX if self.asked_limit is None else min(self.asked_limit, LIMIT_MAX)

    def answer(self, state: str, ids: list[str], position: int, total: int) -> dict[str, Any]:
        """What a /query answers beside its accountId; ``canCalculateChanges`` is true."""
        shown: dict[str, Any] = {
            "queryState": state,
            "canCalculateChanges": True,
            "position": position,
            "ids": ids,
        }
        if self.calculate_total:
            shown["total"] = total
        if self.limit != self.asked_limit:
            shown["limit"] = self.limit
        return shown

    def of(self, results: Sequence[_T], anchor: _T | None) -> tuple[Sequence[_T], int]:
        """The piece of results that are all at hand, and where it begins.

        Raises:
            MethodError: anchorNotFound.
        """
        if self.anchor is not None:
            if anchor not in results:
                raise MethodError("anchorNotFound")
            start = max(results.index(anchor) + self.anchor_offset, 0)
        elif self.position < 0:
            start = max(self.position + len(results), 0)
        else:
            start = self.position
        return results[start : start + self.limit], start


def read_max_query_changes(arguments: Arguments) -> int | None:
    """``maxChanges`` of a /queryChanges; None is without limit."""
    return arguments.optional_unsigned("maxChanges", least=1)


def changed_query(
    given: dict[str, Any],
    new_state: str,
    removed: Sequence[str],
    added: Sequence[tuple[str, int]],
    *,
    total: int | None,
    max_changes: int | None,
) -> dict[str, Any]:
    """The answer to a /queryChanges (RFC 8620 §5.6); ``added`` are ids with their places.

    Raises:
        MethodError: tooManyChanges.
    """
    if max_changes is not None and len(removed) + len(added) > max_changes:
        raise MethodError("tooManyChanges")
    answer: dict[str, Any] = {
        "accountId": given["accountId"],
        "oldQueryState": given["sinceQueryState"],
        "newQueryState": new_state,
        "removed": list(removed),
        "added": [{"id": text, "index": index} for text, index in added],
    }
    if total is not None:
        answer["total"] = total
    return answer
