"""Who a probe is: an account and its password. No I/O here."""

import base64
from dataclasses import dataclass, field

__all__ = ["Login"]


@dataclass(frozen=True, slots=True)
class Login:
    """An account's name and password."""

    account: str
    password: str = field(repr=False)

    @property
    def sasl_plain(self) -> bytes:
        """The one response of SASL's PLAIN (RFC 4616 §2)."""
        return f"\0{self.account}\0{self.password}".encode()

    @property
    def http_basic(self) -> str:
        """The Authorization field of HTTP (RFC 7617 §2)."""
        return "Basic " + base64.b64encode(f"{self.account}:{self.password}".encode()).decode()
