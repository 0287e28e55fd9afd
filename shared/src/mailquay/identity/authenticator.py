"""Signing in, the same for every service: with a password, or by a SASL mechanism.

A verified password is remembered for a while, so that a client that comes back costs no Argon2;
the account is read from the database each time, so that a changed password counts at once.
"""

import asyncio
import hashlib
import hmac
import os
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from mailquay.events import Event, IdentityRevoked
from mailquay.identity import sasl
from mailquay.identity.addresses import AddressError, normalise_address
from mailquay.identity.errors import AuthenticationFailed, AuthError, Throttled, Unavailable
from mailquay.identity.exchange import SaslExchange
from mailquay.identity.passwords import Credentials, PasswordHasher
from mailquay.identity.scram import ScramSecret
from mailquay.identity.throttle import FailureCounter
from mailquay.net.channel import IN_THE_CLEAR, Channel
from mailquay.net.peer import client_network
from mailquay.runtime import metrics
from mailquay.runtime.settings import Settings
from mailquay.store import NotFound, Store, StoreUnavailable
from mailquay.store.accounts import Account

__all__ = [
    "AuthError",
    "AuthenticationFailed",
    "Authenticator",
    "SaslExchange",
    "Throttled",
    "Unavailable",
]

#: Verified passwords, and accounts known to be unchanged, that a process remembers at most.
_CACHE_MAX: Final = 50_000


