"""From documents to the items that they declare. No I/O here."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from mailquay.declared.document import (
    AccountDocument,
    Document,
    DomainDocument,
    PasswordSource,
    PolicyDocument,
    RelayDocument,
    TenantDocument,
)
from mailquay.declared.errors import DocumentError
from mailquay.declared.planner import PasswordPolicy, Wanted
from mailquay.store.declared import (
    DEFAULT_TENANT,
    DeclaredAccount,
    DeclaredAlias,
    DeclaredDomain,
    DeclaredRelay,
    DeclaredTenant,
    Item,
    Policy,
    Ref,
)

__all__ = ["GivenPassword", "Order", "make_order"]

#: Of submission (RFC 6409 §3.1), which is where a relay takes mail.
RELAY_PORT = 587


@dataclass(frozen=True, slots=True)
class GivenPassword:
    """An account's password as a document gives it: hashed, or where it is read."""

    password_hash: str | None = field(repr=False)
    scram_sha256: str | None = field(repr=False)
    source: PasswordSource | None


@dataclass(frozen=True, slots=True)
class Order:
    """What documents ask for, and the passwords by address, which the planner does not see."""

    wanted: Wanted
    passwords: dict[str, GivenPassword]


def make_order(documents: Iterable[tuple[str, Document]]) -> Order:
    """Put documents together, each with the name of its file.

    Raises:
        DocumentError: an item stands in them twice, or a tenant's former name makes no sense.
    """
    items: dict[Ref, Item] = {}
    homes: dict[Ref, str] = {}
    faults: list[str] = []
    policies: dict[str, PasswordPolicy] = {}
    passwords: dict[str, GivenPassword] = {}
    renamed: dict[str, str] = {}
    for source, document in documents:
        for item in _items(document):
            if item.ref in homes:
                places = {homes[item.ref]: None, source: None}  # once where they are the same
                faults.append(f"{item.ref} stands twice in {' and '.join(places)}")
            items[item.ref], homes[item.ref] = item, source
        for account in document.accounts:
            if account.password_hash is not None or account.password_from is not None:
                policies[account.address] = PasswordPolicy(account.password_policy)
                passwords[account.address] = GivenPassword(
                    account.password_hash, account.scram_sha256, account.password_from
                )
        renamed.update({t.name: t.renamed_from for t in document.tenants if t.renamed_from})
    faults += _rename_faults(renamed, items)
    if faults:
        raise DocumentError("\n".join(faults))
    return Order(Wanted(items, policies, renamed), passwords)


def _rename_faults(renamed: dict[str, str], items: dict[Ref, Item]) -> Iterable[str]:
    for new, old in renamed.items():
        if old == DEFAULT_TENANT:
            yield f"tenant {new}: the default tenant keeps its name"
        elif DeclaredTenant(old).ref in items:
            yield f"tenant {new}: renamedFrom {old}, which is a tenant here too"
        elif list(renamed.values()).count(old) > 1:
            yield f"tenant {new}: another one was {old}, too"


def _items(document: Document) -> Iterable[Item]:
    yield from map(_tenant, document.tenants)
    yield from map(_domain, document.domains)
    yield from map(_account, document.accounts)
    for alias in document.aliases:
        yield DeclaredAlias(alias.address, tuple(sorted(set(alias.targets))))
    yield from map(_relay, document.relays)


def _policy(policy: PolicyDocument) -> Policy:
    return Policy(
        default_quota=policy.default_quota,
        max_accounts=policy.max_accounts,
        max_message_size=policy.max_message_size,
        max_recipients_per_day=policy.max_recipients_per_day,
        outbound=policy.outbound,
    )


def _tenant(tenant: TenantDocument) -> DeclaredTenant:
    return DeclaredTenant(tenant.name, tenant.policy.max_domains, _policy(tenant.policy))


def _domain(domain: DomainDocument) -> DeclaredDomain:
    return DeclaredDomain(
        domain.name,
        tenant=domain.tenant,
        catch_all=domain.catch_all,
        subaddress_separator=domain.subaddress_separator,
        policy=_policy(domain.policy),
    )


def _account(account: AccountDocument) -> DeclaredAccount:
    return DeclaredAccount(
        account.address,
        display_name=account.display_name,
        role=account.role,
        state=account.state,
        quota=account.quota,
    )


def _relay(relay: RelayDocument) -> DeclaredRelay:
    is_host = relay.action == "host"
    source = relay.password_from
    return DeclaredRelay(
        relay.name,
        tenant=relay.tenant,
        recipient_domain=relay.recipient_domain,
        sender_domain=relay.sender_domain,
        action=relay.action,
        host=relay.host,
        port=(relay.port or RELAY_PORT) if is_host else None,
        tls=(relay.tls or "required") if is_host else None,
        username=relay.username,
        password_file=None if source is None else source.file,
        password_env=None if source is None else source.env,
    )
