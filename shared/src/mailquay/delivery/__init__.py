"""Putting messages into mailboxes and the queue: durable first, visible together, told after."""

from mailquay.delivery.deliverer import Deliverer, Unavailable
from mailquay.delivery.incoming import Delivered, Incoming, LocalPlacement, RemoteRecipient
from mailquay.store.deliveries import NotPlaced, Placed

__all__ = [
    "Delivered",
    "Deliverer",
    "Incoming",
    "LocalPlacement",
    "NotPlaced",
    "Placed",
    "RemoteRecipient",
    "Unavailable",
]
