"""IMAP grows from one pod to three under connections, and shrinks again."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tools.cluster.mail_load import LOAD_VALUES, mail_load
from tools.cluster.processes import wait_until
from tools.cluster.release import Release

METRICS_PORT = 9090
#: By which an autoscaler wants three pods for 300 clients.
CONNECTIONS = 100
CLIENTS = 300
_AT_ONCE = {"stabilizationWindowSeconds": 0, "selectPolicy": "Max"}
_MANY = [{"type": "Pods", "value": 10, "periodSeconds": 5}]
VALUES: dict[str, Any] = {
    "networkPolicy": {"metrics": {"from": []}},
    "imap": {
        "service": {"type": "LoadBalancer"},
        "autoscaling": {
            "enabled": True,
            "minReplicas": 1,
            "maxReplicas": 3,
            "targets": {"cpuPercent": None, "connections": CONNECTIONS},
            "behavior": {
                "scaleUp": _AT_ONCE | {"policies": _MANY},
                "scaleDown": _AT_ONCE | {"policies": _MANY},
            },
        },
    },
}

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def installed(release: Release) -> Release:
    release.install(LOAD_VALUES | VALUES)
    return release


def connections(release: Release) -> dict[str, float]:
    """Clients of each IMAP pod that goes on."""
    counted = {}
    for pod in release.pods("imap"):
        address = pod["status"].get("podIP")
        if address is None or "deletionTimestamp" in pod["metadata"]:
            continue
        try:
            told = httpx.get(f"http://{address}:{METRICS_PORT}/metrics", timeout=10).text
        except httpx.TransportError:
            continue
        counted[pod["metadata"]["name"]] = sum(
            sample.value
            for family in text_string_to_metric_families(told)
            for sample in family.samples
            if sample.name == "mailquay_connections_open"
        )
    return counted


def ready_pods(release: Release) -> int:
    deployment = release.cluster.get(
        "deployment", f"{release.name}-imap", namespace=release.namespace
    )
    ready: int = deployment["status"].get("readyReplicas", 0)
    return ready


def test_imap_grows_and_shrinks_with_its_connections(installed: Release, tmp_path: Path) -> None:
    wait_until("one pod", lambda: ready_pods(installed) == 1, seconds=300)
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    with mail_load(installed, tmp_path / "first", clients=CLIENTS, accounts=15) as first:
        wait_until("three pods", lambda: ready_pods(installed) == 3, seconds=300)
        # Who is connected stays where it is; who comes now is spread.
        before = connections(installed)
        with mail_load(installed, tmp_path / "second", clients=150, accounts=15) as second:
            grown = {
                pod: count - before.get(pod, 0) for pod, count in connections(installed).items()
            }
            assert len(grown) == 3
            assert min(grown.values()) >= 15, grown
            # Each message is delivered by any smtp-in, and wakes clients on all three.
            told = second.end()
        assert told["holds"], told
        report = first.end()
    assert report["holds"], report
    assert report["clients"]["sent_away"] == 0
    wait_until("one pod again", lambda: ready_pods(installed) == 1, seconds=600)
