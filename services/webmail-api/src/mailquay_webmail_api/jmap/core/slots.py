"""How much one account has under way at once in this process. No I/O here."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from mailquay.store.types import AccountId

__all__ = ["AccountSlots", "NoSlot"]


class NoSlot(Exception):
    """The account has as many under way as it may."""


class AccountSlots:
    """Counts per account, and over all accounts."""

    def __init__(self, per_account: int, in_all: int | None = None) -> None:
        self._per_account = per_account
        self._in_all = in_all
        self._taken: Counter[AccountId] = Counter()
        self._total = 0

    @contextmanager
    def take(self, account_id: AccountId) -> Iterator[None]:
        """Hold a slot.

        Raises:
            NoSlot: there is none; nothing waits.
        """
        if self._taken[account_id] >= self._per_account or self._total == self._in_all:
            raise NoSlot
        self._taken[account_id] += 1
        self._total += 1
        try:
            yield
        finally:
            self._total -= 1
            self._taken[account_id] -= 1
            if not self._taken[account_id]:
                del self._taken[account_id]
