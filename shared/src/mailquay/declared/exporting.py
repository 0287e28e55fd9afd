"""What is there, as a YAML that changes nothing when it is applied. No I/O here.

Passwords are not in it, hashed ones neither: an account that is made anew from it has none.
"""

from typing import Any

import yaml

from mailquay.declared.sizes import format_size
from mailquay.store.declared import (
    DEFAULT_TENANT,
    Declared,
    DeclaredAccount,
    DeclaredAlias,
    DeclaredDomain,
    DeclaredRelay,
    DeclaredTenant,
    Item,
    Kind,
    Policy,
)

__all__ = ["export_data", "export_yaml"]

_PARTS = {Kind.TENANT: "tenants", Kind.DOMAIN: "domains", Kind.ACCOUNT: "accounts",
          Kind.ALIAS: "aliases", Kind.RELAY: "relays"}  # fmt: skip


def export_yaml(settings: Declared) -> str:
    """The document's text."""
    text: str = yaml.safe_dump(
        export_data(settings), sort_keys=False, allow_unicode=True, width=100
    )
    return text


def export_data(settings: Declared) -> dict[str, Any]:
    """The document; what has its default is left out."""
    made: dict[str, Any] = {"apiVersion": "mailquay/v1"}
    for kind, part in _PARTS.items():
        refs = sorted(ref for ref in settings.items if ref.kind is kind)
        entries = [_entry(settings.items[ref]) for ref in refs]
        # Alone it says nothing: it is there anyway.
        entries = [entry for entry in entries if entry != {"name": DEFAULT_TENANT}]
        if entries:
            made[part] = entries
    return made


def _entry(item: Item) -> dict[str, Any]:
    match item:
        case DeclaredTenant():
            policy = _policy(item.policy) | _said(maxDomains=item.max_domains)
            return {"name": item.name} | ({"policy": policy} if policy else {})
        case DeclaredDomain():
            return _domain(item)
        case DeclaredAccount():
            return _account(item)
        case DeclaredAlias():
            return {"address": item.address, "targets": list(item.targets)}
        case DeclaredRelay():
            return _relay(item)


def _said(**values: object) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _quota(value: int | None) -> str | None:
    return "none" if value == 0 else _size(value)


def _size(value: int | None) -> str | None:
    return None if value is None else format_size(value)


def _policy(policy: Policy) -> dict[str, Any]:
    return _said(
        defaultQuota=_quota(policy.default_quota),
        maxAccounts=policy.max_accounts,
        maxMessageSize=_size(policy.max_message_size),
        maxRecipientsPerDay=policy.max_recipients_per_day,
        outbound=policy.outbound,
    )


def _domain(item: DeclaredDomain) -> dict[str, Any]:
    separator = item.subaddress_separator
    return {"name": item.name} | _said(
        tenant=None if item.tenant == DEFAULT_TENANT else item.tenant,
        catchAll=item.catch_all,
        subaddressSeparator=None if separator == "+" else separator,
        policy=_policy(item.policy) or None,
    )


def _account(item: DeclaredAccount) -> dict[str, Any]:
    return {"address": item.address} | _said(
        displayName=item.display_name or None,
        role=None if item.role == "user" else item.role,
        state="disabled" if item.state == "disabled" else None,
        quota=_quota(item.quota),
    )


def _relay(item: DeclaredRelay) -> dict[str, Any]:
    source = _said(file=item.password_file, env=item.password_env)
    return {"name": item.name} | _said(
        tenant=item.tenant,
        recipientDomain=item.recipient_domain,
        senderDomain=item.sender_domain,
        action=item.action,
        host=item.host,
        port=item.port,
        tls=item.tls,
        username=item.username,
        passwordFrom=source or None,
    )
