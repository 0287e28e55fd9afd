"""The control plane: etcd, and what decides on what it keeps."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.cluster.addresses import CONTROL_PLANE, KUBERNETES_SERVICE, PODS, SERVICES
from tools.cluster.api import Api
from tools.cluster.binaries import BINARIES
from tools.cluster.pki import Authority, Pair
from tools.cluster.processes import Processes

__all__ = ["ControlPlane"]

_ETCD: Final = "http://127.0.0.1:2379"
#: In memory: nothing in it is worth a disk's time.
_ETCD_DATA: Final = Path("/run/etcd")
_SERVER_NAMES: Final = (
    CONTROL_PLANE,
    KUBERNETES_SERVICE,
    "127.0.0.1",
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """What starts it, on the router."""

    authority: Authority
    processes: Processes
    api: Api

    def start(self) -> None:
        """Start all of it, once the API answers."""
        accounts = self.authority.key_pair("service-accounts")
        self._start_etcd()
        self._start_apiserver(accounts)
        self.processes.wait_for("the API server", self.api.is_ready)
        self._start_controllers(accounts)

    def _start_etcd(self) -> None:
        self.processes.start(
            "etcd", "etcd", f"--data-dir={_ETCD_DATA}", f"--listen-client-urls={_ETCD}",
            f"--advertise-client-urls={_ETCD}", "--listen-peer-urls=http://127.0.0.1:2380",
            "--log-level=warn", "--logger=zap",
        )  # fmt: skip

    def _start_apiserver(self, accounts: Pair) -> None:
        authority = self.authority
        serving = authority.issue("apiserver", "kube-apiserver", hosts=_SERVER_NAMES)
        kubelets = authority.issue("apiserver-kubelet", "kubelets", groups=["system:masters"])
        front = authority.issue("front-proxy", "front-proxy")
        ca = authority.certificate_file
        self.processes.start(
            "kube-apiserver", BINARIES / "kube-apiserver",
            f"--etcd-servers={_ETCD}",
            f"--advertise-address={CONTROL_PLANE}",
            f"--tls-cert-file={serving.certificate}",
            f"--tls-private-key-file={serving.key}",
            f"--client-ca-file={ca}",
            f"--kubelet-certificate-authority={ca}",
            f"--kubelet-client-certificate={kubelets.certificate}",
            f"--kubelet-client-key={kubelets.key}",
            "--kubelet-preferred-address-types=InternalIP",
            f"--service-cluster-ip-range={SERVICES}",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={accounts.certificate}",
            f"--service-account-signing-key-file={accounts.key}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged",
            "--enable-aggregator-routing",
            f"--proxy-client-cert-file={front.certificate}",
            f"--proxy-client-key-file={front.key}",
            f"--requestheader-client-ca-file={ca}",
            "--requestheader-allowed-names=front-proxy",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-username-headers=X-Remote-User",
        )  # fmt: skip

    def _start_controllers(self, accounts: Pair) -> None:
        """These end if the API does not answer."""
        for name, arguments in {
            "kube-controller-manager": [
                f"--root-ca-file={self.authority.certificate_file}",
                f"--service-account-private-key-file={accounts.key}",
                "--use-service-account-credentials",
                f"--cluster-cidr={PODS}",
                # So that the tests of scaling see it within their patience.
                "--horizontal-pod-autoscaler-sync-period=5s",
                "--horizontal-pod-autoscaler-initial-readiness-delay=5s",
                "--horizontal-pod-autoscaler-cpu-initialization-period=10s",
                "--node-monitor-grace-period=20s",
            ],
            "kube-scheduler": [],
        }.items():
            kubeconfig = self.authority.kubeconfig(name, f"system:{name}")
            self.processes.start(
                name, BINARIES / name, f"--kubeconfig={kubeconfig}",
                f"--authentication-kubeconfig={kubeconfig}",
                f"--authorization-kubeconfig={kubeconfig}",
                "--leader-elect=false", *arguments,
            )  # fmt: skip
