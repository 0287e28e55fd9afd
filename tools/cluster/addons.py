"""What a cluster has beside Kubernetes itself: names, and network policies that hold."""

import subprocess
from pathlib import Path
from typing import Final

from tools.cluster.addresses import CLUSTER_DNS, DNS_DOMAIN
from tools.cluster.binaries import BINARIES
from tools.cluster.images import COREDNS_IMAGE, NETWORK_POLICIES_IMAGE, PAUSE_IMAGE, PROBE_IMAGE
from tools.cluster.network import POLICY_QUEUE
from tools.cluster.processes import Processes
from tools.cluster.state import State

__all__ = ["ADDON_IMAGES", "apply_addons"]

_MANIFESTS: Final = Path(__file__).resolve().parent / "manifests"
#: Each image with the program in it, and what that is run with.
ADDON_IMAGES: Final = (
    (PAUSE_IMAGE, BINARIES / "pause", ()),
    (PROBE_IMAGE, BINARIES / "probe", ("serve",)),
    (COREDNS_IMAGE, BINARIES / "coredns", ("-conf", "/etc/coredns/Corefile")),
    (NETWORK_POLICIES_IMAGE, BINARIES / "kube-network-policies", ()),
)


def apply_addons(state: State, processes: Processes) -> None:
    """Install them, and wait until they work."""
    kubectl = [str(BINARIES / "kubectl"), f"--kubeconfig={state.kubeconfig}"]
    values = {
        "address": CLUSTER_DNS,
        "domain": DNS_DOMAIN,
        "coredns-image": COREDNS_IMAGE,
        "network-policies-image": NETWORK_POLICIES_IMAGE,
        "policy-queue": str(POLICY_QUEUE),
    }
    for file in sorted(_MANIFESTS.glob("*.yaml")):
        manifest = file.read_text()
        for name, value in values.items():
            manifest = manifest.replace(f"@{name}@", value)
        subprocess.run([*kubectl, "apply", "-f", "-"], input=manifest, text=True, check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
    processes.check()
    for workload in ("deployment/coredns", "daemonset/network-policies"):
        subprocess.run(
            [*kubectl, "--namespace=kube-system", "rollout", "status", workload, "--timeout=90s"],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
