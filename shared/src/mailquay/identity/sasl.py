"""SASL mechanisms (RFC 4422) on the server's side: challenges and responses up to an account.

================== ===========================================
PLAIN              RFC 4616
LOGIN              draft-murchison-sasl-login-00
SCRAM-SHA-256      RFC 7677, by `mailquay.identity.scram_exchange`
SCRAM-SHA-256-PLUS the same, inside TLS
EXTERNAL           RFC 4422 A, by `mailquay.identity.external`
================== ===========================================
"""

from collections.abc import Collection
from typing import Final

from mailquay.identity.exchange import Accounts, SaslExchange, is_oneself
from mailquay.identity.external import External
from mailquay.identity.scram_exchange import ScramExchange
from mailquay.net.channel import CertificateName, Channel
from mailquay.store.accounts import Account

__all__ = ["SaslExchange", "begin", "mechanisms"]

_SCRAM: Final = "SCRAM-SHA-256"
_SCRAM_PLUS: Final = "SCRAM-SHA-256-PLUS"


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
        if not is_oneself(authzid, username):
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


def mechanisms(channel: Channel, name: CertificateName) -> tuple[str, ...]:
    """What is offered on a connection, in the order of preference.

    Args:
        channel: its TLS.
        name: where a client's certificate says whom it is for.
    """
    found = [External.mechanism] if channel.names(name) else []
    if channel.bindings:
        found.append(_SCRAM_PLUS)
    return (*found, _SCRAM, _Plain.mechanism, _Login.mechanism)


def begin(
    mechanism: str,
    accounts: Accounts,
    *,
    remote: str,
    channel: Channel,
    name: CertificateName,
    offered: Collection[str],
) -> SaslExchange | None:
    """Begin an exchange with a client at that address; None when it was not offered."""
    mechanism = mechanism.upper()
    if mechanism not in offered:
        return None
    match mechanism:
        case "PLAIN":
            return _Plain(accounts, remote)
        case "LOGIN":
            return _Login(accounts, remote)
        case External.mechanism:
            return External(accounts, remote, channel.names(name))
        case _:
            is_plus = mechanism == _SCRAM_PLUS
            return ScramExchange(
                mechanism,
                accounts,
                remote,
                bindings=channel.bindings if is_plus else None,
                is_plus_offered=_SCRAM_PLUS in offered,
            )
