"""Webmail: HTTP, JMAP and push."""

from typing import Final

from tools.dashboards.parts import Dashboard, Kind, Panel, Query, Row
from tools.dashboards.pods import connections, latency, saturation, sign_ins
from tools.dashboards.promql import gauge, quantile, rate

__all__ = ["DASHBOARD"]

_WEB: Final = "webmail-api"
#: A stream's first byte comes when it has something to say.
_NO_STREAMS: Final = 'kind!="events"'
_REQUESTS: Final = rate("mailquay_web_requests_total", _WEB)

_HTTP: Final = Row(
    "HTTP",
    [
        Panel(
            "Requests",
            "Per second by status.",
            [Query(rate("mailquay_web_requests_total", _WEB, by="status"), "{{status}}")],
            unit="reqps", kind=Kind.STACK,
        ),
        Panel(
            "Server errors",
            "Share of requests that were answered 5xx; 503 is what SMTP's 451 is.",
            [Query(
                rate("mailquay_web_requests_total", _WEB, 'status=~"5.."')
                + f" / ({_REQUESTS} > 0) or vector(0)",
                "5xx",
            )],
            unit="percentunit", thresholds=(0.01, 0.05),
        ),
        Panel(
            "Requests turned away",
            "Per second: 401 and 403 have no right, 413 is too large, 429 too much at once.",
            [Query(
                rate("mailquay_web_requests_total", _WEB, 'status=~"401|403|413|429"', by="status")
                + " or vector(0)",
                "{{status}}",
            )],
            unit="reqps",
        ),
        Panel(
            "Requests",
            "From a request's head to the head of its answer; streams of events left out.",
            latency("mailquay_web_request_seconds", _WEB, _NO_STREAMS),
            unit="s", thresholds=(0.5, 2),
        ),
        Panel(
            "p99 by kind",
            "Site is the browser application, reading a message's HTML.",
            [Query(
                quantile(0.99, "mailquay_web_request_seconds", _WEB, _NO_STREAMS, by="kind"),
                "{{kind}}",
            )],
            unit="s",
        ),
        Panel(
            "Requests, all of them",
            "How many took how long.",
            [Query(
                rate("mailquay_web_request_seconds_bucket", _WEB, _NO_STREAMS, by="le"), "{{le}}"
            )],
            unit="s", kind=Kind.HEATMAP,
        ),
    ],
)  # fmt: skip

_JMAP: Final = Row(
    "JMAP and push",
    [
        Panel(
            "Method calls",
            "Per second, the ten most frequent.",
            [Query(f"topk(10, {rate('mailquay_jmap_calls_total', _WEB, by='method')})",
                   "{{method}}")],
            unit="reqps", kind=Kind.STACK,
        ),
        Panel(
            "p99 by method",
            "The ten slowest.",
            [Query(
                f"topk(10, {quantile(0.99, 'mailquay_jmap_call_seconds', _WEB, by='method')})",
                "{{method}}",
            )],
            unit="s",
        ),
        Panel(
            "Calls not done",
            "Per second by error. serverFail is a fault of ours, serverUnavailable an outage; the "
            "rest is what clients get wrong.",
            [Query(
                rate("mailquay_jmap_calls_total", _WEB, 'result!="ok"', by="result")
                + " or vector(0)",
                "{{result}}",
            )],
            unit="reqps",
        ),
        Panel(
            "Push streams",
            "EventSource streams that are open.",
            [Query(gauge("sum", "mailquay_web_event_streams", _WEB), "streams")],
        ),
        connections(_WEB),
        sign_ins(_WEB),
    ],
)  # fmt: skip

DASHBOARD: Final = Dashboard(
    "webmail",
    "Webmail",
    "HTTP, JMAP and push: requests, errors, latency.",
    (_HTTP, _JMAP, saturation(_WEB)),
)
