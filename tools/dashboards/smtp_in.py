"""SMTP in: MX, submission and LMTP, up to the commit that a 250 stands for."""

from typing import Final

from tools.dashboards.parts import Dashboard, Kind, Panel, Query, Row
from tools.dashboards.pods import connections, latency, saturation, sign_ins
from tools.dashboards.promql import gauge, quantile, rate, select

__all__ = ["DASHBOARD"]

_IN: Final = "smtp-in"

_TRAFFIC: Final = Row(
    "Traffic",
    [
        Panel(
            "Messages",
            "Per second by outcome. Deferred: 451; loop: too many Received fields.",
            [Query(rate("mailquay_smtp_messages_total", _IN, by="result"), "{{result}}")],
            unit="reqps", kind=Kind.STACK,
        ),
        Panel(
            "Recipients",
            "RCPT commands per second by their outcome. Many unknown: somebody guesses addresses.",
            [Query(rate("mailquay_smtp_recipients_total", _IN, by="result"), "{{result}}")],
            unit="reqps", kind=Kind.STACK,
        ),
        Panel(
            "Bytes received",
            "Of messages, per second.",
            [Query(rate("mailquay_smtp_received_bytes_total", _IN), "received")],
            unit="Bps",
        ),
        connections(_IN),
        Panel(
            "New connections",
            "Per second by how they began. Over a limit: told 421; proxy_error: no PROXY header "
            "from an address that must send one.",
            [Query(rate("mailquay_connections_total", _IN, by="result"), "{{result}}")],
            unit="cps",
        ),
        sign_ins(_IN),
    ],
)  # fmt: skip

_ERRORS: Final = Row(
    "Errors",
    [
        Panel(
            "Messages told 451",
            "Share of all messages. The sender comes back; nothing is lost.",
            [Query(
                rate("mailquay_smtp_messages_total", _IN, 'result="deferred"')
                + " / (" + rate("mailquay_smtp_messages_total", _IN) + " > 0) or vector(0)",
                "deferred",
            )],
            unit="percentunit", thresholds=(0.01, 0.05), width=12,
        ),
        Panel(
            "Deliveries",
            "Per second and recipient by outcome. Unavailable: nothing was acknowledged.",
            [Query(rate("mailquay_delivery_messages_total", _IN, by="result"), "{{result}}")],
            unit="reqps", width=12,
        ),
    ],
)  # fmt: skip

_LATENCY: Final = Row(
    "Latency",
    [
        Panel(
            "Delivery",
            "From the end of a message to its commit; the 250 follows at once.",
            latency("mailquay_delivery_seconds", _IN),
            unit="s", thresholds=(1, 5),
        ),
        Panel(
            "Delivery, all of them",
            "How many deliveries took how long.",
            [Query(rate("mailquay_delivery_seconds_bucket", _IN, by="le"), "{{le}}")],
            unit="s", kind=Kind.HEATMAP,
        ),
        Panel(
            "Delivery lag, by pod",
            "The longest that a message waited for its commit within the last seconds. The HPA may "
            "scale by it.",
            [Query(gauge("max", "mailquay_delivery_lag_seconds", _IN, by="pod"), "{{pod}}")],
            unit="s", thresholds=(1, 5),
        ),
        Panel(
            "Messages in a commit",
            "Load makes batches, and batches make throughput: it rises before latency does.",
            [
                Query(quantile(0.5, "mailquay_delivery_batch_messages", _IN), "p50"),
                Query(quantile(0.95, "mailquay_delivery_batch_messages", _IN), "p95"),
            ],
            width=12,
        ),
        Panel(
            "Connections, by pod",
            "Whether the work is spread.",
            [Query(f"sum by (pod) ({select('mailquay_connections_open', _IN)})", "{{pod}}")],
            width=12,
        ),
    ],
)  # fmt: skip

DASHBOARD: Final = Dashboard(
    "smtp-in",
    "SMTP in",
    "Mail that arrives: MX, submission and LMTP.",
    (_TRAFFIC, _ERRORS, _LATENCY, saturation(_IN)),
)
