"""A node: containerd, kubelet and kube-proxy on a host of their own.

What they keep in /var is the node's own folder, and /run is its own too, so that each finds its
files at the places where they are on a machine that is nothing but a node.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tools.cluster.addresses import (
    CLUSTER_DNS,
    DNS_DOMAIN,
    PODS,
    node_address,
    pod_network,
)
from tools.cluster.binaries import BINARIES
from tools.cluster.cgroups import Cgroup
from tools.cluster.images import PAUSE_IMAGE
from tools.cluster.namespaces import Host
from tools.cluster.pki import Authority
from tools.cluster.processes import Processes

__all__ = ["CONTAINERD_SOCKET", "Node"]

CONTAINERD_SOCKET: Final = Path("/run/containerd/containerd.sock")
#: Where Debian puts the plug-ins.
_CNI_PLUGINS: Final = Path("/usr/lib/cni")
_VAR: Final = ("lib/containerd", "lib/kubelet", "lib/cni", "log", "tmp", "cache")


@dataclass(frozen=True, slots=True)
class Node:
    """One node, and its folder outside."""

    host: Host
    number: int
    folder: Path
    authority: Authority
    processes: Processes
    cgroup: Cgroup

    def start_containerd(self) -> None:
        """Start what runs containers, and wait until it listens."""
        for folder in _VAR:
            (self.folder / "var" / folder).mkdir(parents=True)
        (self.folder / "var" / "run").symlink_to("/run")
        self.host.run("mount", "--bind", self.folder / "var", "/var")
        networks = self.folder / "cni"
        networks.mkdir()
        (networks / "10-pods.conflist").write_text(json.dumps(self._pod_network()))
        config = self.folder / "containerd.toml"
        config.write_text(_CONTAINERD.format(pause=PAUSE_IMAGE, bin=_CNI_PLUGINS, conf=networks))
        self.processes.start(
            f"{self.host.name}-containerd", "containerd", f"--config={config}", host=self.host
        )
        socket = Path(f"/proc/{self.host.pid}/root{CONTAINERD_SOCKET}")
        self.processes.wait_for(f"containerd on {self.host.name}", socket.exists)

    def start_kubelet(self) -> None:
        """Start what runs the node's pods, as the API says."""
        name, address = self.host.name, node_address(self.number)
        kubeconfig = self.authority.kubeconfig(
            f"{name}-kubelet", f"system:node:{name}", groups=["system:nodes"]
        )
        self.processes.start(
            f"{name}-kubelet", BINARIES / "kubelet",
            f"--config={self._write('kubelet', self._kubelet())}",
            f"--kubeconfig={kubeconfig}", f"--hostname-override={name}", f"--node-ip={address}",
            host=self.host,
        )  # fmt: skip

    def start_proxy(self) -> None:
        """Start what leads the services' addresses to pods."""
        name = self.host.name
        kubeconfig = self.authority.kubeconfig(f"{name}-proxy", "system:kube-proxy")
        config = {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "clientConnection": {"kubeconfig": str(kubeconfig)},
            "hostnameOverride": name,
            "mode": "iptables",
            "detectLocalMode": "ClusterCIDR",
            "clusterCIDR": PODS,
            # These limits are the machine's, which a namespace cannot set; nor can it be spared.
            "conntrack": {
                "maxPerCore": 0, "min": 0,
                "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s",
            },
            "oomScoreAdj": 0,
        }  # fmt: skip
        self.processes.start(
            f"{name}-proxy", BINARIES / "kube-proxy",
            f"--config={self._write('proxy', config)}", host=self.host,
        )  # fmt: skip

    def _pod_network(self) -> dict[str, Any]:
        bridge = {
            "type": "bridge",
            "bridge": "pods",
            "isGateway": True,
            "hairpinMode": True,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": pod_network(self.number)}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }
        ports = {"type": "portmap", "capabilities": {"portMappings": True}}
        return {"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge, ports]}

    def _kubelet(self) -> dict[str, Any]:
        name = self.host.name
        serving = self.authority.issue(
            f"{name}-serving", f"system:node:{name}", groups=["system:nodes"],
            hosts=[name, node_address(self.number)],
        )  # fmt: skip
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": self.cgroup.path,
            "authentication": {
                "x509": {"clientCAFile": str(self.authority.certificate_file)},
                "webhook": {"enabled": True},
                "anonymous": {"enabled": False},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": str(serving.certificate),
            "tlsPrivateKeyFile": str(serving.key),
            "clusterDNS": [CLUSTER_DNS],
            "clusterDomain": DNS_DOMAIN,
            # Names outside the cluster do not exist.
            "resolvConf": "",
            "failSwapOn": False,
            "oomScoreAdj": 0,
            # Images are imported, never pulled: one that was removed to make room is lost.
            "imageGCHighThresholdPercent": 100,
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%",
                             "imagefs.available": "1%", "nodefs.inodesFree": "1%"},
        }  # fmt: skip

    def _write(self, name: str, config: dict[str, Any]) -> Path:
        """YAML takes what is JSON."""
        file = self.folder / f"{name}.json"
        file.write_text(json.dumps(config, indent=2))
        return file


_CONTAINERD: Final = """\
version = 2

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  # A process may not be spared from the kernel's killing without a capability that we may lack.
  restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "{bin}"
  conf_dir = "{conf}"
"""
