"""EXTERNAL: a certificate shown in the TLS handshake says who it is (RFC 4422 appendix A)."""

from mailquay.identity.exchange import Accounts, is_oneself
from mailquay.store.accounts import Account

__all__ = ["External"]


class External:
    """One exchange."""

    mechanism = "EXTERNAL"

    def __init__(self, accounts: Accounts, remote: str, names: tuple[str, ...]) -> None:
        """Begin; ``names`` are the addresses that the client's certificate is for."""
        self._accounts = accounts
        self._remote = remote
        self._names = names

    async def step(self, response: bytes | None) -> bytes | Account:
        """Take the authorization identity; of several addresses an empty one means the first."""
        if response is None:
            return b""
        authzid = response.decode("utf-8", "surrogateescape")
        for name in self._names:
            if is_oneself(authzid, name):
                return await self._accounts.admit(name, remote=self._remote)
        raise self._accounts.failed("", self._remote)
