"""Signing in: with a password, or by a SASL mechanism (RFC 4422), the same for every service."""

import asyncio
import base64
import hashlib
import hmac
import os
import secrets
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from mailquay.events import Event, IdentityRevoked
from mailquay.identity.addresses import AddressError, normalise_address
from mailquay.identity.passwords import Credentials, PasswordHasher
from mailquay.identity.scram import (
    ClientFirst,
    ScramError,
    ScramSecret,
    client_first,
    server_final,
    server_first,
)
from mailquay.identity.throttle import FailureCounter
from mailquay.runtime import metrics
from mailquay.runtime.settings import Settings
from mailquay.store import Store, StoreUnavailable
from mailquay.store.accounts import Account

__all__ = [
    "MECHANISMS",
    "AuthError",
    "AuthenticationFailed",
    "Authenticator",
    "SaslExchange",
    "Throttled",
    "Unavailable",
]

#: In the order of preference.
MECHANISMS: Final = ("SCRAM-SHA-256", "PLAIN", "LOGIN")
_CACHE_MAX: Final = 50_000


class AuthError(Exception):
    """Signing in did not succeed."""


class AuthenticationFailed(AuthError):
    """Name or password are wrong, or the account is disabled; which of them is not told."""


class Throttled(AuthError):
    """Too many failures; ``retry_after`` seconds are to pass."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("too many failed sign-ins, try again later")
        self.retry_after = retry_after


class Unavailable(AuthError):
    """The accounts cannot be read now."""


class Authenticator:
    """Signs in for one process."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings.identity
        self._hasher = PasswordHasher(settings.identity)
        self._threads = ThreadPoolExecutor(settings.identity.hash_threads, "argon2")
        window = settings.identity.failure_window_seconds
        self._by_account = FailureCounter(settings.identity.failures_per_account, window)
        self._by_address = FailureCounter(settings.identity.failures_per_address, window)
        # Verified passwords, under a key that no other process has and no dump of it keeps.
        self._key = os.urandom(32)
        self._verified: OrderedDict[bytes, tuple[int, int, float]] = OrderedDict()
        # The same for every process, or a name that is nobody's would show by its salt.
        database = settings.database.url.get_secret_value().encode()
        self._salt_key = hashlib.sha256(b"mailquay scram salt\0" + database).digest()

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def heard(self, event: Event) -> None:
        """Forget what an account was signed in with."""
        if isinstance(event, IdentityRevoked):
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
        if account is not None and self._is_verified(account, password):
            return self._accept(account, username)
        loop = asyncio.get_running_loop()
        stored = self._hasher.nobody if account is None else account.password_hash
        is_right = await loop.run_in_executor(self._threads, self._hasher.verify, stored, password)
        if account is None or not is_right or not account.is_active:
            raise self._failed(username, remote, account)
        self._remember(account, password)
        return self._accept(account, username)

    def sasl(self, mechanism: str, *, remote: str) -> "SaslExchange | None":
        """Begin an exchange; None when the mechanism is not offered."""
        name = mechanism.upper()
        return SaslExchange(self, name, remote) if name in MECHANISMS else None

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
            self._by_account.retry_after(username.lower(), now),
            self._by_address.retry_after(remote, now),
        )
        if wait:
            metrics.SIGN_INS.labels("throttled").inc()
            raise Throttled(wait)

    def _failed(self, username: str, remote: str, account: Account | None) -> AuthError:
        now = time.monotonic()
        self._by_account.failed(username.lower(), now)
        self._by_address.failed(remote, now)
        is_disabled = account is not None and not account.is_active
        metrics.SIGN_INS.labels("disabled" if is_disabled else "failed").inc()
        return AuthenticationFailed("name or password are wrong")

    def _accept(self, account: Account, username: str) -> Account:
        self._by_account.succeeded(username.lower())
        metrics.SIGN_INS.labels("accepted").inc()
        return account

    def _cache_key(self, account: Account, password: str) -> bytes:
        data = f"{account.id}\0{password}".encode("utf-8", "surrogateescape")
        return hmac.digest(self._key, data, "sha256")

    def _is_verified(self, account: Account, password: str) -> bool:
        key = self._cache_key(account, password)
        found = self._verified.get(key)
        if found is None or not account.is_active:
            return False
        if found[1] != account.credential_version or found[2] < time.monotonic():
            del self._verified[key]
            return False
        return True

    def _remember(self, account: Account, password: str) -> None:
        seconds = self._settings.credential_cache_seconds
        if not seconds:
            return
        until = time.monotonic() + seconds
        key = self._cache_key(account, password)
        self._verified[key] = (account.id, account.credential_version, until)
        while len(self._verified) > _CACHE_MAX:
            self._verified.popitem(last=False)

    def _scram_secret(self, account: Account | None, username: str) -> ScramSecret:
        """An account's secret; a made-up one, always the same, for a name that is nobody's."""
        if account is not None:
            return ScramSecret.parse(account.scram_sha256)
        salt = hmac.digest(self._salt_key, username.lower().encode("utf-8", "replace"), "sha256")
        return ScramSecret(self._settings.scram_iterations, salt[:16], bytes(32), bytes(32))


