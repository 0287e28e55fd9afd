"""The API server itself takes every manifest of every value set, as does Pod Security's strictest."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tools.cluster.running import RunningCluster

pytestmark = pytest.mark.cluster

CHART = Path(__file__).parents[2] / "charts" / "mailquay"
VALUE_SETS = sorted(path.name for path in CHART.glob("ci/*-values.yaml"))
#: Whose kinds nobody has added to this cluster.
FOREIGN = ("cert-manager.io", "postgresql.cnpg.io", "keda.sh", "monitoring.coreos.com",
           "gateway.networking.k8s.io")  # fmt: skip


@pytest.fixture
def restricted(cluster: RunningCluster, namespace: str) -> str:
    """A namespace that takes no pod but by the Pod Security Standard `restricted`."""
    cluster.kubectl(
        "label", "namespace", namespace,
        *(f"pod-security.kubernetes.io/{mode}=restricted" for mode in ("enforce", "warn")),
    )  # fmt: skip
    return namespace


def manifests(cluster: RunningCluster, values: str, namespace: str) -> Iterator[dict[str, Any]]:
    """What is made of a value set, but for what the cluster does not know."""
    version = json.loads(cluster.kubectl("version", "--output=json"))["serverVersion"]
    # By itself it would ask the server, which refuses all for the sake of one kind.
    text = cluster.helm(
        "template", "mq", CHART, f"--kube-version={version['gitVersion']}",
        f"--namespace={namespace}", f"--values={CHART / 'ci' / values}",
    )  # fmt: skip
    # Without it a pod is refused before anything in it is looked at.
    cluster.kubectl("create", "serviceaccount", "mq-mailquay", f"--namespace={namespace}")
    for manifest in yaml.safe_load_all(text):
        if manifest and manifest["apiVersion"].partition("/")[0] not in FOREIGN:
            yield manifest


@pytest.mark.parametrize("values", VALUE_SETS)
def test_the_api_server_takes_all_of_a_value_set_without_a_warning(
    cluster: RunningCluster, restricted: str, values: str
) -> None:
    found = list(manifests(cluster, values, restricted))
    assert {"Deployment", "Service", "NetworkPolicy", "Job", "Pod"} <= {m["kind"] for m in found}
    items = json.dumps({"apiVersion": "v1", "kind": "List", "items": found})
    told = cluster.kubectl(
        "apply", "--server-side", "--dry-run=server", "--validate=strict", "--warnings-as-errors",
        "--force-conflicts", f"--namespace={restricted}", "--filename=-", stdin=items,
    )  # fmt: skip
    assert told.count("serverside-applied (server dry run)") == len(found)


def test_pod_security_refuses_a_pod_that_is_less_careful(
    cluster: RunningCluster, restricted: str
) -> None:
    (pod,) = [
        m for m in manifests(cluster, VALUE_SETS[0], restricted) if m["kind"] == "Pod"
    ]  # fmt: skip
    del pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"]
    with pytest.raises(Exception, match="allowPrivilegeEscalation != false"):
        cluster.apply(pod, namespace=restricted)
