"""Storage: Postgres as our pools see it, and object storage."""

from typing import Final

from tools.dashboards.parts import Dashboard, Kind, Panel, Query, Row
from tools.dashboards.pods import latency
from tools.dashboards.promql import gauge, rate, select

__all__ = ["DASHBOARD"]

_COMPONENT: Final = "app_kubernetes_io_component"
_BY: Final = f"{{{{{_COMPONENT}}}}}"
_PUT: Final = 'operation="put"'
_HITS: Final = rate("mailquay_blob_cache_total", None, 'result="hit"')
_GET: Final = 'operation="get"'

_POSTGRES: Final = Row(
    "Postgres",
    [
        Panel(
            "Reached",
            "1 while every process of a service can use Postgres, and its schema fits.",
            [Query(
                gauge("min", "mailquay_dependency_up", None, 'dependency="database"',
                      by=_COMPONENT),
                _BY,
            )],
            kind=Kind.STATES, thresholds=(1, 0.5), is_low_bad=True,
        ),
        Panel(
            "Time of the readiness check",
            "One small question to Postgres, the waiting for a connection included.",
            [Query(
                gauge("max", "mailquay_dependency_check_seconds", None, 'dependency="database"',
                      by=_COMPONENT),
                _BY,
            )],
            unit="s", thresholds=(0.1, 1),
        ),
        Panel(
            "Connections in use",
            "On average; the dashed lines of saturation are on each service's dashboard.",
            [Query(rate("mailquay_database_busy_seconds_total", by=_COMPONENT), _BY)],
            kind=Kind.STACK,
        ),
        Panel(
            "Connections open",
            "And how many all pools may open together, which Postgres' max_connections must allow.",
            [
                Query(gauge("sum", "mailquay_database_connections", by=_COMPONENT), _BY),
                Query(gauge("sum", "mailquay_database_connections_max"), "allowed"),
            ],
        ),
        Panel(
            "Held for",
            "How long a connection is used each time, on average: statements and transactions.",
            [Query(
                f"{rate('mailquay_database_busy_seconds_total', by=_COMPONENT)} / "
                f"({rate('mailquay_database_uses_total', by=_COMPONENT)} > 0)",
                _BY,
            )],
            unit="s",
        ),
        Panel(
            "Waits for a connection",
            "Per second, as all were in use; in vain: nothing came free in time, and the client "
            "was told that storage is away.",
            [
                Query(rate("mailquay_database_wait_seconds_count"), "waits"),
                Query(rate("mailquay_database_exhausted_total"), "in vain"),
            ],
            unit="reqps",
        ),
    ],
)  # fmt: skip

_BLOBS: Final = Row(
    "Object storage",
    [
        Panel(
            "Writes",
            "Of packs: many messages in one while there is load.",
            latency("mailquay_blob_seconds", None, _PUT),
            unit="s", thresholds=(0.5, 2),
        ),
        Panel(
            "Reads",
            "Of bodies that no process had in memory.",
            latency("mailquay_blob_seconds", None, _GET),
            unit="s", thresholds=(0.5, 2),
        ),
        Panel(
            "Writes, all of them",
            "How many took how long.",
            [Query(rate("mailquay_blob_seconds_bucket", None, _PUT, by="le"), "{{le}}")],
            unit="s", kind=Kind.HEATMAP,
        ),
        Panel(
            "Operations",
            "Per second.",
            [Query(rate("mailquay_blob_seconds_count", by="operation"), "{{operation}}")],
            unit="ops",
        ),
        Panel(
            "Bytes",
            "Per second, compressed.",
            [Query(rate("mailquay_blob_bytes_total", by="operation"), "{{operation}}")],
            unit="Bps",
        ),
        Panel(
            "Read from memory",
            "Share of bodies that a process still had.",
            [Query(
                f"{_HITS} / "
                f"({rate('mailquay_blob_cache_total')} > 0)",
                "hits",
            )],
            unit="percentunit",
        ),
        Panel(
            "Failures",
            "Per second. Missing and corrupt are lost mail: see the runbook at once.",
            [Query(rate("mailquay_blob_errors_total", by="result"), "{{result}}")],
            unit="ops",
        ),
        Panel(
            "Reached",
            "1 while every process of a service can use object storage.",
            [Query(
                gauge("min", "mailquay_dependency_up", None, 'dependency="blobs"', by=_COMPONENT),
                _BY,
            )],
            kind=Kind.STATES, thresholds=(1, 0.5), is_low_bad=True,
        ),
        Panel(
            "Messages in a write",
            "On average, of messages that were committed.",
            [Query(
                f"sum (rate({select('mailquay_delivery_batch_messages_sum')}[$__rate_interval])) / "
                f"({rate('mailquay_delivery_batch_messages_count')} > 0)",
                "messages",
            )],
        ),
    ],
)  # fmt: skip

DASHBOARD: Final = Dashboard(
    "storage",
    "Storage",
    "Postgres as the services see it, and object storage.",
    (_POSTGRES, _BLOBS),
)
