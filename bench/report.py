"""Figures as a table of ratios, and as JSON."""

import dataclasses
import json
import math
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.cases import Case, Measurement
from bench.targets import Target

__all__ = ["Outcome", "Report", "print_report", "write_report"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A case's measurements by the target's name."""

    case: Case
    runs: dict[str, list[Measurement]]

    def median(self, target: str, of: Callable[[Measurement], float]) -> float:
        """The median of a target's runs; nan when it was not measured."""
        values = [of(measurement) for measurement in self.runs.get(target, [])]
        return statistics.median(values) if values else float("nan")

    def errors(self, target: str) -> int:
        """How much went wrong."""
        return sum(len(measurement.errors) for measurement in self.runs.get(target, []))


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was measured in one run."""

    command: Sequence[str]
    machine: dict[str, Any]
    targets: Sequence[Target]
    outcomes: Sequence[Outcome]
    seconds: float

    @classmethod
    def of(
        cls,
        command: Sequence[str],
        targets: Sequence[Target],
        outcomes: Sequence[Outcome],
        seconds: float,
    ) -> "Report":
        """With what this machine is."""
        machine = {
            "cpu": _cpu(),
            "cores": os.cpu_count(),
            "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
            "system": platform.platform(),
            "python": platform.python_version(),
            "load_average_at_end": os.getloadavg(),
        }
        return cls(command, machine, targets, outcomes, seconds)


def print_report(console: Console, report: Report) -> None:
    """One table a group: each case's servers, ours first, and what ours is to each of them."""
    for target in report.targets:
        console.print(f"[bold]{target.name}[/bold] {target.version}: {'; '.join(target.notes)}")
    ours = report.targets[0].name
    for group in dict.fromkeys(outcome.case.group for outcome in report.outcomes):
        chosen = [outcome for outcome in report.outcomes if outcome.case.group == group]
        table = Table(title=group, title_justify="left", title_style="bold")
        table.add_column("case", no_wrap=True)
        table.add_column("server", no_wrap=True)
        for heading in (chosen[0].case.unit, "ours is", "p50 ms", "p99 ms", "CPU ms"):
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("aim", no_wrap=True)
        for outcome in chosen:
            for name in outcome.runs:
                table.add_row(*_row(outcome, ours, name), end_section=name == [*outcome.runs][-1])
        console.print(table)
    console.print(
        f"{report.seconds:.0f} s on {report.machine['cores']} cores of {report.machine['cpu']}. "
        "Medians of the runs; latency and CPU are of one operation, CPU of all of a server's "
        "processes."
    )


def _row(outcome: Outcome, ours: str, name: str) -> list[str]:
    case = outcome.case
    value = outcome.median(name, lambda m: m.value)
    own = outcome.median(ours, lambda m: m.value)
    ratio = value / own if case.less_is_better else own / value
    errors = outcome.errors(name)
    return [
        case.name if name == ours else "",
        name,
        _number(value) + (f" [red]({errors} errors)[/red]" if errors else ""),
        "" if name == ours else f"{ratio:.2f} x",
        _number(outcome.median(name, lambda m: m.figures.p50_ms if m.figures else math.nan)),
        _number(outcome.median(name, lambda m: m.figures.p99_ms if m.figures else math.nan)),
        _number(outcome.median(name, lambda m: m.server_cpu_ms)),
        case.aim if name == ours else "",
    ]


def _number(value: float) -> str:
    if math.isnan(value):
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def write_report(report: Report, folder: Path) -> Path:
    """Write everything as JSON; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / time.strftime("%Y%m%d-%H%M%S.json")
    content = {
        "command": list(report.command),
        "machine": report.machine,
        "seconds": report.seconds,
        "targets": [
            {"name": t.name, "version": t.version, "notes": t.notes} for t in report.targets
        ],
        "cases": [
            {
                "group": outcome.case.group,
                "name": outcome.case.name,
                "unit": outcome.case.unit,
                "aim": outcome.case.aim,
                "less_is_better": outcome.case.less_is_better,
                "runs": {
                    name: [dataclasses.asdict(run) for run in runs]
                    for name, runs in outcome.runs.items()
                },
            }
            for outcome in report.outcomes
        ],
    }
    path.write_text(json.dumps(content, indent=1, default=str))
    return path


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()
