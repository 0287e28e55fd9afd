"""The metrics that there are: their labels, and the values that are known beforehand."""

import subprocess
import sys
from dataclasses import dataclass, field

import pytest
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from mailquay.runtime import metrics

#: Of kube-state-metrics, by its documentation.
_KUBERNETES = {
    "kube_deployment_spec_replicas": {"deployment"},
    "kube_deployment_status_replicas_ready": {"deployment"},
    "kube_pod_container_status_restarts_total": {"container", "uid"},
    "kube_cronjob_status_last_successful_time": {"cronjob"},
    "kube_cronjob_created": {"cronjob"},
    "kube_horizontalpodautoscaler_status_current_replicas": {"horizontalpodautoscaler"},
    "kube_horizontalpodautoscaler_spec_max_replicas": {"horizontalpodautoscaler"},
}
_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
#: Values that come with the first use; of the rest no expression may name one.
_LATER = {
    ("mailquay_dependency_up", "dependency"): {
        "database", "blobs", "bus", "certificate", "certificate_files",
    },
    ("mailquay_dependency_check_seconds", "dependency"): {"database", "blobs", "bus"},
    ("mailquay_queue_recipients", "state"): {"queued", "leased", "held"},
    ("mailquay_imap_commands_total", "result"): {"ok", "no", "bad"},
    ("mailquay_imap_commands_total", "command"): {"IDLE"},
    ("mailquay_imap_command_seconds_bucket", "command"): {"IDLE"},
    ("mailquay_jmap_calls_total", "result"): {"ok"},
    ("mailquay_web_requests_total", "status"): {"5..", "401", "403", "413", "429"},
}  # fmt: skip


@dataclass
class Series:
    """A metric's labels, and their values where they are known."""

    labels: set[str]
    values: dict[str, set[str]] = field(default_factory=dict)


@pytest.fixture(scope="session")
def series() -> dict[str, Series]:
    """Every series that a process serves; read from one of its own, as here tests count things."""
    served = subprocess.run(
        [sys.executable, "-c",
         "from mailquay.runtime import metrics; print(metrics.exposition().decode())"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    found: dict[str, Series] = {}
    for family in text_string_to_metric_families(served):
        for sample in family.samples:
            metric = found.setdefault(sample.name, Series(set(sample.labels)))
            for label, value in sample.labels.items():
                metric.values.setdefault(label, set()).add(value)
    for each in vars(metrics).values():
        if isinstance(each, MetricWrapperBase):  # those with no value yet have a help text only
            for suffix in _SUFFIXES[each._type]:
                labels = {*each._labelnames, *(["le"] if suffix == "_bucket" else [])}
                found.setdefault(each._name + suffix, Series(labels))
    for name, labels in _KUBERNETES.items():
        found[name] = Series(labels, {label: {"mailquay-.+"} for label in labels})
    found["up"] = Series(set())
    for (name, label), values in _LATER.items():
        found[name].values[label] = values
    return found
