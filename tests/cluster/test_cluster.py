"""The cluster itself: what the tests of the chart take for granted."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from tools.cluster.addresses import OUTSIDE
from tools.cluster.binaries import BINARIES
from tools.cluster.errors import ClusterError
from tools.cluster.images import PROBE_IMAGE
from tools.cluster.processes import wait_until
from tools.cluster.running import RunningCluster

pytestmark = pytest.mark.cluster

_LABELS = {"app": "probe"}


def probes(
    cluster: RunningCluster, namespace: str, *, replicas: int = 2, claim: str | None = None
) -> list[str]:
    """Pods that answer, spread over the nodes; their names, in the order of the nodes'."""
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}] if claim else []
    spread = {
        "maxSkew": 1, "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": _LABELS},
    }  # fmt: skip
    container = {
        "name": "probe", "image": PROBE_IMAGE, "imagePullPolicy": "Never",
        "ports": [{"name": "metrics", "containerPort": 8080}],
        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
        "volumeMounts": [{"name": volume["name"], "mountPath": "/data"} for volume in volumes],
    }  # fmt: skip
    template = {
        "metadata": {"labels": _LABELS},
        "spec": {
            "containers": [container], "topologySpreadConstraints": [spread],
            "terminationGracePeriodSeconds": 1, "volumes": volumes,
            "securityContext": {"runAsUser": 65532, "fsGroup": 65532},
        },
    }  # fmt: skip
    cluster.apply(
        {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "probe"},
            "spec": {
                "replicas": replicas, "selector": {"matchLabels": _LABELS}, "template": template,
            },
        },
        namespace=namespace,
    )  # fmt: skip
    cluster.wait_for_rollout("deployment/probe", namespace=namespace)

    def pods() -> list[dict[str, Any]]:
        return cluster.select("pods", namespace=namespace, selector="app=probe")

    wait_until("no more pods than asked for", lambda: len(pods()) == replicas)
    in_order = sorted(pods(), key=lambda pod: pod["spec"]["nodeName"])
    return [pod["metadata"]["name"] for pod in in_order]


def service(cluster: RunningCluster, namespace: str, name: str, **spec: str) -> None:
    """A Service of the probes, on port 80."""
    ports = [{"port": 80, "targetPort": 8080}]
    cluster.apply(
        {
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": _LABELS, "ports": ports, **spec},
        },
        namespace=namespace,
    )  # fmt: skip


def ask(cluster: RunningCluster, namespace: str, pod: str, url: str) -> tuple[str, str]:
    """What a pod is answered: the answering pod's name, and which address that one saw."""
    answer = cluster.kubectl("exec", f"--namespace={namespace}", pod, "--", "/probe", "get", url)
    name, address = answer.split()
    return name, address


def ask_from_outside(cluster: RunningCluster, address: str) -> tuple[str, str]:
    """The same for a client that is no part of the cluster."""
    name, seen = cluster.outside.run(BINARIES / "probe", "get", f"http://{address}/").split()
    return name, seen


def wait_for_answers(
    client: Callable[[], tuple[str, str]], wanted: set[tuple[str, str]], *, asked: int
) -> None:
    """Wait until these are the answers, whichever come first.

    A Service leads to its pods a moment after they are ready; connections fail until then.
    """

    def is_so() -> bool:
        try:
            return {client() for _ in range(asked)} == wanted
        except ClusterError:
            return False

    wait_until(f"the answers {wanted}", is_so)


def test_two_nodes_are_ready_and_run_the_pinned_kubernetes(cluster):
    nodes = json.loads(cluster.kubectl("get", "nodes", "--output=json"))["items"]
    ready = {
        node["metadata"]["name"]
        for node in nodes
        for condition in node["status"]["conditions"]
        if (condition["type"], condition["status"]) == ("Ready", "True")
    }
    server = json.loads(cluster.kubectl("version", "--output=json"))["serverVersion"]["gitVersion"]
    assert ready == {"node-1", "node-2"}
    assert {node["status"]["nodeInfo"]["kubeletVersion"] for node in nodes} == {server}


def test_a_pod_reaches_a_pod_on_the_other_node_under_its_own_address(cluster, namespace):
    first, second = probes(cluster, namespace)
    status = {
        pod: cluster.get("pod", pod, namespace=namespace)["status"] for pod in (first, second)
    }
    url = f"http://{status[second]['podIP']}:8080/"
    assert status[first]["hostIP"] != status[second]["hostIP"]
    assert ask(cluster, namespace, first, url) == (second, status[first]["podIP"])


