"""What is measured: a server that runs, where it listens, and who has an account there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

__all__ = ["DOMAIN", "PASSWORD", "Accounts", "Target"]

#: RFC 2606 §2 keeps it free.
DOMAIN = "example.test"
PASSWORD = "bench-password"


@dataclass(frozen=True, slots=True)
class Accounts:
    """Accounts of one use: ``prefix1`` to ``prefixN``."""

    prefix: str
    count: int

    @property
    def addresses(self) -> list[str]:
        """Their addresses, which are their user names too."""
        return [f"{self.prefix}{number}@{DOMAIN}" for number in range(1, self.count + 1)]

    @property
    def logins(self) -> list[tuple[str, str]]:
        """User name and password of each."""
        return [(address, PASSWORD) for address in self.addresses]


@dataclass(frozen=True, slots=True)
class Target:
    """A running server; ``ports`` by smtp, lmtp, imap, imaps and pop3, those that it has."""

    name: str
    version: str
    ports: dict[str, int]
    #: Processes that, with all that they have started, are the server.
    roots: Callable[[], Sequence[int]]
    host: str = "127.0.0.1"
    #: What differs from the others, for whoever reads the figures.
    notes: tuple[str, ...] = field(default=())

    def has(self, *names: str) -> bool:
        """Whether it listens on all of these."""
        return all(name in self.ports for name in names)
