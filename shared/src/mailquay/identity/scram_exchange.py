"""SCRAM-SHA-256 and SCRAM-SHA-256-PLUS as SASL exchanges (RFC 5802, RFC 7677)."""

import base64
import secrets
from collections.abc import Mapping

from mailquay.identity.exchange import Accounts, is_oneself
from mailquay.identity.scram import (
    ClientFirst,
    ScramError,
    ScramSecret,
    client_first,
    server_final,
    server_first,
)
from mailquay.store.accounts import Account

__all__ = ["ScramExchange"]


class ScramExchange:
    """One exchange, with channel binding or without."""

    def __init__(
        self,
        mechanism: str,
        accounts: Accounts,
        remote: str,
        *,
        bindings: Mapping[str, bytes] | None,
        is_plus_offered: bool,
    ) -> None:
        """Begin.

        Args:
            mechanism: its name.
            accounts: who signs in.
            remote: the client's address.
            bindings: what a client of the -PLUS variant may bind to; None for the other.
            is_plus_offered: whether clients were told of the -PLUS variant.
        """
        self.mechanism = mechanism
        self._accounts = accounts
        self._remote = remote
        self._bindings = bindings
        self._is_plus_offered = is_plus_offered
        self._client: ClientFirst | None = None
        self._bound = b""
        self._server_first = b""
        self._secret: ScramSecret | None = None
        self._found: Account | None = None
        self._proved: Account | None = None

    async def step(self, response: bytes | None) -> bytes | Account:
        """Take the client's response."""
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
        self._bound = self._bind(client)
        if not is_oneself(client.authzid, client.username):
            raise self._accounts.failed(client.username, self._remote)
        self._found, self._secret = await self._accounts.find_scram(
            client.username, remote=self._remote
        )
        self._client = client
        nonce = base64.b64encode(secrets.token_bytes(18)).decode()
        self._server_first = server_first(client, self._secret, nonce)
        return self._server_first

    def _bind(self, client: ClientFirst) -> bytes:
        """The channel binding's data; empty where the client does not bind.

        Raises:
            ScramError: what the client says does not fit what it was offered (RFC 5802 §6).
        """
        if self._bindings is not None:
            if client.binding not in self._bindings:
                raise ScramError("that channel binding is not supported")
            return self._bindings[client.binding]
        if client.binding:
            raise ScramError("channel binding is for the -PLUS variant")
        if client.is_able_to_bind and self._is_plus_offered:
            # It could, and was told that we cannot: by somebody in between.
            raise ScramError("the list of mechanisms was changed on its way")
        return b""

    def _final(self, client: ClientFirst, response: bytes) -> bytes:
        assert self._secret is not None, "the first message was answered"
        verifier = server_final(
            client, self._secret, self._server_first, response, bound=self._bound
        )
        if self._found is None:
            raise self._accounts.failed(client.username, self._remote)
        if not self._found.is_active:
            raise self._accounts.failed(client.username, self._remote, is_disabled=True)
        self._proved = self._found
        return verifier
