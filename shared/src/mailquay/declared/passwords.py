"""The passwords that documents give: read where they say, compared, and made ready to be stored."""

import asyncio
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from mailquay.declared.document import PasswordSource
from mailquay.declared.errors import PasswordMissing
from mailquay.declared.wanted import GivenPassword
from mailquay.identity.passwords import PasswordHasher
from mailquay.runtime.settings import IdentitySettings
from mailquay.store.declarations import StoredPassword

__all__ = ["Passwords", "read_password"]

T = TypeVar("T")
_PASSWORD_MAX_BYTES = 1024


def read_password(source: PasswordSource) -> str:
    """Read a password.

    Raises:
        PasswordMissing: it is not there, or cannot be one.
    """
    if source.env is not None:
        place, password = f"the variable {source.env}", os.environ.get(source.env, "")
    else:
        assert source.file is not None, "the document's model has seen to it"
        place = f"the file {source.file}"
        try:
            text = Path(source.file).read_text()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "is no text"
            raise PasswordMissing(f"{place} cannot be read: {reason}") from None
        password = text.partition("\n")[0].rstrip("\r")
    if not password:
        raise PasswordMissing(f"{place} holds no password")
    if len(password.encode()) > _PASSWORD_MAX_BYTES or not password.isprintable():
        raise PasswordMissing(f"{place} holds no password: 1 to 1024 bytes, without controls")
    return password


class Passwords:
    """What documents give, for one run: each is read and hashed once, in a thread."""

    def __init__(self, given: Mapping[str, GivenPassword], settings: IdentitySettings) -> None:
        self._given = given
        self._hasher = PasswordHasher(settings)
        self._threads = ThreadPoolExecutor(settings.hash_threads, "argon2")
        self._made: dict[str, StoredPassword] = {}

    async def same(self, stored: Mapping[str, str]) -> frozenset[str]:
        """The accounts whose stored hash is of the password that is given already.

        Raises:
            PasswordMissing: a password is not where the document says.
        """
        found = await self._each(
            stored, lambda address: self._is_same(self._given[address], stored[address])
        )
        return frozenset(address for address, is_same in found.items() if is_same)

    async def _each(self, addresses: Iterable[str], work: Callable[[str], T]) -> dict[str, T]:
        """Do something slow for each, as many at once as there are threads."""
        loop = asyncio.get_running_loop()
        names = list(addresses)
        done = await asyncio.gather(
            *(loop.run_in_executor(self._threads, work, name) for name in names)
        )
        return dict(zip(names, done, strict=True))

    def _is_same(self, given: GivenPassword, stored: str) -> bool:
        if given.source is None:
            return given.password_hash == stored
        return bool(stored) and self._hasher.verify(stored, read_password(given.source))

    async def make(self, addresses: Collection[str]) -> dict[str, StoredPassword]:
        """What is to be stored for these accounts.

        Raises:
            PasswordMissing: a password is not where the document says.
        """
        missing = [address for address in addresses if address not in self._made]
        self._made |= await self._each(missing, lambda address: self._make(self._given[address]))
        return {address: self._made[address] for address in addresses}

    def _make(self, given: GivenPassword) -> StoredPassword:
        if given.source is None:
            assert given.password_hash is not None, "a password has a hash or a source"
            return given.password_hash, given.scram_sha256 or ""
        made = self._hasher.hash(read_password(given.source))
        return made.password_hash, made.scram_sha256
