"""The account that a request acts for, however it has signed in. No I/O here."""

from dataclasses import dataclass

from mailquay.store.types import AccountId, TenantId

__all__ = ["SignedIn"]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A signed-in account; nobody acts for another one."""

    id: AccountId
    tenant_id: TenantId
    address: str
    display_name: str
