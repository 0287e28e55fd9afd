"""The mail settings as a whole: what a file may declare, and what of it there is. No I/O here.

A value that is None is not said: what is above decides (a policy), or it stays as it is (a state).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

__all__ = [
    "DEFAULT_TENANT",
    "Declared",
    "DeclaredAccount",
    "DeclaredAlias",
    "DeclaredDomain",
    "DeclaredRelay",
    "DeclaredTenant",
    "Item",
    "Kind",
    "Policy",
    "Ref",
]

#: The tenant of whatever names none.
DEFAULT_TENANT = "default"


class Kind(StrEnum):
    """What can be declared, in the order in which one needs the other."""

    TENANT = "tenant"
    DOMAIN = "domain"
    ACCOUNT = "account"
    ALIAS = "alias"
    RELAY = "relay"


class Ref(NamedTuple):
    """Which one: its kind, and its name or address."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind.value} {self.name}"

    @property
    def domain(self) -> str:
        """The domain of an account's or alias' address."""
        return self.name.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Policy:
    """What a domain or a tenant grants; the domain's word goes before its tenant's."""

    default_quota: int | None = None  # bytes; 0: none
    max_accounts: int | None = None
    max_message_size: int | None = None  # bytes
    max_recipients_per_day: int | None = None
    outbound: bool | None = None


@dataclass(frozen=True, slots=True)
class DeclaredTenant:
    """Whose domains are kept apart from others'."""

    name: str
    max_domains: int | None = None
    policy: Policy = Policy()

    @property
    def ref(self) -> Ref:
        """Which one."""
        return Ref(Kind.TENANT, self.name)


@dataclass(frozen=True, slots=True)
class DeclaredDomain:
    """A domain whose mail is delivered here."""

    name: str
    tenant: str = DEFAULT_TENANT
    catch_all: str | None = None
    subaddress_separator: str = "+"
    policy: Policy = Policy()

    @property
    def ref(self) -> Ref:
        """Which one."""
        return Ref(Kind.DOMAIN, self.name)


@dataclass(frozen=True, slots=True)
class DeclaredAccount:
    """Someone with mailboxes here; ``state`` None: as it is, and ``active`` for a new one."""

    address: str
    display_name: str = ""
    role: str = "user"
    state: str | None = None
    quota: int | None = None  # bytes; 0: none, None: the policy's default
    has_password: bool = False

    @property
    def ref(self) -> Ref:
        """Which one."""
        return Ref(Kind.ACCOUNT, self.address)


@dataclass(frozen=True, slots=True)
class DeclaredAlias:
    """An address whose mail goes to others; ``targets`` are sorted, none twice."""

    address: str
    targets: tuple[str, ...]

    @property
    def ref(self) -> Ref:
        """Which one."""
        return Ref(Kind.ALIAS, self.address)


@dataclass(frozen=True, slots=True)
class DeclaredRelay:
    """Where mail for others goes, ahead of the settings' smarthost and of DNS.

    ``action`` is ``host``, ``mx`` or ``reject``; what follows it is for ``host`` alone.
    """

    name: str
    tenant: str | None = None  # None: of all
    recipient_domain: str = "*"  # a domain, "*.domain" for those below it, or "*"
    sender_domain: str | None = None
    action: str = "host"
    host: str | None = None
    port: int | None = None
    tls: str | None = None
    username: str | None = None
    password_file: str | None = None
    password_env: str | None = None

    @property
    def ref(self) -> Ref:
        """Which one."""
        return Ref(Kind.RELAY, self.name)

    @property
    def match(self) -> tuple[str | None, str, str | None]:
        """Whose mail it is for; no two relays may have the same."""
        return self.tenant, self.recipient_domain, self.sender_domain


Item = DeclaredTenant | DeclaredDomain | DeclaredAccount | DeclaredAlias | DeclaredRelay


@dataclass(frozen=True, slots=True)
class Declared:
    """All of it, and who looks after what.

    ``managed`` is what a file has declared; ``pruned`` are accounts that are disabled because no
    file names them any more. The default tenant is always among the items.
    """

    items: Mapping[Ref, Item] = field(default_factory=dict)
    managed: frozenset[Ref] = frozenset()
    pruned: frozenset[Ref] = frozenset()

    @classmethod
    def of(
        cls,
        items: Iterable[Item],
        managed: Iterable[Ref] = (),
        pruned: Iterable[Ref] = (),
    ) -> "Declared":
        """These items, with the default tenant if it is not among them."""
        default = DeclaredTenant(DEFAULT_TENANT)
        by_ref: dict[Ref, Item] = {default.ref: default}
        by_ref.update({item.ref: item for item in items})
        return cls(by_ref, frozenset(managed), frozenset(pruned))
