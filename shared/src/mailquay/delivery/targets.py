"""Where a message goes, by tenant: a pack holds one tenant's mail. No I/O here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from mailquay.delivery.incoming import LocalPlacement, RemoteRecipient
from mailquay.delivery.recipients import ResolvedRecipient
from mailquay.store.types import AccountId, TenantId

__all__ = ["Targets", "by_tenant"]


@dataclass(slots=True)
class Targets:
    """Where a message goes within one tenant: once into each account, once to each address."""

    local: dict[AccountId, LocalPlacement] = field(default_factory=dict)
    remote: dict[str, RemoteRecipient] = field(default_factory=dict)


def by_tenant(
    recipients: Iterable[ResolvedRecipient],
    *,
    owner: TenantId | None,
    may_be_refused: Callable[[ResolvedRecipient], bool],
) -> dict[TenantId, Targets]:
    """Sort recipients, each accepted, into what is handed to the delivery.

    Args:
        recipients: of one message.
        owner: the tenant of who sends it; None when that is nobody here, and mail for elsewhere is
            its recipient's.
        may_be_refused: whether a recipient's full mailbox may still refuse it.
    """
    targets: dict[TenantId, Targets] = {}
    for recipient in recipients:
        enforce = may_be_refused(recipient)
        for local in recipient.local:
            placement = LocalPlacement(
                local.account_id, recipient=recipient.address, enforce_quota=enforce
            )
            of_tenant = targets.setdefault(local.tenant_id, Targets())
            of_tenant.local.setdefault(local.account_id, placement)
        tenant = recipient.tenant_id if owner is None else owner
        for remote in recipient.remote:
            assert tenant is not None, "outside of submissions every recipient is ours"
            queued = RemoteRecipient(remote.address, remote.address.rpartition("@")[2])
            targets.setdefault(tenant, Targets()).remote.setdefault(remote.address, queued)
    return targets
