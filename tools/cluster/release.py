"""Mailquay, installed in a cluster by Helm."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tools.cluster.running import RunningCluster
from tools.cluster.state import CACHE, ROOT

__all__ = ["CHART", "IMAGE_ARCHIVES", "Release"]

CHART: Final = ROOT / "charts" / "mailquay"
#: Where `make images` is told to write the images to.
IMAGE_ARCHIVES: Final = CACHE.parent / "images"
#: What every release here is installed with.
_VALUES: Final = CHART / "ci" / "cluster-values.yaml"
_TIMEOUT: Final = "--timeout=8m"
#: Helm waits as long for a test that has failed already.
_TEST_TIMEOUT: Final = "--timeout=3m"


@dataclass(frozen=True, slots=True)
class Release:
    """One installation; each is in a namespace of its own."""

    cluster: RunningCluster
    namespace: str
    name: str = "mailquay"

    def install(self, values: Mapping[str, Any] | None = None) -> str:
        """Install the chart in one command, and wait until all of it is ready.

        Args:
            values: what differs from those for tests in a cluster.

        Returns:
            What Helm prints: the chart's notes.
        """
        return self._helm("install", CHART, values=values)

    def upgrade(self, values: Mapping[str, Any] | None = None) -> str:
        """Upgrade to the chart as it is now, with these values instead of the ones before."""
        return self._helm("upgrade", CHART, values=values)

    def rollback(self) -> str:
        """Go back to the revision before."""
        return self._helm("rollback")

    def test(self) -> str:
        """Run the chart's own test."""
        return self.cluster.helm("test", self.name, f"--namespace={self.namespace}", _TEST_TIMEOUT)

    def uninstall(self) -> str:
        """Remove what the chart does not keep."""
        return self.cluster.helm(
            "uninstall", self.name, f"--namespace={self.namespace}", "--wait", _TIMEOUT
        )

    def pods(self, component: str = "") -> list[dict[str, Any]]:
        """The pods of a component, such as ``imap``, or all of the release's, that are to stay."""
        selector = f"app.kubernetes.io/instance={self.name}"
        if component:
            selector += f",app.kubernetes.io/component={component}"
        pods = self.cluster.select("pods", namespace=self.namespace, selector=selector)
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    def address(self, component: str) -> str:
        """Where clients outside reach a component whose Service is a LoadBalancer."""
        return self.cluster.lb_address(f"{self.name}-{component}", namespace=self.namespace)

    def admin_password(self) -> str:
        """That of the first account, ``admin@mailquay.test``."""
        secret = self.cluster.get("secret", f"{self.name}-secrets", namespace=self.namespace)
        return base64.b64decode(secret["data"]["admin-password"]).decode()

    def _helm(
        self, command: str, *arguments: str | Path, values: Mapping[str, Any] | None = None
    ) -> str:
        words: list[str | Path] = [command, self.name, *arguments, f"--namespace={self.namespace}"]
        if CHART in arguments:
            words += [f"--values={_VALUES}", "--values=-"]
        return self.cluster.helm(*words, "--wait", _TIMEOUT, stdin=json.dumps(values or {}))
