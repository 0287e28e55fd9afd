"""A cluster that runs, for what is started in it by ``python -m tools.cluster run``."""

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.cluster.bringup import HOLDER, NODES
from tools.cluster.errors import ClusterError
from tools.cluster.images import import_archive, tag
from tools.cluster.namespaces import Host
from tools.cluster.state import ENVIRONMENT, State

__all__ = ["RunningCluster"]


@dataclass(frozen=True, slots=True)
class RunningCluster:
    """What there is to do with it."""

    state: State
    #: Where clients are that are no part of the cluster, with an address of their own.
    outside: Host
    #: The nodes by their names.
    nodes: dict[str, Host]

    @classmethod
    def current(cls) -> "RunningCluster":
        """The one that this process runs in.

        Raises:
            ClusterError: it runs in none.
        """
        folder = os.environ.get(ENVIRONMENT)
        if not folder:
            raise ClusterError("not in a cluster; start this by `python -m tools.cluster run …`")
        state = State(Path(folder))
        hosts = {name: Host(name, pid, HOLDER) for name, pid in state.read_pids().items()}
        return cls(state, hosts["outside"], {name: hosts[name] for name in NODES})

    @property
    def kubeconfig(self) -> Path:
        """By which an administrator reaches the API."""
        return self.state.kubeconfig

    def kubectl(self, *arguments: str | Path, stdin: str | None = None) -> str:
        """Run kubectl, and return what it prints; ClusterError if it fails."""
        return self._run("kubectl", arguments, stdin)

    def helm(self, *arguments: str | Path, stdin: str | None = None) -> str:
        """Run helm, and return what it prints; ClusterError if it fails."""
        return self._run("helm", arguments, stdin)

    def apply(self, *objects: dict[str, Any], namespace: str = "default") -> None:
        """Create objects, or bring them to what is given."""
        manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        self.kubectl("apply", f"--namespace={namespace}", "--filename=-", stdin=manifest)

    def get(self, kind: str, name: str, *, namespace: str = "default") -> dict[str, Any]:
        """One object."""
        found: dict[str, Any] = json.loads(
            self.kubectl("get", kind, name, f"--namespace={namespace}", "--output=json")
        )
        return found

    def select(self, kind: str, *, namespace: str, selector: str = "") -> list[dict[str, Any]]:
        """The objects of a kind whose labels the selector takes."""
        found = json.loads(
            self.kubectl("get", kind, f"--namespace={namespace}", f"--selector={selector}",
                         "--output=json")
        )  # fmt: skip
        items: list[dict[str, Any]] = found["items"]
        return items

    def wait_for_rollout(self, workload: str, *, namespace: str, seconds: int = 120) -> None:
        """Wait until all pods of a workload, such as ``deployment/web``, are new and ready."""
        self.kubectl("rollout", "status", workload, f"--namespace={namespace}",
                     f"--timeout={seconds}s")  # fmt: skip

    def lb_address(self, service: str, *, namespace: str) -> str:
        """The address of a Service of the type LoadBalancer, once it has one."""
        path = "jsonpath={.status.loadBalancer.ingress[0].ip}"
        self.kubectl("wait", f"service/{service}", f"--namespace={namespace}", "--timeout=30s",
                     "--for=" + path)  # fmt: skip
        return self.kubectl("get", "service", service, f"--namespace={namespace}", "--output", path)

    def logs(self, selector: str, *, namespace: str) -> str:
        """What all pods and containers with these labels have logged."""
        return self.kubectl("logs", f"--namespace={namespace}", f"--selector={selector}",
                            "--all-containers", "--prefix", "--tail=-1")  # fmt: skip

    def import_image(self, archive: Path) -> list[str]:
        """Import the images of an archive, Docker's or OCI's, into every node.

        Returns:
            The images' names.
        """
        with ThreadPoolExecutor() as threads:
            images, *_ = threads.map(
                lambda node: import_archive(node, archive), self.nodes.values()
            )
        return images

    def tag_image(self, image: str, new: str) -> None:
        """Give an image that the nodes have another name."""
        for node in self.nodes.values():
            tag(node, image, new)

    def diagnose(self, folder: Path) -> str:
        """Write down all that may tell why something failed.

        Returns:
            The part that most often tells it.
        """
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.state.logs, folder / "processes")
        everything = "--all-namespaces"
        pods = self.kubectl("get", "pods", everything, "--output=wide")
        events = self.kubectl("get", "events", everything, "--sort-by=.lastTimestamp")
        (folder / "pods.txt").write_text(pods)
        (folder / "events.txt").write_text(events)
        (folder / "described.txt").write_text(self.kubectl("describe", "pods", everything))
        (folder / "objects.yaml").write_text(
            self.kubectl("get", "all,endpointslices,pvc,pv,networkpolicies", everything,
                         "--output=yaml")
        )  # fmt: skip
        for node in self.nodes:
            # With what containers logged before they were started again. Some go meanwhile.
            logs = self.state.node(node) / "var/log/pods"
            with contextlib.suppress(shutil.Error):
                shutil.copytree(logs, folder / "containers" / node)
        return f"{pods}\n" + "\n".join(events.splitlines()[-25:])

    def _run(self, program: str, arguments: Sequence[str | Path], stdin: str | None) -> str:
        words = [program, *(str(word) for word in arguments)]
        done = subprocess.run(words, check=False, text=True, input=stdin, capture_output=True)
        if done.returncode:
            raise ClusterError(f"failed: {' '.join(words)}\n{done.stdout}{done.stderr}")
        return done.stdout
