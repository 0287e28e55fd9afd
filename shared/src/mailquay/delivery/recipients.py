"""Recipients, as an envelope names them: resolved, and believed for a few seconds."""

import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum, auto

from mailquay.delivery.incoming import LocalPlacement, RemoteRecipient
from mailquay.events import ConfigChanged, Event
from mailquay.identity import normalise_address
from mailquay.store import Store
from mailquay.store.recipients import LocalTarget, RemoteTarget, Resolution
from mailquay.store.types import AccountId, TenantId

__all__ = ["RecipientCache", "ResolvedRecipient", "Verdict", "placements"]

_CACHE_MAX = 20_000


class Verdict(Enum):
    """What is said to a recipient."""

    ACCEPTED = auto()
    UNKNOWN = auto()
    DISABLED = auto()
    OVER_QUOTA = auto()
    FOREIGN = auto()  # not a domain of ours


@dataclass(frozen=True, slots=True)
class ResolvedRecipient:
    """A recipient with the accounts and addresses that it means."""

    address: str
    verdict: Verdict
    local: tuple[LocalTarget, ...] = ()
    remote: tuple[RemoteTarget, ...] = ()
    tenant_id: TenantId | None = None

    def relayed(self) -> "ResolvedRecipient":
        """A foreign recipient, of someone whose mail to others we take."""
        return replace(self, verdict=Verdict.ACCEPTED, remote=(RemoteTarget(self.address),))


class RecipientCache:
    """Resolves recipients for one process."""

    def __init__(self, store: Store, *, seconds: float, default_quota_bytes: int) -> None:
        self._store = store
        self._seconds = seconds
        self._default_quota = default_quota_bytes
        self._known: OrderedDict[str, tuple[float, Resolution]] = OrderedDict()

    def heard(self, event: Event) -> None:
        """A domain, account or alias has changed."""
        if isinstance(event, ConfigChanged):
            self._known.clear()

    async def resolve(self, address: str) -> ResolvedRecipient:
        """Resolve an address as it was given.

        Raises:
            AddressError: it is none.
            StoreUnavailable: nobody can say now.
        """
        normal = normalise_address(address)
        now = time.monotonic()
        found = self._known.get(normal)
        if found is None or found[0] < now:
            resolution = await self._store.recipients.resolve(normal)
            self._known[normal] = (now + self._seconds, resolution)
            while len(self._known) > _CACHE_MAX:
                self._known.popitem(last=False)
        else:
            resolution = found[1]
        return self._judge(normal, resolution)

    def _judge(self, address: str, resolution: Resolution) -> ResolvedRecipient:
        if not resolution.is_local_domain:
            return ResolvedRecipient(address, Verdict.FOREIGN)
        local = tuple(t for t in resolution.targets if isinstance(t, LocalTarget) and t.is_active)
        remote = tuple(t for t in resolution.targets if isinstance(t, RemoteTarget))
        if not local and not remote:
            verdict = Verdict.DISABLED if resolution.targets else Verdict.UNKNOWN
            return ResolvedRecipient(address, verdict)
        if not remote and all(self._is_full(target) for target in local):
            return ResolvedRecipient(address, Verdict.OVER_QUOTA)
        return ResolvedRecipient(address, Verdict.ACCEPTED, local, remote, resolution.tenant_id)

    def _is_full(self, target: LocalTarget) -> bool:
        quota = self._default_quota if target.quota_bytes is None else target.quota_bytes
        return bool(quota) and target.used_bytes >= quota


def placements(
    recipients: Iterable[ResolvedRecipient], *, enforce_quota: bool
) -> tuple[tuple[LocalPlacement, ...], tuple[RemoteRecipient, ...]]:
    """Where a message for these goes: once into each account, once to each address elsewhere."""
    local: dict[AccountId, LocalPlacement] = {}
    remote: dict[str, RemoteRecipient] = {}
    for recipient in recipients:
        for target in recipient.local:
            placement = LocalPlacement(
                target.account_id, recipient=recipient.address, enforce_quota=enforce_quota
            )
            local.setdefault(target.account_id, placement)
        for address in [target.address for target in recipient.remote]:
            remote.setdefault(address, RemoteRecipient(address, address.rpartition("@")[2]))
    return tuple(local.values()), tuple(remote.values())
