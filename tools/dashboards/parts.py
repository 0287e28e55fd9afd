"""What dashboards are made of, and its form in Grafana's JSON (10 and 11)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

__all__ = ["Dashboard", "Kind", "Panel", "Query", "Row", "render"]

Json = dict[str, Any]
_SCHEMA: Final = 39
_COLUMNS: Final = 24
_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}


class Kind(Enum):
    """How a panel shows its numbers."""

    LINES = "timeseries"
    STACK = "stack"
    STAT = "stat"
    HEATMAP = "heatmap"
    STATES = "state-timeline"


@dataclass(frozen=True, slots=True)
class Query:
    """An expression, and what its series are called: ``{{label}}`` is a label's value."""

    expression: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel; ``unit`` is Grafana's word for it, ``thresholds`` colour the value from there on."""

    title: str
    description: str
    queries: Sequence[Query]
    unit: str = "short"
    kind: Kind = Kind.LINES
    width: int = 8
    height: int = 8
    #: Yellow from the first, red from the second on.
    thresholds: tuple[float, float] | None = None
    #: Bad is what is below, not above.
    is_low_bad: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard; ``name`` is its file's, and ends its uid."""

    name: str
    title: str
    description: str
    rows: Sequence[Row] = field(default_factory=tuple)


def render(dashboard: Dashboard) -> Json:
    """A dashboard as Grafana reads it."""
    return {
        "uid": f"mailquay-{dashboard.name}",
        "title": f"Mailquay / {dashboard.title}",
        "description": dashboard.description,
        "tags": ["mailquay"],
        "schemaVersion": _SCHEMA,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "",
        "annotations": {"list": []},
        "links": [
            {
                "title": "Mailquay",
                "type": "dashboards",
                "tags": ["mailquay"],
                "asDropdown": True,
                "includeVars": True,
                "keepTime": True,
            }
        ],
        "templating": {"list": _variables()},
        "panels": _panels(dashboard.rows),
    }


def _variables() -> list[Json]:
    return [
        {
            "name": "datasource",
            "label": "Data source",
            "type": "datasource",
            "query": "prometheus",
            "current": {},
        },
        {
            "name": "namespace",
            "label": "Namespace",
            "type": "query",
            "datasource": _SOURCE,
            "query": {
                "query": "label_values(mailquay_build_info, namespace)",
                "refId": "namespace",
            },
            "refresh": 2,
            "sort": 1,
            "multi": True,
            "includeAll": True,
            "allValue": ".+",
            "current": {"text": "All", "value": "$__all"},
        },
    ]


def _panels(rows: Sequence[Row]) -> list[Json]:
    """The rows one below the other, their panels from left to right."""
    made: list[Json] = []
    top = 0
    for row in rows:
        place = {"x": 0, "y": top, "w": _COLUMNS, "h": 1}
        made.append(
            {
                "id": len(made) + 1,
                "type": "row",
                "title": row.title,
                "collapsed": False,
                "gridPos": place,
                "panels": [],
            }
        )
        top += 1
        left = height = 0
        for panel in row.panels:
            if left + panel.width > _COLUMNS:
                top, left, height = top + height, 0, 0
            place = {"x": left, "y": top, "w": panel.width, "h": panel.height}
            made.append({"id": len(made) + 1, "gridPos": place, **_panel(panel)})
            left += panel.width
            height = max(height, panel.height)
        top += height
    return made


def _panel(panel: Panel) -> Json:
    kind = Kind.LINES if panel.kind is Kind.STACK else panel.kind
    return {
        "type": kind.value,
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "targets": [_target(panel, number) for number in range(len(panel.queries))],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _OPTIONS[kind] if kind is not Kind.HEATMAP else _heatmap_options(panel),
    }


def _target(panel: Panel, number: int) -> Json:
    query = panel.queries[number]
    is_heatmap = panel.kind is Kind.HEATMAP
    return {
        "refId": chr(ord("A") + number),
        "datasource": _SOURCE,
        "editorMode": "code",
        "expr": query.expression,
        "legendFormat": query.legend,
        "format": "heatmap" if is_heatmap else "time_series",
        "instant": panel.kind is Kind.STAT,
        "range": panel.kind is not Kind.STAT,
    }


def _defaults(panel: Panel) -> Json:
    steps: list[Json] = [{"color": "green", "value": None}]
    if panel.thresholds is not None:
        first, second = panel.thresholds
        if panel.is_low_bad:
            steps = [
                {"color": "red", "value": None},
                {"color": "yellow", "value": second},
                {"color": "green", "value": first},
            ]
        else:
            steps += [{"color": "yellow", "value": first}, {"color": "red", "value": second}]
    defaults: Json = {
        "unit": panel.unit,
        "min": 0,
        "thresholds": {"mode": "absolute", "steps": steps},
        "color": {"mode": "palette-classic"},
    }
    if panel.kind in (Kind.STAT, Kind.STATES):
        defaults["color"] = {"mode": "thresholds"}
    if panel.kind in (Kind.LINES, Kind.STACK):
        is_stack = panel.kind is Kind.STACK
        defaults["custom"] = {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 25 if is_stack else 0,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"mode": "normal" if is_stack else "none", "group": "A"},
            "thresholdsStyle": {"mode": "off" if panel.thresholds is None else "dashed"},
        }
    return defaults


def _heatmap_options(panel: Panel) -> Json:
    return {
        "calculate": False,
        "cellGap": 1,
        "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64, "reverse": False},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "tooltip": {"show": True, "mode": "single", "yHistogram": True},  # of 10 and of 11
        "yAxis": {"axisPlacement": "left", "unit": panel.unit},
    }


_OPTIONS: Final[dict[Kind, Json]] = {
    Kind.LINES: {
        "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    Kind.STAT: {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "textMode": "auto",
    },
    Kind.STATES: {
        "alignValue": "left",
        "legend": {"displayMode": "list", "placement": "bottom"},
        "mergeValues": True,
        "rowHeight": 0.8,
        "showValue": "auto",
        "tooltip": {"mode": "single"},
    },
}
