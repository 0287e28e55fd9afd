"""Overview: whether mail moves, in one screen; each number leads to the dashboard that explains."""

from typing import Final

from tools.dashboards.parts import Dashboard, Kind, Panel, Query, Row
from tools.dashboards.pods import latency
from tools.dashboards.promql import gauge, quantile, rate, select

__all__ = ["DASHBOARD"]

_COMPONENT: Final = "app_kubernetes_io_component"
_BY: Final = f"{{{{{_COMPONENT}}}}}"
_TARGETS: Final = select("up", None, f'{_COMPONENT}=~".+"')
_DEFERRED: Final = rate("mailquay_smtp_messages_total", "smtp-in", 'result="deferred"')
_ALL_MESSAGES: Final = rate("mailquay_smtp_messages_total", "smtp-in")

_NOW: Final = Row(
    "Now",
    [
        Panel(
            "Messages accepted",
            "Messages per second that were answered 250: durable and visible.",
            [Query(rate("mailquay_smtp_messages_total", "smtp-in", 'result="accepted"'), "")],
            unit="reqps", kind=Kind.STAT, width=4, height=4,
        ),
        Panel(
            "Told to come back",
            "Share of messages that were answered 451: nothing is lost, senders try again.",
            [Query(f"{_DEFERRED} / ({_ALL_MESSAGES} > 0) or vector(0)", "")],
            unit="percentunit", kind=Kind.STAT, width=4, height=4, thresholds=(0.01, 0.05),
        ),
        Panel(
            "Delivery, p99",
            "From the end of a message to its commit, for the slowest hundredth.",
            [Query(quantile(0.99, "mailquay_delivery_seconds"), "")],
            unit="s", kind=Kind.STAT, width=4, height=4, thresholds=(1, 5),
        ),
        Panel(
            "Waiting in the queue",
            "Recipients elsewhere who wait for their mail.",
            [Query(gauge("max", "mailquay_queue_recipients", "smtp-out", 'state="queued"'), "")],
            kind=Kind.STAT, width=4, height=4, thresholds=(10_000, 100_000),
        ),
        Panel(
            "Late in the queue",
            "How long the first recipient that is due has waited for a worker.",
            [Query(gauge("max", "mailquay_queue_late_seconds", "smtp-out"), "")],
            unit="s", kind=Kind.STAT, width=4, height=4, thresholds=(60, 300),
        ),
        Panel(
            "Processes that are not scraped",
            "Targets that Prometheus knows and cannot read.",
            [Query(f"count({_TARGETS} == 0) or vector(0)", "")],
            kind=Kind.STAT, width=4, height=4, thresholds=(1, 2),
        ),
    ],
)  # fmt: skip

_TRAFFIC: Final = Row(
    "Traffic",
    [
        Panel(
            "Messages by SMTP and LMTP",
            "Per second by outcome. Deferred: 451, as Postgres or object storage was away.",
            [Query(rate("mailquay_smtp_messages_total", "smtp-in", by="result"), "{{result}}")],
            unit="reqps", kind=Kind.STACK,
        ),
        Panel(
            "What clients ask for",
            "IMAP and POP3 commands and HTTP requests per second.",
            [
                Query(rate("mailquay_imap_commands_total", "imap"), "IMAP commands"),
                Query(rate("mailquay_pop3_command_seconds_count", "pop3"), "POP3 commands"),
                Query(rate("mailquay_web_requests_total", "webmail-api"), "HTTP requests"),
            ],
            unit="reqps",
        ),
        Panel(
            "Connections open",
            "Client connections by service.",
            [Query(gauge("sum", "mailquay_connections_open", by=_COMPONENT), _BY)],
            kind=Kind.STACK,
        ),
    ],
)  # fmt: skip

