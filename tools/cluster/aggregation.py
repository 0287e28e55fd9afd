"""APIs beside Kubernetes' own, which its API server hands on to programs on the router.

`metrics.k8s.io` is the metrics-server's: what CPU and memory pods use. `custom.metrics.k8s.io` is
of our own: what pods say themselves. Autoscalers ask both.
"""

import base64
import sys
from dataclasses import dataclass
from typing import Final

from tools.cluster.addresses import CONTROL_PLANE
from tools.cluster.api import Api
from tools.cluster.binaries import BINARIES
from tools.cluster.pki import Authority
from tools.cluster.processes import Processes
from tools.cluster.state import State

__all__ = ["start_aggregated_apis"]

_NAMESPACE: Final = "kube-system"
_METRICS_SERVER_PORT: Final = 4443
_POD_METRICS_PORT: Final = 4444


@dataclass(frozen=True, slots=True)
class _AggregatedApi:
    """One version of one group, and the port where it is served."""

    service: str
    group: str
    version: str
    port: int

    def register(self, api: Api, authority: Authority) -> None:
        """Tell the API server where it is."""
        services = f"/api/v1/namespaces/{_NAMESPACE}/services"
        slices = f"/apis/discovery.k8s.io/v1/namespaces/{_NAMESPACE}/endpointslices"
        ca = base64.b64encode(authority.certificate_file.read_bytes()).decode()
        port = {"name": "https", "port": self.port, "protocol": "TCP"}
        api.create(
            services,
            {"metadata": {"name": self.service}, "spec": {"ports": [{**port, "port": 443}]}},
        )
        api.create(
            slices,
            {
                "metadata": {
                    "name": self.service,
                    "labels": {"kubernetes.io/service-name": self.service},
                },
                "addressType": "IPv4",
                "endpoints": [{"addresses": [CONTROL_PLANE]}],
                "ports": [port],
            },
        )
        api.create(
            "/apis/apiregistration.k8s.io/v1/apiservices",
            {
                "metadata": {"name": f"{self.version}.{self.group}"},
                "spec": {
                    "group": self.group,
                    "version": self.version,
                    "service": {"namespace": _NAMESPACE, "name": self.service},
                    "caBundle": ca,
                    "groupPriorityMinimum": 100,
                    "versionPriority": 100,
                },
            },
        )


def start_aggregated_apis(
    state: State, api: Api, authority: Authority, processes: Processes
) -> None:
    """Start what serves them, and make them known."""
    metrics_server = _AggregatedApi(
        "metrics-server", "metrics.k8s.io", "v1beta1", _METRICS_SERVER_PORT
    )
    pod_metrics = _AggregatedApi(
        "pod-metrics", "custom.metrics.k8s.io", "v1beta2", _POD_METRICS_PORT
    )
    pairs = {
        each.service: authority.issue(
            each.service, each.service, hosts=[f"{each.service}.{_NAMESPACE}.svc"]
        )
        for each in (metrics_server, pod_metrics)
    }
    kubeconfig = authority.kubeconfig(
        "metrics-server-client", "metrics-server", groups=["system:masters"]
    )
    processes.start(
        "metrics-server", BINARIES / "metrics-server",
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        f"--secure-port={_METRICS_SERVER_PORT}",
        f"--tls-cert-file={pairs['metrics-server'].certificate}",
        f"--tls-private-key-file={pairs['metrics-server'].key}",
        f"--kubelet-certificate-authority={authority.certificate_file}",
        "--kubelet-preferred-address-types=InternalIP",
        # The shortest that it takes; a kubelet must have answered within it.
        "--metric-resolution=10s",
        "--kubelet-request-timeout=5s",
    )  # fmt: skip
    processes.start(
        "pod-metrics", sys.executable, "-m", "tools.cluster.podmetrics", state.folder,
        str(_POD_METRICS_PORT),
    )  # fmt: skip
    for each in (metrics_server, pod_metrics):
        each.register(api, authority)
