"""How many pods there are, and how few at once."""

import pytest

SERVICES = {
    "smtp-in": "smtpIn",
    "smtp-out": "smtpOut",
    "imap": "imap",
    "pop3": "pop3",
    "webmail-api": "webmailApi",
}


def scaled(rendering):
    return {
        each["spec"]["scaleTargetRef"]["name"]
        for each in rendering.of_kind("HorizontalPodAutoscaler", "ScaledObject")
    }


def test_what_scales_by_itself_is_given_no_number_of_pods(rendering):
    for deployment in rendering.of_kind("Deployment"):
        is_scaled = deployment["metadata"]["name"] in scaled(rendering)
        assert ("replicas" in deployment["spec"]) != is_scaled, deployment["metadata"]["name"]


def test_scalers_scale_deployments_that_are_there(rendering):
    names = {each["metadata"]["name"] for each in rendering.of_kind("Deployment")}
    assert scaled(rendering) <= names
    for each in rendering.of_kind("HorizontalPodAutoscaler"):
        spec = each["spec"]
        assert spec["minReplicas"] <= spec["maxReplicas"]
        assert spec["metrics"]


def test_connections_are_long_so_pods_go_slowly(rendering):
    for each in rendering.of_kind("HorizontalPodAutoscaler", "ScaledObject"):
        spec = each["spec"]
        if each["kind"] == "ScaledObject":
            spec = spec["advanced"]["horizontalPodAutoscalerConfig"]
        down = spec["behavior"]["scaleDown"]
        assert down["stabilizationWindowSeconds"] >= 300
        assert down["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 120}]


@pytest.mark.parametrize(("name", "key"), SERVICES.items())
def test_each_service_scales_by_cpu_when_asked_to(chart, name, key):
    over = {key: {"autoscaling": {"enabled": True, "minReplicas": 3, "maxReplicas": 7}}}
    rendering = chart.render(over)
    assert scaled(rendering) == {f"mq-mailquay-{name}"}
    spec = rendering.get("HorizontalPodAutoscaler", f"mq-mailquay-{name}")["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 7)
    target = {"type": "Utilization", "averageUtilization": 70}
    assert spec["metrics"] == [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]


@pytest.mark.parametrize(
    ("name", "metric", "value", "by_cpu_too"),
    [
        ("imap", "mailquay_connections_open", "2000", False),
        ("smtp-out", "mailquay_queue_late_seconds", "60", False),
        ("smtp-in", "mailquay_delivery_lag_seconds", "0.5", True),
    ],
)
def test_or_by_what_it_measures_itself(chart, name, metric, value, by_cpu_too):
    rendering = chart.render(base="custom-metric-hpa")
    *others, own = rendering.get("HorizontalPodAutoscaler", f"mq-mailquay-{name}")["spec"][
        "metrics"
    ]
    target = {"type": "AverageValue", "averageValue": value}
    assert own == {"type": "Pods", "pods": {"metric": {"name": metric}, "target": target}}
    assert [each["resource"]["name"] for each in others] == ["cpu"] * by_cpu_too


@pytest.mark.parametrize(
    ("name", "query", "threshold", "kind"),
    [
        ("imap", "sum(mailquay_connections_open{%s})", "4000", "AverageValue"),
        ("smtp-out", "max(mailquay_queue_late_seconds{%s})", "60", "Value"),
        ("smtp-in", "max(mailquay_delivery_lag_seconds{%s})", "0.5", "Value"),
    ],
)
def test_or_keda_asks_prometheus(chart, name, query, threshold, kind):
    spec = chart.render(base="external-everything").get("ScaledObject", f"mq-mailquay-{name}")
    (trigger,) = [t for t in spec["spec"]["triggers"] if t["type"] == "prometheus"]
    selector = f'namespace="mail",app_kubernetes_io_component="{name}"'
    assert trigger["metadata"]["query"] == query % selector
    assert trigger["metadata"]["threshold"] == threshold
    assert trigger["metadata"]["serverAddress"] == "http://prometheus.monitoring:9090"
    assert trigger["metricType"] == kind


def test_metrics_that_are_scaled_by_are_measured(chart):
    from mailquay.runtime import metrics

    exposed = metrics.exposition().decode()
    for base in ("custom-metric-hpa", "external-everything"):
        text = "\n".join(
            str(each)
            for each in chart.render(base=base).of_kind("HorizontalPodAutoscaler", "ScaledObject")
        )
        for name in (
            "mailquay_connections_open",
            "mailquay_queue_late_seconds",
            "mailquay_delivery_lag_seconds",
        ):
            assert name in text
            assert f"# TYPE {name} gauge" in exposed


def test_further_metrics_and_triggers_are_taken_as_they_are(chart):
    metric = {"type": "External", "external": {"metric": {"name": "x"}}}
    over = {"imap": {"autoscaling": {"enabled": True, "metrics": [metric]}}}
    hpa = chart.render(over).get("HorizontalPodAutoscaler", "mq-mailquay-imap")
    assert hpa["spec"]["metrics"][-1] == metric
    trigger = {"type": "cron", "metadata": {"timezone": "UTC"}}
    over = {"imap": {"autoscaling": {"enabled": True, "by": "keda", "triggers": [trigger]}}}
    scaled_object = chart.render(over).get("ScaledObject", "mq-mailquay-imap")
    assert scaled_object["spec"]["triggers"][-1] == trigger


def test_a_drain_of_nodes_takes_one_pod_of_a_service_at_once(chart):
    rendering = chart.render()
    for name in SERVICES:
        spec = rendering.get("PodDisruptionBudget", f"mq-mailquay-{name}")["spec"]
        assert spec["maxUnavailable"] == 1
        # A pod that is not ready serves nobody: it holds up no drain.
        assert spec["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_or_as_a_share_or_as_what_has_to_stay(chart):
    rendering = chart.render(base="custom-metric-hpa")
    pop3 = rendering.get("PodDisruptionBudget", "mq-mailquay-pop3")["spec"]
    imap = rendering.get("PodDisruptionBudget", "mq-mailquay-imap")["spec"]
    assert pop3["maxUnavailable"] == "25%"
    assert imap["minAvailable"] == 2
    assert "maxUnavailable" not in imap


@pytest.mark.parametrize(("name", "key"), SERVICES.items())
def test_a_service_that_is_switched_off_leaves_nothing(chart, name, key):
    rendering = chart.render({key: {"enabled": False}})
    left = [
        (each["kind"], each["metadata"]["name"])
        for each in rendering.manifests
        if each["metadata"]["labels"]["app.kubernetes.io/component"] == name
    ]
    assert left == []


@pytest.mark.parametrize("kind", ["PodMonitor", "ServiceMonitor"])
def test_series_carry_the_component_that_dashboards_select_by(chart, kind):
    value = kind[0].lower() + kind[1:]
    rendering = chart.render({"metrics": {value: {"enabled": True, "labels": {"release": "p"}}}})
    monitors = rendering.of_kind(kind)
    assert len(monitors) == len(SERVICES)
    for monitor in monitors:
        assert monitor["metadata"]["labels"]["release"] == "p"
        spec = monitor["spec"]
        (endpoint,) = spec["podMetricsEndpoints" if kind == "PodMonitor" else "endpoints"]
        assert (endpoint["port"], endpoint["path"]) == ("metrics", "/metrics")
        source = "__meta_kubernetes_pod_label_app_kubernetes_io_component"
        assert {"sourceLabels": [source], "targetLabel": "app_kubernetes_io_component"} in (
            endpoint["relabelings"]
        )


def test_a_service_monitor_finds_the_metrics_own_service_alone(chart):
    rendering = chart.render({"metrics": {"serviceMonitor": {"enabled": True}}})
    for monitor in rendering.of_kind("ServiceMonitor"):
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        found = [
            service["metadata"]["name"]
            for service in rendering.of_kind("Service")
            if wanted <= service["metadata"]["labels"].items()
        ]
        assert found == [f"{monitor['metadata']['name']}-metrics"]
