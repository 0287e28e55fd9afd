"""Where a message goes, by tenant: a pack holds one tenant's mail. No I/O here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from mailquay.delivery.incoming import LocalPlacement, RemoteRecipient
from mailquay.delivery.recipients import ResolvedRecipient
from mailquay.message.dsn import encode_xtext
from mailquay.store.recipients import RemoteTarget
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
            queued = _queued(recipient, remote)
            targets.setdefault(tenant, Targets()).remote.setdefault(remote.address, queued)
    return targets


def _queued(recipient: ResolvedRecipient, remote: RemoteTarget) -> RemoteRecipient:
    """What an address elsewhere is asked to report (RFC 3461 §5.2.7).

    An alias for one hands everything on, and says whom the sender had meant. Of a list's success
    the sender has been told when the list was taken; its members do not report it again.
    """
    domain = remote.address.rpartition("@")[2]
    notify, original = recipient.notify, recipient.original_recipient
    if notify is not None and recipient.is_list:
        notify = ",".join(word for word in notify.split(",") if word != "SUCCESS") or "NEVER"
    if notify is not None and original is None and remote.address != recipient.address:
        original = f"rfc822;{encode_xtext(recipient.address)}"
    return RemoteRecipient(remote.address, domain, notify, original)
