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

__all__ = ["Histogram", "exposition"]

_FAST: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_COUNTS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def _counter(name: str, text: str, label: str, values: Iterable[str]) -> Counter:
    counter = Counter(f"mailquay_{name}", text, [label])
    for value in values:
        counter.labels(value)
    return counter


def _histogram(name: str, text: str, label: str, values: Iterable[str]) -> Histogram:
    histogram = Histogram(f"mailquay_{name}", text, [label], buckets=_FAST)
    for value in values:
        histogram.labels(value)
    return histogram


def _gauge(name: str, text: str) -> Gauge:
    return Gauge(f"mailquay_{name}", text, multiprocess_mode="livesum")


BUILD_INFO: Final = Gauge(
    "mailquay_build_info", "1, with the version that runs.", ["version"],
    multiprocess_mode="livemax",
)  # fmt: skip
DRAINING_SINCE: Final = Gauge(
    "mailquay_draining_since_seconds",
    "When the process was told to end, in seconds since the epoch; 0 while it serves.",
    multiprocess_mode="livemax",
)
DEPENDENCY_UP: Final = Gauge(
    "mailquay_dependency_up",
    "1 while the readiness check of it succeeds: database, blobs, bus, certificate, "
    "certificate_files.",
    ["dependency"],
    multiprocess_mode="livemin",
)
DEPENDENCY_SECONDS: Final = Gauge(
    "mailquay_dependency_check_seconds", "What the latest readiness check of it took.",
    ["dependency"], multiprocess_mode="livemax",
)  # fmt: skip
CERTIFICATE_EXPIRES: Final = Gauge(
    "mailquay_certificate_expires_seconds",
    "When the certificate in use ends, in seconds since the epoch; 0 where there is none.",
    multiprocess_mode="livemin",
)
LOOP_LAG: Final = Histogram(
    "mailquay_event_loop_lag_seconds",
    "How much later than due the event loop gets to its work: the process is saturated.",
    buckets=_FAST,
)
DATABASE_CONNECTIONS: Final = _gauge(
    "database_connections", "Connections to Postgres that are open."
)
DATABASE_CONNECTIONS_MAX: Final = _gauge(
    "database_connections_max", "Connections to Postgres that may be open."
)
DATABASE_USES: Final = Counter(
    "mailquay_database_uses_total", "Times that a connection to Postgres was taken from the pool."
)
DATABASE_BUSY: Final = Counter(
    "mailquay_database_busy_seconds_total",
    "Seconds that connections to Postgres were in use: its rate is how many are, on average.",
)
DATABASE_WAIT: Final = Histogram(
    "mailquay_database_wait_seconds",
    "Waits for a connection to Postgres while all are in use; who gets one at once is not in it.",
    buckets=_FAST,
)
DATABASE_EXHAUSTED: Final = Counter(
    "mailquay_database_exhausted_total", "Waits for a connection to Postgres that were in vain."
)
CONNECTIONS: Final = Gauge(
    "mailquay_connections_open", "Client connections open now, by the listener's name.",
    ["listener"], multiprocess_mode="livesum",
)  # fmt: skip
CONNECTIONS_ACCEPTED: Final = _counter(
    "connections_total", "Client connections by how they began.", "result",
    ("accepted", "over_limit", "over_address_limit", "proxy_error", "tls_error"),
)  # fmt: skip
BUS_CONNECTED: Final = Gauge(
    "mailquay_bus_connected", "1 while the event bus is connected.", multiprocess_mode="livemin"
)
BUS_ACCOUNTS: Final = _gauge("bus_accounts", "Accounts whose events are listened to now.")
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
DELIVERY_LAG: Final = Gauge(
    "mailquay_delivery_lag_seconds",
    "The longest that a message has waited for its commit since the last measure.",
    multiprocess_mode="livemax",
)
BLOB_SECONDS: Final = _histogram(
    "blob_seconds", "Object storage operations.", "operation", ("put", "get")
)
BLOB_ERRORS: Final = _counter(
    "blob_errors_total", "Operations that failed: not written, not read, gone, or not as written.",
    "result", ("put_unavailable", "get_unavailable", "missing", "corrupt"),
)  # fmt: skip
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
IMAP_VIEWS: Final = Gauge(
    "mailquay_imap_views",
    "Mailboxes held in memory: open, as a session has selected them; kept, for the next one.",
    ["state"],
    multiprocess_mode="livesum",
)
POP3_SESSIONS: Final = _counter(
    "pop3_sessions_total", "Sessions by how they ended.", "result", ("quit", "dropped", "refused")
)
POP3_SECONDS: Final = Histogram(
    "mailquay_pop3_command_seconds", "From a command's line to the end of its reply.",
    ["command"], buckets=_FAST,
)  # fmt: skip
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
    "mailquay_queue_oldest_seconds", "Age of the oldest message that waits, held ones left out.",
    multiprocess_mode="mostrecent",
)  # fmt: skip
QUEUE_LATE: Final = Gauge(
    "mailquay_queue_late_seconds", "How long a recipient that is due has waited for a worker.",
    multiprocess_mode="mostrecent",
)  # fmt: skip
QUEUE_REPORTS: Final = _counter(
    "queue_reports_total", "Notifications written to senders.", "kind",
    ("failed", "delayed", "delivered", "relayed", "expanded"),
)  # fmt: skip
WEB_REQUESTS: Final = Counter("mailquay_web_requests_total", "HTTP requests by status.", ["status"])
WEB_SECONDS: Final = _histogram(
    "web_request_seconds", "From a request's head to the head of its answer.", "kind",
    ("jmap", "upload", "download", "events", "auth", "reading", "site"),
)  # fmt: skip
JMAP_CALLS: Final = Counter(
    "mailquay_jmap_calls_total", "JMAP method calls by name and outcome.", ["method", "result"]
)
JMAP_SECONDS: Final = Histogram(
    "mailquay_jmap_call_seconds", "JMAP method calls.", ["method"], buckets=_FAST
)
WEB_STREAMS: Final = _gauge("web_event_streams", "EventSource streams open now.")


def exposition() -> bytes:
    """What Prometheus scrapes; of all workers of the service where there are several."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
    return generate_latest(REGISTRY)