def test_a_service_is_found_by_name_and_spreads_over_its_pods(cluster, namespace):
    pods = probes(cluster, namespace)
    service(cluster, namespace, "web")
    url = f"http://web.{namespace}.svc.cluster.local/"

    def client() -> tuple[str, str]:
        # Which address is seen is another test's matter.
        return ask(cluster, namespace, pods[0], url)[0], ""

    wait_for_answers(client, {(pod, "") for pod in pods}, asked=20)


def test_a_load_balancer_keeps_the_clients_address_where_traffic_stays_local(cluster, namespace):
    pods = probes(cluster, namespace)
    service(cluster, namespace, "web", type="LoadBalancer", externalTrafficPolicy="Local")
    address = cluster.lb_address("web", namespace=namespace)
    wanted = {(pod, OUTSIDE) for pod in pods}
    wait_for_answers(lambda: ask_from_outside(cluster, address), wanted, asked=2)


def test_a_load_balancer_leaves_out_the_node_whose_pod_is_gone(cluster, namespace):
    pods = probes(cluster, namespace)
    service(cluster, namespace, "web", type="LoadBalancer", externalTrafficPolicy="Local")
    address = cluster.lb_address("web", namespace=namespace)
    wanted = {(pod, OUTSIDE) for pod in pods}
    wait_for_answers(lambda: ask_from_outside(cluster, address), wanted, asked=2)
    (left,) = probes(cluster, namespace, replicas=1)
    wait_for_answers(lambda: ask_from_outside(cluster, address), {(left, OUTSIDE)}, asked=4)


def test_a_claim_is_given_a_volume_of_the_pods_group_that_goes_with_it(cluster, namespace):
    claim = {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
        "spec": {
            "accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Mi"}},
        },
    }  # fmt: skip
    cluster.apply(claim, namespace=namespace)
    probes(cluster, namespace, claim="data")
    volume = cluster.get("pvc", "data", namespace=namespace)["spec"]["volumeName"]
    folder = cluster.state.volumes / volume
    assert folder.stat().st_gid == 65532
    cluster.kubectl("delete", "deployment/probe", "pvc/data", f"--namespace={namespace}")
    wait_until("the volume to be removed", lambda: not folder.exists())


def test_autoscalers_may_ask_for_what_pods_use_and_what_they_count(cluster, namespace):
    pods = probes(cluster, namespace)

    def metrics(path: str) -> list[dict[str, Any]]:
        try:
            return json.loads(cluster.kubectl("get", "--raw", f"/apis/{path}"))["items"]
        except ClusterError:
            return []

    counted = f"custom.metrics.k8s.io/v1beta2/namespaces/{namespace}/pods/*/probe_answers_total"
    used = f"metrics.k8s.io/v1beta1/namespaces/{namespace}/pods"
    ask(cluster, namespace, pods[0], "http://127.0.0.1:8080/")
    found = {
        item["describedObject"]["name"]: item["value"]
        for item in metrics(f"{counted}?labelSelector=app%3Dprobe")
    }
    assert found == {pods[0]: "1000m", pods[1]: "0m"}
    wait_until("metrics of CPU and memory", lambda: len(metrics(used)) == len(pods))


def test_a_network_policy_keeps_out_who_it_does_not_name(cluster, namespace):
    first, second = probes(cluster, namespace)
    address = cluster.get("pod", first, namespace=namespace)["status"]["podIP"]

    def may_ask() -> bool:
        try:
            return ask(cluster, namespace, second, f"http://{address}:8080/")[0] == first
        except ClusterError:
            return False

    assert may_ask()
    rule = {"from": [{"podSelector": {"matchLabels": {"may": "ask"}}}]}
    cluster.apply(
        {
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": "web"},
            "spec": {"podSelector": {"matchLabels": _LABELS}, "ingress": [rule]},
        },
        namespace=namespace,
    )  # fmt: skip
    wait_until("the policy to hold", lambda: not may_ask())
    cluster.kubectl("label", "pod", second, "may=ask", f"--namespace={namespace}")
    wait_until("the policy to name the pod", may_ask)
