"""Every metric that there is: ``mailquay_<area>_<thing>_{total,seconds,bytes}``.

Label values are few and listed here; they are pre-set, so that a rate has no gap at its start.
"""

import os
from collections.abc import Iterable
from typing import Final

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

__all__ = ["exposition"]

_FAST: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_COUNTS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def _counter(name: str, text: str, label: str, values: Iterable[str]) -> Counter:
    counter = Counter(f"mailquay_{name}", text, [label])
    for value in values:
        counter.labels(value)
    return counter


def _gauge(name: str, text: str) -> Gauge:
    return Gauge(f"mailquay_{name}", text, multiprocess_mode="livesum")


CONNECTIONS: Final = _gauge("connections_open", "Client connections open now.")
CONNECTIONS_ACCEPTED: Final = _counter(
    "connections_total", "Client connections by how they began.", "result",
    ("accepted", "over_limit", "over_address_limit", "proxy_error", "tls_error"),
)  # fmt: skip
BUS_CONNECTED: Final = Gauge(
    "mailquay_bus_connected", "1 while the event bus is connected.", multiprocess_mode="livemin"
)
BUS_EVENTS: Final = _counter(
    "bus_events_total", "Events by what happened to them.", "result",
    ("published", "received", "dropped", "unreadable"),
)  # fmt: skip
DELIVERED: Final = _counter(
    "delivery_messages_total", "Messages handed to the delivery, by outcome.", "result",
    ("delivered", "duplicate", "queued", "refused", "unavailable"),
)  # fmt: skip
DELIVERY_BATCH: Final = Histogram(
    "mailquay_delivery_batch_messages", "Messages committed together.", buckets=_COUNTS
)
DELIVERY_SECONDS: Final = Histogram(
    "mailquay_delivery_seconds", "From handing a message in to its commit.", buckets=_FAST
)
BLOB_SECONDS: Final = Histogram(
    "mailquay_blob_seconds", "Object storage operations.", ["operation"], buckets=_FAST
)
BLOB_BYTES: Final = _counter(
    "blob_bytes_total", "Bytes moved to and from object storage.", "operation", ("put", "get")
)
BLOB_CACHE: Final = _counter(
    "blob_cache_total", "Reads of bodies by where they were found.", "result", ("hit", "miss")
)
SIGN_INS: Final = _counter(
    "sign_ins_total", "Attempts to sign in.", "result",
    ("accepted", "failed", "disabled", "throttled", "unavailable"),
)  # fmt: skip
SMTP_MESSAGES: Final = _counter(
    "smtp_messages_total", "Messages received by SMTP and LMTP.", "result",
    ("accepted", "rejected", "deferred", "loop"),
)  # fmt: skip
SMTP_RECIPIENTS: Final = _counter(
    "smtp_recipients_total", "RCPT commands by their outcome.", "result",
    ("accepted", "unknown", "relay_denied", "over_quota", "too_many", "deferred"),
)  # fmt: skip
SMTP_BYTES: Final = Counter("mailquay_smtp_received_bytes_total", "Bytes of messages received.")
IMAP_COMMANDS: Final = Counter(
    "mailquay_imap_commands_total", "Commands by name and outcome.", ["command", "result"]
)
IMAP_SECONDS: Final = Histogram(
    "mailquay_imap_command_seconds", "From a command's end to its tagged reply.", ["command"],
    buckets=_FAST,
)  # fmt: skip
IMAP_IDLING: Final = _gauge("imap_idling", "Connections in IDLE now.")
POP3_SESSIONS: Final = _counter(
    "pop3_sessions_total", "Sessions by how they ended.", "result", ("quit", "dropped", "refused")
)
POP3_RETRIEVED: Final = Counter("mailquay_pop3_retrieved_total", "Messages retrieved.")
QUEUE_ATTEMPTS: Final = _counter(
    "queue_attempts_total", "Attempts to deliver to a recipient elsewhere.", "result",
    ("delivered", "retry", "failed", "expired"),
)  # fmt: skip
QUEUE_SECONDS: Final = Histogram(
    "mailquay_queue_seconds", "From entering the queue to the peer's 250, for a recipient.",
    buckets=(0.1, 0.5, 1, 5, 15, 60, 300, 1800, 3600, 14400, 86400, 432000),
)  # fmt: skip
OUTBOUND_SESSIONS: Final = _counter(
    "outbound_sessions_total", "Connections to other people's hosts, by what came of them.",
    "result", ("tls", "clear", "tls_failed", "refused", "unreachable"),
)  # fmt: skip
QUEUE_DEPTH: Final = Gauge(
    "mailquay_queue_recipients",
    "Recipients in the queue.",
    ["state"],
    multiprocess_mode="mostrecent",
)
QUEUE_OLDEST: Final = Gauge(
    "mailquay_queue_oldest_seconds", "Age of the oldest message that waits.",
    multiprocess_mode="mostrecent",
)  # fmt: skip
QUEUE_REPORTS: Final = _counter(
    "queue_reports_total", "Notifications written to senders.", "kind",
    ("failed", "delayed", "delivered", "relayed", "expanded"),
)  # fmt: skip
WEB_REQUESTS: Final = Counter("mailquay_web_requests_total", "HTTP requests by status.", ["status"])
JMAP_CALLS: Final = Counter(
    "mailquay_jmap_calls_total", "JMAP method calls by name and outcome.", ["method", "result"]
)
WEB_STREAMS: Final = _gauge("web_event_streams", "EventSource streams open now.")


def exposition() -> bytes:
    """What Prometheus scrapes; of all workers of the service where there are several."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
    return generate_latest(REGISTRY)
