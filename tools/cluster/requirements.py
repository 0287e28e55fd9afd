"""What a cluster needs of the machine, told by name where it is missing."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tools.cluster.errors import ClusterError

__all__ = ["check_requirements"]

#: What is looked for, and the Debian package that has it.
_COMMANDS: Final = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "etcd": "etcd-server",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "sysctl": "procps",
    "hostname": "hostname",
}
_CNI_BRIDGE: Final = Path("/usr/lib/cni/bridge")
#: The kernel's parts that may be modules.
_MODULES: Final = ("br_netfilter", "overlay")


def check_requirements() -> None:
    """Raise ClusterError unless a cluster can be made here."""
    if os.geteuid() != 0:
        raise ClusterError("A cluster needs root: it makes namespaces, mounts and cgroups.")
    if shutil.which("go") is None:
        raise ClusterError(
            "A cluster needs Go, which Kubernetes is built with: https://go.dev/dl/ has it."
        )
    packages = {package for name, package in _COMMANDS.items() if shutil.which(name) is None}
    if not _CNI_BRIDGE.exists():
        packages.add("containernetworking-plugins")
    if packages:
        raise ClusterError(
            f"A cluster needs Debian packages: apt-get install {' '.join(sorted(packages))}"
        )
    for module in _MODULES:
        if not _has_module(module) and shutil.which("modprobe"):
            subprocess.run(["modprobe", module], check=False, capture_output=True)
        if not _has_module(module):
            raise ClusterError(f"A cluster needs the kernel's module {module}, which it has not.")


def _has_module(name: str) -> bool:
    """Whether the kernel has it, loaded or built in."""
    if name == "br_netfilter":
        return Path("/proc/sys/net/bridge").exists()
    return f"\t{name}\n" in Path("/proc/filesystems").read_text()
