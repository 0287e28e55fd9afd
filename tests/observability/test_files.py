"""Dashboards, alerts and runbooks fit each other, and what is written in them can be done."""

import json
import re
from collections import Counter

import pytest
import typer.main
import yaml
from tools.asked import CHART, alerts, panels
from tools.dashboards.all import FOLDER, files

from mailquay.cli.app import app
from mailquay.runtime.settings import Settings

ROOT = CHART.parents[1]
RUNBOOKS = {
    path.stem: path.read_text()
    for path in sorted((ROOT / "docs" / "runbooks").glob("Mailquay*.md"))
}  # fmt: skip
PANELS = panels()
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SECTIONS = ["What users notice", "What to look at", "What to do", "How it heals"]
THRESHOLD = re.compile(r"[<>] ([0-9.]+) # (\w+)$", re.MULTILINE)


def test_the_dashboards_are_what_is_made_now():
    assert {path.name for path in FOLDER.iterdir()} == set(files())
    for name, text in files().items():
        assert (FOLDER / name).read_text() == text, "run `make docs`"


def test_a_dashboard_can_be_imported_anywhere():
    uids = Counter()
    for path in FOLDER.iterdir():
        dashboard = json.loads(path.read_text())
        uids[dashboard["uid"]] += 1
        assert dashboard["schemaVersion"] >= 39  # Grafana 10.4
        assert len(dashboard["uid"]) <= 40
        names = [variable["name"] for variable in dashboard["templating"]["list"]]
        assert names == ["datasource", "namespace"]
        assert "${DS_" not in path.read_text()
        ids = [panel["id"] for panel in dashboard["panels"]]
        assert len(ids) == len(set(ids))
    assert set(uids.values()) == {1}


def test_panels_do_not_cover_each_other():
    for path in FOLDER.iterdir():
        taken: set[tuple[int, int]] = set()
        for panel in json.loads(path.read_text())["panels"]:
            place = panel["gridPos"]
            cells = {
                (place["x"] + x, place["y"] + y)
                for x in range(place["w"]) for y in range(place["h"])
            }  # fmt: skip
            assert not cells & taken, (path.name, panel["title"])
            assert max(x for x, _ in cells) < 24
            taken |= cells


@pytest.mark.parametrize(("where", "panel"), PANELS, ids=[where for where, _ in PANELS])
def test_a_panel_says_what_it_shows_in_which_unit(where: str, panel: dict):
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])
    if panel["type"] != "stat":
        assert all(target["legendFormat"] for target in panel["targets"])


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_what_to_do(rule: dict):
    assert rule["labels"]["severity"] in ("critical", "warning")
    notes = rule["annotations"]
    assert set(notes) == {"summary", "description", "runbook_url"}
    assert "$value" in notes["description"]
    assert notes["runbook_url"] == f"docs/runbooks/{rule['alert']}.md"


def test_each_alert_has_a_runbook_and_each_runbook_an_alert():
    assert set(RUNBOOKS) == {rule["alert"] for rule in alerts()}


@pytest.mark.parametrize("name", RUNBOOKS)
def test_a_runbook_answers_the_same_questions(name: str):
    lines = RUNBOOKS[name].splitlines()
    assert lines[0] == f"# {name}"
    assert [line[3:] for line in lines if line.startswith("## ")] == SECTIONS


def commands() -> set[str]:
    """Every command of `mailquay`, groups with what is in them."""
    found = set()
    for name, command in typer.main.get_group(app).commands.items():
        found.add(name)
        found |= {f"{name} {sub}" for sub in getattr(command, "commands", {})}
    return found


@pytest.mark.parametrize("name", RUNBOOKS)
def test_commands_settings_and_alerts_that_a_runbook_names_exist(name: str):
    text = RUNBOOKS[name]
    known = commands()
    for first, second in re.findall(r"`(?:[^`]*-- )?mailquay ([a-z]+)(?: ([a-z-]+))?", text):
        group = any(command.startswith(f"{first} ") for command in known)
        assert (f"{first} {second}" if group else first) in known, (first, second)
    for setting in re.findall(r"MAILQUAY_([A-Z_]+)", text):
        at = Settings
        for step in setting.lower().split("__"):
            at = at.model_fields[step].annotation
    for other in re.findall(r"\bMailquay[A-Z]\w+", text):
        assert other in RUNBOOKS
    for path in re.findall(
        r"`((?:autoscaling|networkPolicy|metrics|smtpIn|smtpOut)[.][\w.]+)", text
    ):
        assert is_value(path.split(".")), path


def is_value(steps: list[str]) -> bool:
    """Whether the chart has that value: by itself, or as one that its services share."""

    def is_in(tree: object, steps: list[str]) -> bool:
        for step in steps:
            if not isinstance(tree, dict) or step not in tree:
                return False
            tree = tree[step]
        return True

    shared = VALUES["defaults"]
    return is_in(VALUES, steps) or is_in(shared, steps) or is_in(shared, steps[1:])


def test_thresholds_are_the_values_of_the_chart():
    """Each is named in an alert and in its runbook, and its number is the chart's own."""
    values = VALUES["metrics"]["rules"]["thresholds"]
    found: dict[str, float] = {}
    for rule in alerts():
        for number, name in THRESHOLD.findall(rule["expr"]):
            assert found.setdefault(name, float(number)) == float(number)
            assert f"`{name}`" in RUNBOOKS[rule["alert"]]
    assert found == values
