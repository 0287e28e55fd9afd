"""Queue: mail that leaves for other people's hosts."""

from typing import Final

from tools.dashboards.parts import Dashboard, Kind, Panel, Query, Row
from tools.dashboards.pods import latency, saturation
from tools.dashboards.promql import gauge, rate

__all__ = ["DASHBOARD"]

_OUT: Final = "smtp-out"
_ATTEMPTS: Final = rate("mailquay_queue_attempts_total", _OUT)

_WAITING: Final = Row(
    "What waits",
    [
        Panel(
            "Recipients by state",
            "Queued wait, leased are with a worker now, held wait for an administrator.",
            [Query(gauge("max", "mailquay_queue_recipients", _OUT, by="state"), "{{state}}")],
        ),
        Panel(
            "Age of the oldest",
            "Since it was submitted. Hours are normal where a peer is away: it is tried for days.",
            [Query(gauge("max", "mailquay_queue_oldest_seconds", _OUT), "oldest")],
            unit="s", thresholds=(4 * 3600, 24 * 3600),
        ),
        Panel(
            "Late",
            "How long the first recipient that is due has waited for a worker: more workers help "
            "against this, and against this only.",
            [Query(gauge("max", "mailquay_queue_late_seconds", _OUT), "late")],
            unit="s", thresholds=(60, 300),
        ),
    ],
)  # fmt: skip

_ATTEMPTED: Final = Row(
    "Attempts",
    [
        Panel(
            "Attempts",
            "Per second and recipient by outcome. Retry: 4xx, or no connection; failed: 5xx; "
            "expired: given up after days.",
            [Query(rate("mailquay_queue_attempts_total", _OUT, by="result"), "{{result}}")],
            unit="reqps", kind=Kind.STACK,
        ),
        Panel(
            "Attempts that did not deliver",
            "Share of all. A sudden rise: our address is on a block list, or a large peer is away.",
            [
                Query(
                    rate("mailquay_queue_attempts_total", _OUT, f'result="{result}"')
                    + f" / ({_ATTEMPTS} > 0) or vector(0)",
                    result,
                )
                for result in ("retry", "failed", "expired")
            ],
            unit="percentunit",
        ),
        Panel(
            "Sessions with other hosts",
            "Per second by what came of them. tls_failed goes on in the clear where that is "
            "allowed.",
            [Query(rate("mailquay_outbound_sessions_total", _OUT, by="result"), "{{result}}")],
            unit="cps", kind=Kind.STACK,
        ),
        Panel(
            "From the queue to the peer's 250",
            "For recipients that were delivered to; waits between two attempts are in it.",
            latency("mailquay_queue_seconds", _OUT),
            unit="s",
        ),
        Panel(
            "From the queue to the peer's 250, all of them",
            "How many took how long.",
            [Query(rate("mailquay_queue_seconds_bucket", _OUT, by="le"), "{{le}}")],
            unit="s", kind=Kind.HEATMAP,
        ),
        Panel(
            "Notices to senders",
            "Per second by kind: failed is a bounce, delayed a warning.",
            [Query(rate("mailquay_queue_reports_total", _OUT, by="kind"), "{{kind}}")],
            unit="reqps",
        ),
    ],
)  # fmt: skip

DASHBOARD: Final = Dashboard(
    "queue",
    "Queue",
    "Mail to elsewhere: what waits, what was tried, how long it took.",
    (_WAITING, _ATTEMPTED, saturation(_OUT)),
)
