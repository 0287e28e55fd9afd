"""Every expression of the dashboards and alerts asks for metrics that there are, by their labels."""

import re

import pytest
from tools.asked import Asked, alerts, everything_asked, filled_in, panels
from tools.promql_selectors import read_promql

#: What scraping adds to every series, and kube-state-metrics to its own.
TARGET = {"namespace", "pod", "app_kubernetes_io_component"}
COMPONENTS = {"smtp-in", "smtp-out", "imap", "pop3", "webmail-api"}
ASKED = list(everything_asked())
PANELS = panels()


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_metrics_labels_and_their_values_are_there(asked: Asked, series):
    read = read_promql(asked.expression)
    assert read.selectors
    known = set(TARGET)
    for selector in read.selectors:
        assert selector.metric in series, f"no metric is called {selector.metric}"
        metric = series[selector.metric]
        known |= metric.labels
        for matcher in selector.matchers:
            assert matcher.label in metric.labels | TARGET, matcher
            if matcher.label == "app_kubernetes_io_component" and matcher.value != ".+":
                assert set(matcher.value.split("|")) <= COMPONENTS
            elif matcher.label in metric.labels:
                assert set(matcher.value.split("|")) <= metric.values[matcher.label], matcher
    assert read.labels <= known


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_every_series_is_of_the_namespace_that_is_looked_at(asked: Asked):
    for selector in read_promql(asked.expression).selectors:
        assert "namespace" in {matcher.label for matcher in selector.matchers}, selector


@pytest.mark.parametrize(("where", "panel"), PANELS, ids=[where for where, _ in PANELS])
def test_a_legend_names_labels_that_its_expression_keeps(where: str, panel: dict):
    for target in panel["targets"]:
        kept = read_promql(filled_in(target["expr"])).labels
        assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= kept, target["legendFormat"]


def test_what_is_measured_is_shown(series):
    """No metric of ours that nobody looks at."""
    used = {s.metric for asked in ASKED for s in read_promql(asked.expression).selectors}
    ours = {
        re.sub(r"_(bucket|sum|count|created)$", "", name)
        for name in series
        if name.startswith("mailquay_") and not name.endswith("_created")
    }
    assert ours - {re.sub(r"_(bucket|sum|count)$", "", name) for name in used} == set()


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alerts_words_name_labels_that_it_has(rule: dict):
    read = read_promql(rule["expr"])
    described = rule["annotations"]["description"] + rule["annotations"]["summary"]
    kept = set(read.labels) | set(rule["labels"])
    if not read.labels or rule["expr"].startswith(("kube_", "time()")):  # not aggregated
        kept |= {m.label for selector in read.selectors for m in selector.matchers}
    assert set(re.findall(r"\$labels\.(\w+)", described)) <= kept
