"""IMAP and POP3: how mail programs are served."""

from typing import Final

from tools.dashboards.parts import Dashboard, Kind, Panel, Query, Row
from tools.dashboards.pods import connections, latency, saturation, sign_ins
from tools.dashboards.promql import gauge, quantile, rate, select

__all__ = ["DASHBOARD"]

_IMAP: Final = "imap"
_POP3: Final = "pop3"
#: IDLE lasts as long as its client likes: it is no latency.
_NO_IDLE: Final = 'command!="IDLE"'

_TRAFFIC: Final = Row(
    "IMAP: traffic",
    [
        connections(_IMAP),
        Panel(
            "In IDLE",
            "Connections that wait for news.",
            [Query(gauge("sum", "mailquay_imap_idling", _IMAP), "idling")],
        ),
        Panel(
            "Connections, by pod",
            "Whether the work is spread; the HPA may scale by it.",
            [Query(f"sum by (pod) ({select('mailquay_connections_open', _IMAP)})", "{{pod}}")],
        ),
        Panel(
            "Commands",
            "Per second, the ten most frequent.",
            [Query(
                f"topk(10, {rate('mailquay_imap_commands_total', _IMAP, by='command')})",
                "{{command}}",
            )],
            unit="reqps", kind=Kind.STACK,
        ),
        sign_ins(_IMAP),
        Panel(
            "New connections",
            "Per second by how they began.",
            [Query(rate("mailquay_connections_total", _IMAP, by="result"), "{{result}}")],
            unit="cps",
        ),
    ],
)  # fmt: skip

_LATENCY: Final = Row(
    "IMAP: latency and errors",
    [
        Panel(
            "Commands",
            "From a command's end to its tagged reply, without IDLE.",
            latency("mailquay_imap_command_seconds", _IMAP, _NO_IDLE),
            unit="s", thresholds=(0.5, 2),
        ),
        Panel(
            "p99 by command",
            "The ten slowest.",
            [Query(
                "topk(10, "
                + quantile(0.99, "mailquay_imap_command_seconds", _IMAP, _NO_IDLE, by="command")
                + ")",
                "{{command}}",
            )],
            unit="s",
        ),
        Panel(
            "Commands, all of them",
            "How many took how long.",
            [Query(
                rate("mailquay_imap_command_seconds_bucket", _IMAP, _NO_IDLE, by="le"), "{{le}}"
            )],
            unit="s", kind=Kind.HEATMAP,
        ),
        Panel(
            "Commands not done",
            "Per second: NO is what could not be done, BAD what made no sense.",
            [
                Query(rate("mailquay_imap_commands_total", _IMAP, f'result="{result}"')
                      + " or vector(0)", result.upper())
                for result in ("no", "bad")
            ],
            unit="reqps", width=12,
        ),
        Panel(
            "Mailboxes in memory",
            "Open: selected by a session, however many share it; kept: for the next SELECT.",
            [Query(gauge("sum", "mailquay_imap_views", _IMAP, by="state"), "{{state}}")],
            width=12,
        ),
    ],
)  # fmt: skip

_POP3_ROW: Final = Row(
    "POP3",
    [
        Panel(
            "Sessions",
            "Ended per second: quit deletes what was marked, dropped deletes nothing.",
            [Query(rate("mailquay_pop3_sessions_total", _POP3, by="result"), "{{result}}")],
            unit="reqps", width=6,
        ),
        Panel(
            "Messages retrieved",
            "Per second.",
            [Query(rate("mailquay_pop3_retrieved_total", _POP3), "retrieved")],
            unit="reqps", width=6,
        ),
        Panel(
            "Commands",
            "From a command's line to the end of its reply.",
            latency("mailquay_pop3_command_seconds", _POP3),
            unit="s", width=6, thresholds=(0.5, 2),
        ),
        Panel(
            "Connections open",
            "By listener.",
            [Query(gauge("sum", "mailquay_connections_open", _POP3, by="listener"),
                   "{{listener}}")],
            width=6,
        ),
    ],
)  # fmt: skip

DASHBOARD: Final = Dashboard(
    "imap",
    "IMAP and POP3",
    "How mail programs are served: connections, commands, latency, memory.",
    (_TRAFFIC, _LATENCY, saturation(_IMAP), _POP3_ROW),
)
