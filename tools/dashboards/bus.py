"""Bus: NATS, which tells processes of changes at once."""

from typing import Final

from tools.dashboards.parts import Dashboard, Kind, Panel, Query, Row
from tools.dashboards.promql import gauge, rate, select

__all__ = ["DASHBOARD"]

_COMPONENT: Final = "app_kubernetes_io_component"
_BY: Final = f"{{{{{_COMPONENT}}}}}"

_BUS: Final = Row(
    "NATS",
    [
        Panel(
            "Connected",
            "1 while every process of a service is connected. Without it nothing is lost: changes "
            "are seen by polling, and show late.",
            [Query(gauge("min", "mailquay_bus_connected", by=_COMPONENT), _BY)],
            kind=Kind.STATES, width=12, thresholds=(1, 0.5), is_low_bad=True,
        ),
        Panel(
            "Connections lost and found",
            "Changes within an hour, of all processes of a service: a network that flaps.",
            [Query(
                f"sum by ({_COMPONENT}) (changes({select('mailquay_bus_connected')}[1h]))", _BY
            )],
            width=12, thresholds=(2, 10),
        ),
        Panel(
            "Events",
            "Per second. Dropped were not sent, as there was no connection; unreadable are of a "
            "release that we do not know.",
            [Query(rate("mailquay_bus_events_total", by="result"), "{{result}}")],
            unit="ops",
        ),
        Panel(
            "Events published",
            "Per second by the service that tells.",
            [Query(rate("mailquay_bus_events_total", None, 'result="published"', by=_COMPONENT),
                   _BY)],
            unit="ops",
        ),
        Panel(
            "Events received",
            "Per second by the service that hears; only of accounts that somebody watches.",
            [Query(rate("mailquay_bus_events_total", None, 'result="received"', by=_COMPONENT),
                   _BY)],
            unit="ops",
        ),
        Panel(
            "Accounts listened to",
            "Subscriptions to an account's changes, by service.",
            [Query(gauge("sum", "mailquay_bus_accounts", by=_COMPONENT), _BY)],
            width=12,
        ),
        Panel(
            "Who waits for news",
            "Connections in IDLE, and the webmail's push streams.",
            [
                Query(gauge("sum", "mailquay_imap_idling", "imap"), "IDLE"),
                Query(gauge("sum", "mailquay_web_event_streams", "webmail-api"), "push streams"),
            ],
            width=12,
        ),
    ],
)  # fmt: skip

DASHBOARD: Final = Dashboard(
    "bus",
    "Bus",
    "The event bus: whether it is there, what goes over it, who listens.",
    (_BUS,),
)
