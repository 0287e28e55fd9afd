"""The programs of a cluster that are built from the Go module here, once for what it says."""

import fcntl
import hashlib
import os
import re
import subprocess
from pathlib import Path
from typing import Final

from tools.cluster.errors import ClusterError
from tools.cluster.state import CACHE

__all__ = ["BINARIES", "build", "kubernetes_version"]

BINARIES: Final = CACHE / "bin"
_MODULE: Final = Path(__file__).resolve().parent
#: Which package each program is built from.
_PACKAGES: Final = {
    "pause": "./pause",
    "probe": "./probe",
    "coredns": "./coredns",
    "kube": "./kube",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    "helm": "helm.sh/helm/v4/cmd/helm",
    "metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server",
    "versitygw": "github.com/versity/versitygw/cmd/versitygw",
    "kube-network-policies": "sigs.k8s.io/kube-network-policies/cmd",
}
#: The names by which `kube` is one of Kubernetes' components.
_COMPONENTS: Final = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubelet",
)


def kubernetes_version() -> str:
    """The one that go.mod pins, such as v1.34.4."""
    found = re.search(r"^\s*k8s\.io/kubernetes (v\S+)$", (_MODULE / "go.mod").read_text(), re.M)
    if found is None:
        raise ClusterError("go.mod pins no version of k8s.io/kubernetes")
    return found[1]


def build() -> None:
    """Build what is not built yet; what Go has compiled before it takes from its own cache.

    Raises:
        ClusterError: a build failed.
    """
    wanted = _fingerprint()
    stamp = BINARIES / "built"
    BINARIES.mkdir(parents=True, exist_ok=True)
    with (BINARIES / "lock").open("w") as lock:
        # Two clusters that start at once build once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            stamp.unlink(missing_ok=True)
            _build_all()
            stamp.write_text(wanted)


def _build_all() -> None:
    print("Building Kubernetes: this takes ten minutes the first time.", flush=True)
    for name, package in _PACKAGES.items():
        print(f"  {name}", flush=True)
        _build(name, package)
    for component in _COMPONENTS:
        (BINARIES / component).unlink(missing_ok=True)
        (BINARIES / component).symlink_to("kube")


def _build(name: str, package: str) -> None:
    # Static, so that they run in images that hold nothing else.
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -trimpath"}
    built = BINARIES / f"{name}.new"
    done = subprocess.run(
        ["go", "build", "-buildvcs=false", "-ldflags", _linker_flags(), "-o", str(built), package],
        check=False, cwd=_MODULE, env=environment,
    )  # fmt: skip
    if done.returncode:
        raise ClusterError(f"go could not build {name}")
    # Clusters that run have the one before open, and may start it again at any moment.
    built.replace(BINARIES / name)


def _linker_flags() -> str:
    """Without debugging symbols, and with the version, which clients ask the API server for."""
    version = kubernetes_version()
    major, minor = version.removeprefix("v").split(".")[:2]
    known = {
        "k8s.io/component-base/version.gitVersion": version,
        "k8s.io/component-base/version.gitMajor": major,
        "k8s.io/component-base/version.gitMinor": minor,
        # Which Helm takes a cluster to have where it asks none.
        "helm.sh/helm/v4/pkg/chart/common.k8sVersionMajor": major,
        "helm.sh/helm/v4/pkg/chart/common.k8sVersionMinor": minor,
    }
    return " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in known.items())])


def _fingerprint() -> str:
    """A hash of what is built."""
    digest = hashlib.sha256(repr((_PACKAGES, _linker_flags())).encode())
    for file in sorted([*_MODULE.glob("go.*"), *_MODULE.glob("*/*.go")]):
        digest.update(f"\0{file.relative_to(_MODULE)}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()
