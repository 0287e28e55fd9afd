"""What SASL mechanisms have in common: the exchange, and what they ask of the accounts."""

from typing import Protocol

from mailquay.identity.addresses import AddressError, normalise_address
from mailquay.identity.errors import AuthenticationFailed
from mailquay.identity.scram import ScramSecret
from mailquay.store.accounts import Account

__all__ = ["Accounts", "SaslExchange", "is_oneself"]


class Accounts(Protocol):
    """What a mechanism asks of whoever knows the accounts; all of it may raise `AuthError`."""

    async def verify_password(self, username: str, password: str, *, remote: str) -> Account:
        """The account, when that is its password."""

    async def find_scram(self, username: str, *, remote: str) -> tuple[Account | None, ScramSecret]:
        """The account of that name, or None and a secret that no proof fits."""

    async def admit(self, username: str, *, remote: str) -> Account:
        """The account of that name, for whoever has proved otherwise that it is theirs."""

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


def is_oneself(authzid: str, username: str) -> bool:
    """Whether someone acts for themselves; for others is not offered."""
    if authzid in ("", username):
        return True
    try:
        return normalise_address(authzid) == normalise_address(username)
    except AddressError:
        return False
