"""Recipients, as an envelope names them: resolved, and believed for a few seconds."""

import time
from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from mailquay.events import ConfigChanged, Event
from mailquay.identity import AddressError, envelope_address, normalise_address
from mailquay.store import Store
from mailquay.store.recipients import LocalTarget, RemoteTarget, Resolution
from mailquay.store.types import TenantId

__all__ = ["RecipientCache", "ResolvedRecipient", "Verdict"]

#: Resolutions that a process remembers at most.
_CACHE_MAX: Final = 20_000
_POSTMASTER: Final = "postmaster"


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
    #: NOTIFY and ORCPT as the sender gave them (RFC 3461 §4.1, §4.2); None where it did not.
    notify: str | None = None
    original_recipient: str | None = None

    def relayed(self) -> "ResolvedRecipient":
        """The same elsewhere, for someone who may send there."""
        return ResolvedRecipient(
            self.address, Verdict.ACCEPTED, remote=(RemoteTarget(self.address),)
        )

    @property
    def is_list(self) -> bool:
        """Whether it stands for several."""
        return len(self.local) + len(self.remote) > 1

    @property
    def wants_success(self) -> bool:
        """Whether the sender is to be told that it has the message."""
        return self.notify is not None and "SUCCESS" in self.notify.split(",")


class RecipientCache:
    """Resolves recipients for one process."""

    def __init__(
        self, store: Store, *, hostname: str, seconds: float, default_quota_bytes: int
    ) -> None:
        self._store = store
        self._hostname = hostname
        self._seconds = seconds
        self._default_quota = default_quota_bytes
        self._known: OrderedDict[str, tuple[float, Resolution]] = OrderedDict()

    def heard(self, event: Event) -> None:
        """A domain, account or alias has changed."""
        if isinstance(event, ConfigChanged):
            self._known.clear()

    async def resolve(self, address: str, *, size: int = 0) -> ResolvedRecipient:
        """Resolve an address as it was given, for a message of ``size`` bytes (0: not declared).

        Raises:
            AddressError: it is none.
            StoreUnavailable: nobody can say now.
        """
        if address.lower() == _POSTMASTER:  # RFC 5321 §4.1.1.3: without a domain it is ours
            return await self._postmaster(size)
        normal = normalise_address(address)
        resolution = await self._resolution(normal)
        if not resolution.is_local_domain:
            return ResolvedRecipient(envelope_address(address), Verdict.FOREIGN)
        return self._judge(normal, resolution, size)

    async def _postmaster(self, size: int) -> ResolvedRecipient:
        """Whoever minds this host's domain, or else any: it must not be refused (§4.5.1)."""
        try:
            address = normalise_address(f"{_POSTMASTER}@{self._hostname}")
            resolution = await self._resolution(address)
        except AddressError:
            resolution = Resolution(False, None, ())
        if not resolution.is_local_domain:
            address = _POSTMASTER
            resolution = await self._resolution(_POSTMASTER)
        return self._judge(address, resolution, size)

    async def _resolution(self, normal: str) -> Resolution:
        now = time.monotonic()
        found = self._known.get(normal)
        if found is not None and now < found[0]:
            return found[1]
        if normal == _POSTMASTER:
            resolution = await self._store.recipients.postmaster()
        else:
            resolution = await self._store.recipients.resolve(normal)
        self._known[normal] = (now + self._seconds, resolution)
        self._known.move_to_end(normal)
        while len(self._known) > _CACHE_MAX:
            self._known.popitem(last=False)
        return resolution

    def _judge(self, address: str, resolution: Resolution, size: int) -> ResolvedRecipient:
        local = tuple(t for t in resolution.targets if isinstance(t, LocalTarget) and t.is_active)
        remote = tuple(t for t in resolution.targets if isinstance(t, RemoteTarget))
        if not local and not remote:
            verdict = Verdict.DISABLED if resolution.targets else Verdict.UNKNOWN
            return ResolvedRecipient(address, verdict)
        if not remote and all(self._has_no_room(target, size) for target in local):
            return ResolvedRecipient(address, Verdict.OVER_QUOTA)
        return ResolvedRecipient(address, Verdict.ACCEPTED, local, remote, resolution.tenant_id)

    def _has_no_room(self, target: LocalTarget, size: int) -> bool:
        quota = self._default_quota if target.quota_bytes is None else target.quota_bytes
        return bool(quota) and target.used_bytes + max(size, 1) > quota
