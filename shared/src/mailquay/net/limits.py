"""How many connections a process has, and how many of them are one client's."""

from collections import Counter

from prometheus_client import Gauge

from mailquay.net.peer import Peer
from mailquay.runtime import metrics
from mailquay.runtime.settings import NetSettings

__all__ = ["ConnectionCounter", "Slot"]


class ConnectionCounter:
    """A process' connections, over all its listeners."""

    def __init__(self, settings: NetSettings) -> None:
        self._settings = settings
        self.total = 0
        self._by_network: Counter[str] = Counter()

    def take(self, peer: Peer, listener: str) -> "Slot | None":
        """Count a connection to a listener of that name; None when there are too many."""
        network = peer.network
        if self.total >= self._settings.max_connections:
            metrics.CONNECTIONS_ACCEPTED.labels("over_limit").inc()
            return None
        if self._by_network[network] >= self._settings.max_connections_per_address:
            metrics.CONNECTIONS_ACCEPTED.labels("over_address_limit").inc()
            return None
        self.total += 1
        self._by_network[network] += 1
        open_now = metrics.CONNECTIONS.labels(listener)
        open_now.inc()
        metrics.CONNECTIONS_ACCEPTED.labels("accepted").inc()
        return Slot(self, network, open_now)

    def _release(self, network: str) -> None:
        self.total -= 1
        self._by_network[network] -= 1
        if not self._by_network[network]:
            del self._by_network[network]


class Slot:
    """One counted connection; the protocol releases it when it is lost."""

    __slots__ = ("_counter", "_network", "_open_now")

    def __init__(self, counter: ConnectionCounter, network: str, open_now: Gauge) -> None:
        self._counter: ConnectionCounter | None = counter
        self._network = network
        self._open_now = open_now

    def release(self) -> None:
        """The connection is gone; twice is no fault."""
        if self._counter is not None:
            self._counter._release(self._network)
            self._open_now.dec()
            self._counter = None