class Authenticator:
    """Signs in for one process."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings.identity
        self._hasher = PasswordHasher(settings.identity)
        self._threads = ThreadPoolExecutor(settings.identity.hash_threads, "argon2")
        window = settings.identity.failure_window_seconds
        self._by_account = FailureCounter(settings.identity.failures_per_account, window)
        self._by_network = FailureCounter(settings.identity.failures_per_address, window)
        # Verified passwords, under a key that no other process has and no dump of it keeps.
        self._key = os.urandom(32)
        self._verified: OrderedDict[bytes, tuple[int, int, float]] = OrderedDict()
        self._verifying: dict[bytes, asyncio.Future[bool]] = {}
        self._unchanged: OrderedDict[int, tuple[int, float]] = OrderedDict()
        # The same for every process, or a name that is nobody's would show by its salt.
        database = settings.database.url.get_secret_value().encode()
        self._salt_key = hashlib.sha256(b"mailquay scram salt\0" + database).digest()

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def heard(self, event: Event) -> None:
        """Forget what an account was signed in with."""
        if isinstance(event, IdentityRevoked):
            self._unchanged.pop(event.account_id, None)
            gone = [key for key, value in self._verified.items() if value[0] == event.account_id]
            for key in gone:
                del self._verified[key]

    async def hash_password(self, password: str) -> Credentials:
        """Make what is stored of a new password."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._hasher.hash, password)

    async def verify_password(self, username: str, password: str, *, remote: str) -> Account:
        """Sign in with a password.

        Raises:
            AuthenticationFailed, Throttled, Unavailable
        """
        self._refuse_throttled(username, remote)
        account = await self._find(username)
        key = self._cache_key(account, username, password)
        if account is None or not self._is_verified(account, key):
            # An account without a password is none that one may sign in to, and takes as long.
            stored = (account.password_hash if account else "") or self._hasher.nobody
            is_right = await self._verify(key, account, stored, password)
            if account is None or not is_right:
                raise self.failed(username, remote)
            if not account.is_active:
                raise self.failed(username, remote, is_disabled=True)
        self.accepted(account)
        return account

    def mechanisms(self, channel: Channel) -> tuple[str, ...]:
        """The SASL mechanisms that are offered on a connection, in the order of preference."""
        return sasl.mechanisms(self._bound(channel), self._settings.certificate_name)

    def sasl(
        self, mechanism: str, *, remote: str, channel: Channel = IN_THE_CLEAR
    ) -> SaslExchange | None:
        """Begin an exchange with a client at that address; None: no such mechanism is offered."""
        return sasl.begin(
            mechanism,
            self,
            remote=remote,
            channel=channel,
            name=self._settings.certificate_name,
            offered=self.mechanisms(channel),
        )

    def _bound(self, channel: Channel) -> Channel:
        """What is offered of channel binding: in TLS 1.3 RFC 9266 §2 asks for tls-exporter."""
        is_whole = channel.version == "TLSv1.2" or self._settings.scram_plus_in_tls13
        return channel if is_whole else channel.without_bindings()

    async def admit(self, username: str, *, remote: str) -> Account:
        """Sign in somebody who has proved otherwise that the account is theirs.

        Raises:
            AuthenticationFailed, Throttled, Unavailable
        """
        self._refuse_throttled(username, remote)
        account = await self._find(username)
        if account is None:
            raise self.failed(username, remote)
        if not account.is_active:
            raise self.failed(username, remote, is_disabled=True)
        self.accepted(account)
        return account

    async def find_scram(self, username: str, *, remote: str) -> tuple[Account | None, ScramSecret]:
        """The account that a proof is to be checked for, and what it is checked with.

        A name that is nobody's, or without keys, has a made-up secret, always the same.

        Raises:
            Throttled, Unavailable
            ScramError: what is stored is broken.
        """
        self._refuse_throttled(username, remote)
        account = await self._find(username)
        if account is not None and account.scram_sha256:
            return account, ScramSecret.parse(account.scram_sha256)
        name = _account_key(username).encode("utf-8", "surrogateescape")
        salt = hmac.digest(self._salt_key, name, "sha256")
        return None, ScramSecret(self._settings.scram_iterations, salt[:16], bytes(32), bytes(32))

    async def is_unchanged(self, account: Account) -> bool:
        """Whether an account that has signed in may go on: same password, still active.

        An event makes it be asked of the database anew, and so does time.

        Raises:
            Unavailable: nobody can say now.
        """
        now = time.monotonic()
        version, until = self._unchanged.get(account.id, (0, 0.0))
        if version == account.credential_version and now < until:
            return True
        try:
            found = await self._store.accounts.get(account.id)
        except NotFound:
            return False
        except StoreUnavailable as error:
            raise Unavailable(str(error)) from error
        if not found.is_active or found.credential_version != account.credential_version:
            return False
        self._believe(found)
        return True

    def accepted(self, account: Account) -> None:
        """Count a sign-in, by whatever means; the account's failures are forgotten."""
        self._by_account.succeeded(_account_key(account.address))
        self._believe(account)
        metrics.SIGN_INS.labels("accepted").inc()

    def failed(
        self, username: str, remote: str, *, is_disabled: bool = False
    ) -> AuthenticationFailed:
        """Count a failure; returns what to raise of it, which is the same whatever was wrong."""
        now = time.monotonic()
        if username:
            self._by_account.failed(_account_key(username), now)
        self._by_network.failed(client_network(remote), now)
        metrics.SIGN_INS.labels("disabled" if is_disabled else "failed").inc()
        return AuthenticationFailed("name or password are wrong")

    async def _find(self, username: str) -> Account | None:
        try:
            return await self._store.accounts.find(normalise_address(username))
        except AddressError:
            return None
        except StoreUnavailable as error:
            metrics.SIGN_INS.labels("unavailable").inc()
            raise Unavailable(str(error)) from error

    def _refuse_throttled(self, username: str, remote: str) -> None:
        now = time.monotonic()
        wait = max(
            self._by_account.retry_after(_account_key(username), now),
            self._by_network.retry_after(client_network(remote), now),
        )
        if wait:
            metrics.SIGN_INS.labels("throttled").inc()
            raise Throttled(wait)

    async def _verify(
        self, key: bytes, account: Account | None, stored: str, password: str
    ) -> bool:
        """Hash in a thread; those who ask the same at the same time share the answer.

        After a restart a thousand clients come back together, several of them for one account.
        """
        running = self._verifying.get(key)
        if running is None:
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self._threads, self._hasher.verify, stored, password)
            self._verifying[key] = running

            def answered(found: asyncio.Future[bool]) -> None:
                # In one step, or whoever comes in between would hash once more.
                del self._verifying[key]
                failed = found.cancelled() or found.exception() is not None
                if account is not None and not failed and found.result():
                    self._remember(account, key)

            running.add_done_callback(answered)
        return await asyncio.shield(running)

    def _cache_key(self, account: Account | None, username: str, password: str) -> bytes:
        who = f"?{username}" if account is None else f"{account.id}/{account.credential_version}"
        return hmac.digest(
            self._key, f"{who}\0{password}".encode("utf-8", "surrogateescape"), "sha256"
        )

    def _is_verified(self, account: Account, key: bytes) -> bool:
        _, version, until = self._verified.get(key, (0, 0, 0.0))
        return (
            account.is_active and version == account.credential_version and time.monotonic() < until
        )

    def _remember(self, account: Account, key: bytes) -> None:
        seconds = self._settings.credential_cache_seconds
        if seconds:
            until = time.monotonic() + seconds
            self._verified[key] = (account.id, account.credential_version, until)
            while len(self._verified) > _CACHE_MAX:
                self._verified.popitem(last=False)

    def _believe(self, account: Account) -> None:
        until = time.monotonic() + self._settings.recheck_seconds
        self._unchanged[account.id] = (account.credential_version, until)
        while len(self._unchanged) > _CACHE_MAX:
            self._unchanged.popitem(last=False)


def _account_key(username: str) -> str:
    """What failures are counted by: all spellings of one address are one."""
    try:
        return normalise_address(username)
    except AddressError:
        return username.lower()
