"""Panels that every service has: what its pods use, how late they are, where they sit."""

from tools.dashboards.parts import Panel, Query, Row
from tools.dashboards.promql import QUANTILES, gauge, quantile, rate

__all__ = ["connections", "latency", "saturation", "sign_ins"]


def latency(
    metric: str, component: str | None = None, matchers: str = "", *, prefix: str = ""
) -> tuple[Query, ...]:
    """The three quantiles of a histogram."""
    return tuple(
        Query(quantile(share, metric, component, matchers), f"{prefix}{name}")
        for share, name in QUANTILES
    )


def connections(component: str) -> Panel:
    """How many clients are connected, and through which door."""
    return Panel(
        "Connections open",
        "Client connections by listener. A pod's sum of these is what its HPA may scale by.",
        [
            Query(
                gauge("sum", "mailquay_connections_open", component, by="listener"), "{{listener}}"
            )
        ],
        width=8,
    )


def sign_ins(component: str) -> Panel:
    """Who gets in, and who does not."""
    return Panel(
        "Sign-ins",
        "Attempts per second by outcome. Many failed ones: somebody guesses; throttled: and is "
        "kept from it; unavailable: Postgres could not be asked.",
        [Query(rate("mailquay_sign_ins_total", component, by="result"), "{{result}}")],
        unit="reqps",
    )


def saturation(component: str) -> Row:
    """What the pods of a service use of what they have."""
    return Row(
        "Saturation, by pod",
        [
            Panel(
                "CPU",
                "Cores in use. A process uses one at most: near 1 it is full, and more pods help.",
                [Query(rate("process_cpu_seconds_total", component, by="pod"), "{{pod}}")],
                unit="cores",
                thresholds=(0.7, 0.9),
                width=6,
            ),
            Panel(
                "Memory",
                "Resident memory.",
                [
                    Query(
                        gauge("sum", "process_resident_memory_bytes", component, by="pod"),
                        "{{pod}}",
                    )
                ],
                unit="bytes",
                width=6,
            ),
            Panel(
                "Event loop lag, p99",
                "How much later than due the process gets to its work. It adds to every answer.",
                [
                    Query(
                        quantile(0.99, "mailquay_event_loop_lag_seconds", component, by="pod"),
                        "{{pod}}",
                    )
                ],
                unit="s",
                thresholds=(0.05, 0.25),
                width=6,
            ),
            Panel(
                "Database connections in use",
                "Share of the pool that was in use, on average. At 1 everybody waits.",
                [
                    Query(
                        f"{rate('mailquay_database_busy_seconds_total', component, by='pod')} / "
                        f"{gauge('sum', 'mailquay_database_connections_max', component, by='pod')}",
                        "{{pod}}",
                    )
                ],
                unit="percentunit",
                thresholds=(0.7, 0.9),
                width=6,
            ),
        ],
    )
