"""What Postgres holds of emails: it never changes, so what was read once is remembered."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from mailquay.store import Store
from mailquay.store.emails import Body
from mailquay.store.types import AccountId

__all__ = ["Facts"]

T = TypeVar("T")
#: Rows of which something is made at once.
_MADE_TOGETHER: Final = 1000
#: The name under which bodies' places are kept beside the columns.
_BODY: Final = "body"


class Facts:
    """Columns of emails, and where their bodies lie: from memory, or read and kept there."""

    def __init__(self, store: Store, limit_bytes: int) -> None:
        self._store = store
        self._limit = limit_bytes
        self._bytes = 0
        self._columns: defaultdict[str, dict[int, Any]] = defaultdict(dict)

    async def columns(
        self, account_id: AccountId, email_ids: Sequence[int], columns: Sequence[str]
    ) -> dict[str, list[Any]]:
        """Columns of `tables.EMAIL` that are never NULL, a value for each email.

        None for those that are gone. At most one round trip.

        Raises:
            StoreUnavailable
        """
        facts = {column: self._known(column, email_ids) for column in columns}
        missing = {
            email_ids[n]
            for known in facts.values()
            for n, value in enumerate(known)
            if value is None
        }
        if missing:
            rows = await self._store.emails.columns(account_id, list(missing), columns)
            for position, (column, known) in enumerate(facts.items()):
                read = {email_id: row[position] for email_id, row in rows.items()}
                self._keep(column, read)
                facts[column] = [
                    read.get(email_id) if value is None else value
                    for email_id, value in zip(email_ids, known, strict=True)
                ]
        return facts

    async def made(
        self,
        account_id: AccountId,
        email_ids: Sequence[int],
        column: str,
        make: Callable[[Any], T],
    ) -> list[T | None]:
        """What is made of a column, an email each; that is kept, and not the column.

        None for those that are gone. Columns are read some at a time, as they may be large.

        Args:
            account_id: whose.
            email_ids: which.
            column: of `tables.EMAIL`, or an expression of such.
            make: of a value that is not NULL, one that is not None.

        Raises:
            StoreUnavailable
        """
        name = f"{make.__module__}.{make.__qualname__}({column})"
        # As it is now: what is read below may push some of it out.
        known = self._known(name, email_ids)
        if None not in known:
            return known
        missing = [i for i, value in zip(email_ids, known, strict=True) if value is None]
        read: dict[int, T] = {}
        for start in range(0, len(missing), _MADE_TOGETHER):
            part = missing[start : start + _MADE_TOGETHER]
            rows = await self._store.emails.columns(account_id, part, [column])
            fresh = {email_id: make(row[0]) for email_id, row in rows.items()}
            self._keep(name, fresh)
            read.update(fresh)
        return [
            read.get(email_id) if value is None else value
            for email_id, value in zip(email_ids, known, strict=True)
        ]

    async def bodies(self, account_id: AccountId, email_ids: Sequence[int]) -> dict[int, Body]:
        """Where the bodies of emails are; those that are gone are left out.

        Raises:
            StoreUnavailable
        """
        known = dict(zip(email_ids, self._known(_BODY, email_ids), strict=True))
        missing = [email_id for email_id, body in known.items() if body is None]
        found = {email_id: body for email_id, body in known.items() if body is not None}
        if missing:
            located = await self._store.emails.bodies(account_id, missing)
            self._keep(_BODY, located)
            found.update(located)
        return found

    def _known(self, column: str, email_ids: Iterable[int]) -> list[Any]:
        held = self._columns[column]
        return [held.get(email_id) for email_id in email_ids]

    def _keep(self, column: str, values: Mapping[int, Any]) -> None:
        """Keep values by email; past the limit those kept longest go."""
        held = self._columns[column]
        self._bytes += sum(_weight(v) for key, v in values.items() if key not in held)
        held.update(values)
        while self._bytes > self._limit:
            fullest = max(self._columns.values(), key=len)
            for email_id in list(islice(fullest, 1 + len(fullest) // 8)):
                self._bytes -= _weight(fullest.pop(email_id))


def _weight(value: Any) -> int:
    """About how many bytes of memory a value takes, its place in the dictionary included."""
    if isinstance(value, bytes | str):
        return 160 + len(value)
    if isinstance(value, tuple):
        return 160 + sum(map(_weight, value))
    if isinstance(value, Body):
        return 400 + len(value.structure)
    return 200