class SaslExchange:
    """One SASL exchange: `step` with each response until it gives the account."""

    def __init__(self, owner: Authenticator, mechanism: str, remote: str) -> None:
        self.mechanism = mechanism
        self._owner = owner
        self._remote = remote
        self._step = 0
        self._username = ""
        self._client: ClientFirst | None = None
        self._first = b""
        self._secret: ScramSecret | None = None
        self._found: Account | None = None
        self._account: Account | None = None

    async def step(self, response: bytes | None) -> bytes | Account:
        """Take the client's response; None when there was no initial one.

        Returns:
            A challenge to send, or the account that has signed in.

        Raises:
            AuthenticationFailed, Throttled, Unavailable
        """
        self._step += 1
        if self.mechanism == "PLAIN":
            return await self._plain(response)
        if self.mechanism == "LOGIN":
            return await self._login(response)
        return await self._scram(response)

    async def _plain(self, response: bytes | None) -> bytes | Account:
        """RFC 4616."""
        if response is None:
            return b""
        parts = response.split(b"\0")
        if len(parts) != 3:
            raise AuthenticationFailed("malformed PLAIN message")
        authzid, username, password = (part.decode("utf-8", "surrogateescape") for part in parts)
        if authzid not in ("", username):
            raise AuthenticationFailed("acting for others is not offered")
        return await self._owner.verify_password(username, password, remote=self._remote)

    async def _login(self, response: bytes | None) -> bytes | Account:
        """draft-murchison-sasl-login; some clients send the name at once."""
        if response is None:
            return b"Username:"
        text = response.decode("utf-8", "surrogateescape")
        if not self._username:
            self._username = text or "?"
            return b"Password:"
        return await self._owner.verify_password(self._username, text, remote=self._remote)

    async def _scram(self, response: bytes | None) -> bytes | Account:
        if response is None:
            return b""
        try:
            if self._client is None:
                return await self._scram_first(response)
            if self._account is None:
                return self._scram_final(response)
        except ScramError as error:
            username = self._client.username if self._client else ""
            raise self._owner._failed(username, self._remote, None) from error
        return self._owner._accept(self._account, self._account.address)

    async def _scram_first(self, response: bytes) -> bytes:
        client = client_first(response)
        self._owner._refuse_throttled(client.username, self._remote)
        self._found = await self._owner._find(client.username)
        self._secret = self._owner._scram_secret(self._found, client.username)
        self._client = client
        nonce = base64.b64encode(secrets.token_bytes(18)).decode()
        self._first = server_first(client, self._secret, nonce)
        return self._first

    def _scram_final(self, response: bytes) -> bytes:
        assert self._client is not None
        assert self._secret is not None
        verifier = server_final(self._client, self._secret, self._first, response)
        if self._found is None or not self._found.is_active:
            raise self._owner._failed(self._client.username, self._remote, self._found)
        self._account = self._found
        return verifier
