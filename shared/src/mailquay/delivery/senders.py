"""From which addresses an account may write: its own, and no one else's (RFC 6409 §6.1)."""

import asyncio
from typing import Final

from mailquay.identity import AddressError, normalise_address
from mailquay.message.submitted import authors, has_author
from mailquay.store import Store
from mailquay.store.accounts import Account

__all__ = ["OwnAddresses"]

#: Authors that are looked up for one message; more than one is rare, and this many are none.
_AUTHORS_MAX: Final = 50
#: A header that takes longer to go through than a thread's hand-over is left to a thread.
_INLINE_BYTES: Final = 64 * 1024


class OwnAddresses:
    """The addresses of who has signed in; what was found is remembered."""

    def __init__(self, store: Store, account: Account) -> None:
        self.account = account
        self._store = store
        self._own = {account.address}

    async def has(self, address: str) -> bool:
        """Whether an address is the account's own, or an alias that leads to it.

        Raises:
            StoreUnavailable: nobody can say now.
        """
        try:
            normal = normalise_address(address)
        except AddressError:
            return False
        if normal in self._own:
            return True
        if await self._store.identities.may_send_as(self.account.id, normal):
            self._own.add(normal)
            return True
        return False

    async def wrote(self, header: bytes) -> bool:
        """Whether a message says that it is from the account, or was sent by it for others.

        A message without From will get one.

        Raises:
            StoreUnavailable: nobody can say now.
        """
        if len(header) <= _INLINE_BYTES:
            said = _authors(header)
        else:
            said = await asyncio.to_thread(_authors, header)
        if said is None:
            return True
        written_by, sent_by = said
        if len(written_by) + len(sent_by) > _AUTHORS_MAX:
            return False
        for address in sent_by:
            if await self.has(address):
                return True
        for address in written_by:
            if not await self.has(address):
                return False
        return bool(written_by)


def _authors(header: bytes) -> tuple[list[str], list[str]] | None:
    """Who is in From, and in Sender and its like; None when there is no From."""
    return authors(header) if has_author(header) else None
