"""Dashboards and alerts as the chart puts them into a cluster."""

import json

from tools.asked import CHART, alerts

ALL = {"metrics": {"dashboards": {"enabled": True}, "rules": {"enabled": True}}}


def rules(rendering) -> list[dict]:
    (made,) = rendering.of_kind("PrometheusRule")
    return [rule for group in made["spec"]["groups"] for rule in group["rules"]]


def with_rules(**values) -> dict:
    return {"metrics": {"rules": {"enabled": True, **values}}}


def test_dashboards_and_alerts_are_off_until_they_are_wanted(chart):
    rendering = chart.render(
        {"metrics": {"dashboards": {"enabled": False}, "rules": {"enabled": False}}}
    )
    assert not rendering.of_kind("PrometheusRule")
    assert not [m for m in rendering.of_kind("ConfigMap") if "dashboard" in m["metadata"]["name"]]


def test_each_dashboard_is_a_config_map_that_grafana_finds(chart):
    made = [
        each for each in chart.render(ALL).of_kind("ConfigMap")
        if each["metadata"]["labels"].get("grafana_dashboard") == "1"
    ]  # fmt: skip
    files = {name: text for each in made for name, text in each["data"].items()}
    assert {name.removeprefix("mailquay-"): json.loads(text) for name, text in files.items()} == {
        path.name: json.loads(path.read_text()) for path in CHART.glob("dashboards/*.json")
    }


def test_a_dashboards_folder_and_label_can_be_said(chart):
    over = {"enabled": True, "labels": {"find": "me"}, "annotations": {"grafana_folder": "Mail"}}
    made = [
        each for each in chart.render({"metrics": {"dashboards": over}}).of_kind("ConfigMap")
        if each["metadata"]["labels"].get("find") == "me"
    ]  # fmt: skip
    assert len(made) == len(list(CHART.glob("dashboards/*.json")))
    assert all(each["metadata"]["annotations"]["grafana_folder"] == "Mail" for each in made)


def test_alerts_are_those_of_the_files_for_this_release_alone(chart):
    made = rules(chart.render(ALL, namespace="post"))
    assert sorted(rule["alert"] for rule in made) == sorted(rule["alert"] for rule in alerts())
    for rule in made:
        assert 'namespace="post"' in rule["expr"]
        assert '=~".+"' not in rule["expr"]
        assert '=~"mailquay-.+"' not in rule["expr"]
    (pods,) = (rule for rule in made if rule["alert"] == "MailquayPodsNotReady")
    assert 'deployment=~"mq-mailquay-.+"' in pods["expr"]
    (slow,) = (rule for rule in made if rule["alert"] == "MailquayDeliverySlow")
    assert "{{ $value | humanizeDuration }}" in slow["annotations"]["description"]


def test_thresholds_are_the_operators(chart):
    over = with_rules(thresholds={"certificateSeconds": 2592000, "deferredRatio": 0.125})
    made = {rule["alert"]: rule for rule in rules(chart.render(over))}
    assert made["MailquayCertificateExpiring"]["expr"].endswith("< 2592000 # certificateSeconds")
    assert made["MailquayMailDeferred"]["expr"].endswith("> 0.125 # deferredRatio")
    assert made["MailquayDeliverySlow"]["expr"].endswith("> 5 # deliverySeconds")


def test_a_threshold_that_is_none_is_refused(chart):
    assert "deferredRatio" in chart.refusal(with_rules(thresholds={"deferredRatio": 5}))
    assert "deferedRatio" in chart.refusal(with_rules(thresholds={"deferedRatio": 0.1}))


def test_alerts_can_be_left_out(chart):
    everything = len(rules(chart.render(with_rules())))
    assert len(rules(chart.render(with_rules(disabled=["MailquayQueueOld"])))) == everything - 1
    kubernetes = len(rules(chart.render(with_rules(kubeStateMetrics=False))))
    assert kubernetes == everything - 4


def test_a_service_that_does_not_run_is_not_missing(chart):
    made = rules(chart.render({**with_rules(), "pop3": {"enabled": False}}))
    missing = [
        rule["labels"]["app_kubernetes_io_component"] for rule in made
        if rule["alert"] == "MailquayTargetMissing"
    ]  # fmt: skip
    assert sorted(missing) == ["imap", "smtp-in", "smtp-out", "webmail-api"]


def test_labels_and_runbooks_are_the_operators(chart):
    over = with_rules(
        labels={"prometheus": "main"}, alertLabels={"team": "mail"},
        runbookUrl="https://wiki.example.com/mail/",
    )  # fmt: skip
    rendering = chart.render(over)
    (made,) = rendering.of_kind("PrometheusRule")
    assert made["metadata"]["labels"]["prometheus"] == "main"
    for rule in rules(rendering):
        assert rule["labels"]["team"] == "mail"
        assert rule["labels"]["severity"] in ("critical", "warning")
        url = f"https://wiki.example.com/mail/{rule['alert']}.md"
        assert rule["annotations"]["runbook_url"] == url
