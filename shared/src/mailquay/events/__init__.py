"""NATS: typed events, published after commit; hints, never the truth."""

from mailquay.events.bus import Bus, Subscription
from mailquay.events.types import AccountChanged, ConfigChanged, Event, IdentityRevoked, QueueReady

__all__ = [
    "AccountChanged",
    "Bus",
    "ConfigChanged",
    "Event",
    "IdentityRevoked",
    "QueueReady",
    "Subscription",
]
