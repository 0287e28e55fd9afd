"""What the chart asks of Prometheus: each panel's expressions, and each alert's."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

__all__ = ["CHART", "Asked", "alerts", "everything_asked", "filled_in", "panels"]

CHART: Final = Path(__file__).parents[1] / "charts" / "mailquay"


@dataclass(frozen=True, slots=True)
class Asked:
    """An expression, and where it stands."""

    where: str
    expression: str

    def __str__(self) -> str:
        return self.where


def panels() -> list[tuple[str, dict[str, Any]]]:
    """Each panel, and where it stands."""
    return [
        (f"{path.stem}: {panel['title']}", panel)
        for path in sorted(CHART.glob("dashboards/*.json"))
        for panel in json.loads(path.read_text())["panels"]
        if panel["type"] != "row"
    ]


def alerts() -> list[dict[str, Any]]:
    """Each alert, as its file has it."""
    return [
        rule
        for path in sorted(CHART.glob("alerts/*.yaml"))
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    ]


def filled_in(expression: str, *, namespace: str = ".+", interval: str = "1m") -> str:
    """A panel's expression with its variables replaced, as Grafana does it."""
    return expression.replace("$__rate_interval", interval).replace("$namespace", namespace)


def everything_asked() -> Iterator[Asked]:
    """Every expression of the dashboards and the alerts."""
    for where, panel in panels():
        for target in panel["targets"]:
            yield Asked(f"{where} {target['refId']}", filled_in(target["expr"]))
    for rule in alerts():
        yield Asked(f"alert {rule['alert']}", rule["expr"])
