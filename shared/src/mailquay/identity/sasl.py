"""SASL mechanisms (RFC 4422) on the server's side: challenges and responses up to an account.

=============== ==================================
PLAIN           RFC 4616
LOGIN           draft-murchison-sasl-login-00
SCRAM-SHA-256   RFC 7677, by `mailquay.identity.scram`
=============== ==================================
"""

import base64
import secrets
from collections.abc import Callable
from typing import Final, Protocol

from mailquay.identity.addresses import AddressError, normalise_address
from mailquay.identity.errors import AuthenticationFailed
from mailquay.identity.scram import (
    ClientFirst,
    ScramError,
    ScramSecret,
    client_first,
    server_final,
    server_first,
)
from mailquay.store.accounts import Account

__all__ = ["MECHANISMS", "Accounts", "SaslExchange", "begin"]


class Accounts(Protocol):
    """What a mechanism asks of whoever knows the accounts; all of it may raise `AuthError`."""

    async def verify_password(self, username: str, password: str, *, remote: str) -> Account:
        """The account, when that is its password."""

    async def find_scram(self, username: str, *, remote: str) -> tuple[Account | None, ScramSecret]:
        """The account of that name, or None and a secret that no proof fits."""

    def accepted(self, account: Account) -> None:
        """The account has signed in."""

    def failed(
        self, username: str, remote: str, *, is_disabled: bool = False
    ) -> AuthenticationFailed:
        """It has not; what to raise of it."""


class SaslExchange(Protocol):
    """One exchange: `step` with each response until it gives the account."""

    mechanism: str

    async def step(self, response: bytes | None) -> bytes | Account:
        """Take the client's response; None when there was no initial one.

        Returns:
            A challenge to send, or the account that has signed in.

        Raises:
            AuthenticationFailed, Throttled, Unavailable: the exchange is over.
        """


class _Plain:
    mechanism = "PLAIN"

    def __init__(self, accounts: Accounts, remote: str) -> None:
        self._accounts = accounts
        self._remote = remote

    async def step(self, response: bytes | None) -> bytes | Account:
        if response is None:
            return b""
        parts = [part.decode("utf-8", "surrogateescape") for part in response.split(b"\0")]
        if len(parts) != 3 or not parts[1] or not parts[2]:
            raise self._accounts.failed("", self._remote)
        authzid, username, password = parts
        if not _is_oneself(authzid, username):
            raise self._accounts.failed(username, self._remote)
        return await self._accounts.verify_password(username, password, remote=self._remote)


class _Login:
    mechanism = "LOGIN"

    def __init__(self, accounts: Accounts, remote: str) -> None:
        self._accounts = accounts
        self._remote = remote
        self._username: str | None = None

    async def step(self, response: bytes | None) -> bytes | Account:
        if response is None:
            return b"Username:"
        text = response.decode("utf-8", "surrogateescape")
        if self._username is None:  # some clients send it at once, as an initial response
            self._username = text
            return b"Password:"
        return await self._accounts.verify_password(self._username, text, remote=self._remote)


class _ScramSha256:
    mechanism = "SCRAM-SHA-256"

    def __init__(self, accounts: Accounts, remote: str) -> None:
        self._accounts = accounts
        self._remote = remote
        self._client: ClientFirst | None = None
        self._server_first = b""
        self._secret: ScramSecret | None = None
        self._found: Account | None = None
        self._proved: Account | None = None

    async def step(self, response: bytes | None) -> bytes | Account:
        if response is None:
            return b""
        if self._proved is not None:  # the client has nothing to say to our own proof
            self._accounts.accepted(self._proved)
            return self._proved
        try:
            if self._client is None:
                return await self._first(client_first(response))
            return self._final(self._client, response)
        except ScramError as error:
            username = "" if self._client is None else self._client.username
            raise self._accounts.failed(username, self._remote) from error

    async def _first(self, client: ClientFirst) -> bytes:
        if not _is_oneself(client.authzid, client.username):
            raise self._accounts.failed(client.username, self._remote)
        self._found, self._secret = await self._accounts.find_scram(
            client.username, remote=self._remote
        )
        self._client = client
        nonce = base64.b64encode(secrets.token_bytes(18)).decode()
        self._server_first = server_first(client, self._secret, nonce)
        return self._server_first

    def _final(self, client: ClientFirst, response: bytes) -> bytes:
        assert self._secret is not None, "the first message was answered"
        verifier = server_final(client, self._secret, self._server_first, response)
        if self._found is None:
            raise self._accounts.failed(client.username, self._remote)
        if not self._found.is_active:
            raise self._accounts.failed(client.username, self._remote, is_disabled=True)
        self._proved = self._found
        return verifier


def _is_oneself(authzid: str, username: str) -> bool:
    """Whether someone acts for themselves; for others is not offered."""
    if authzid in ("", username):
        return True
    try:
        return normalise_address(authzid) == normalise_address(username)
    except AddressError:
        return False


_KINDS: Final[dict[str, Callable[[Accounts, str], SaslExchange]]] = {
    kind.mechanism: kind for kind in (_ScramSha256, _Plain, _Login)
}
#: In the order of preference.
MECHANISMS: Final = tuple(_KINDS)


def begin(mechanism: str, accounts: Accounts, *, remote: str) -> SaslExchange | None:
    """Begin an exchange with a client at that address; None when there is no such mechanism."""
    kind = _KINDS.get(mechanism.upper())
    return None if kind is None else kind(accounts, remote)