_ERRORS: Final = Row(
    "Errors and latency",
    [
        Panel(
            "Our own failures",
            "Per second, what was not done and should have been: 451 to senders, deliveries that "
            "failed, HTTP 5xx, bodies that could not be read or written, sign-ins nobody could "
            "check.",
            [
                Query(_DEFERRED, "SMTP 451"),
                Query(rate("mailquay_delivery_messages_total", None, 'result="unavailable"'),
                      "deliveries"),
                Query(rate("mailquay_web_requests_total", "webmail-api", 'status=~"5.."')
                      + " or vector(0)", "HTTP 5xx"),
                Query(rate("mailquay_blob_errors_total"), "object storage"),
                Query(rate("mailquay_sign_ins_total", None, 'result="unavailable"'), "sign-ins"),
            ],
            unit="reqps",
        ),
        Panel(
            "Sign-ins",
            "Attempts per second by outcome, over all services.",
            [Query(rate("mailquay_sign_ins_total", by="result"), "{{result}}")],
            unit="reqps",
        ),
        Panel(
            "Latency, p99",
            "For the slowest hundredth, by what they wait for. IDLE is not in it.",
            [
                Query(quantile(0.99, "mailquay_delivery_seconds", "smtp-in"), "delivery"),
                Query(quantile(0.99, "mailquay_imap_command_seconds", "imap", 'command!="IDLE"'),
                      "IMAP"),
                Query(quantile(0.99, "mailquay_pop3_command_seconds", "pop3"), "POP3"),
                Query(quantile(0.99, "mailquay_jmap_call_seconds", "webmail-api"), "JMAP"),
                Query(quantile(0.99, "mailquay_web_request_seconds", "webmail-api",
                               'kind!="events"'), "HTTP"),
            ],
            unit="s",
        ),
        Panel(
            "Delivery",
            "From the end of a message to its commit, by SMTP, LMTP and APPEND.",
            latency("mailquay_delivery_seconds"),
            unit="s", thresholds=(1, 5),
        ),
        Panel(
            "Mail to elsewhere",
            "Attempts per second by outcome. Expired: given up after days.",
            [Query(rate("mailquay_queue_attempts_total", "smtp-out", by="result"), "{{result}}")],
            unit="reqps",
        ),
        Panel(
            "Queue",
            "Recipients by state: queued wait, leased are with a worker now, held wait for an "
            "administrator.",
            [Query(gauge("max", "mailquay_queue_recipients", "smtp-out", by="state"), "{{state}}")],
        ),
    ],
)  # fmt: skip

_HEALTH: Final = Row(
    "Health and saturation, by service",
    [
        Panel(
            "Dependencies",
            "1 while every process can use it, 0 when one cannot. Without the database nothing "
            "works; without object storage SMTP says 451; without the bus changes show late.",
            [Query(
                gauge("min", "mailquay_dependency_up", by=f"dependency, {_COMPONENT}"),
                f"{_BY}: {{{{dependency}}}}",
            )],
            kind=Kind.STATES, width=12, height=10, thresholds=(1, 0.5), is_low_bad=True,
        ),
        Panel(
            "Processes by version",
            "How many run of each service and release: two releases while a rollout goes on.",
            [Query(
                f"count by ({_COMPONENT}, version) ({select('mailquay_build_info')})",
                f"{_BY} {{{{version}}}}",
            )],
            kind=Kind.STACK, width=6, height=10,
        ),
        Panel(
            "Draining for",
            "How long the slowest process that was told to end has taken so far; 0 when none is. "
            "It must stay below the grace period.",
            [Query(
                f"max by ({_COMPONENT}) ((time() - "
                f"{select('mailquay_draining_since_seconds')}) * "
                f"({select('mailquay_draining_since_seconds')} > bool 0))",
                _BY,
            )],
            unit="s", width=6, height=10,
        ),
        Panel(
            "CPU",
            "Cores in use, all pods of a service together.",
            [Query(rate("process_cpu_seconds_total", by=_COMPONENT), _BY)],
            unit="cores", width=6,
        ),
        Panel(
            "Memory",
            "Resident memory of the largest process of a service.",
            [Query(gauge("max", "process_resident_memory_bytes", by=_COMPONENT),
                   _BY)],
            unit="bytes", width=6,
        ),
        Panel(
            "Event loop lag, p99",
            "How much later than due a process gets to its work: what CPU does not show.",
            [Query(quantile(0.99, "mailquay_event_loop_lag_seconds", by=_COMPONENT),
                   _BY)],
            unit="s", width=6, thresholds=(0.05, 0.25),
        ),
        Panel(
            "Certificate ends in",
            "Time left of the certificate in use. It is reloaded when its files change.",
            [Query(
                f"min by ({_COMPONENT}) "
                f"({select('mailquay_certificate_expires_seconds')} > 0) - time()",
                _BY,
            )],
            unit="s", width=6, thresholds=(14 * 86400, 3 * 86400), is_low_bad=True,
        ),
    ],
)  # fmt: skip

DASHBOARD: Final = Dashboard(
    "overview",
    "Overview",
    "Whether mail comes in, goes out and is read: traffic, errors, latency and saturation.",
    (_NOW, _TRAFFIC, _ERRORS, _HEALTH),
)
