"""Where a cluster keeps what it has, and what is known about the one that runs."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["CACHE", "ENVIRONMENT", "ROOT", "State"]

ROOT: Final = Path(__file__).resolve().parent.parent.parent
CACHE: Final = ROOT / ".cache" / "cluster"
#: The variable that tells processes inside a cluster where its state is.
ENVIRONMENT: Final = "MAILQUAY_CLUSTER"


@dataclass(frozen=True, slots=True)
class State:
    """One cluster's folder."""

    folder: Path

    @classmethod
    def named(cls, name: str) -> "State":
        """Of the cluster with that name, whether or not it exists."""
        return cls(CACHE / "clusters" / name)

    @property
    def name(self) -> str:
        """What tells it from other clusters on this machine."""
        return self.folder.name

    @property
    def pki(self) -> Path:
        """Certificates, keys and kubeconfigs."""
        return self.folder / "pki"

    @property
    def kubeconfig(self) -> Path:
        """By which an administrator reaches the API."""
        return self.pki / "admin.kubeconfig"

    @property
    def logs(self) -> Path:
        """One file a process."""
        return self.folder / "logs"

    @property
    def volumes(self) -> Path:
        """What persistent volumes hold, a folder each."""
        return self.folder / "volumes"

    def node(self, name: str) -> Path:
        """What a node has of its own."""
        return self.folder / "nodes" / name

    def create(self) -> None:
        """Make the folders, empty."""
        self.remove()
        for folder in (self.pki, self.logs, self.volumes):
            folder.mkdir(parents=True)

    def remove(self) -> None:
        """Remove all that the cluster had."""
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def write_router(self, pid: int) -> None:
        """Note who holds the router's namespaces open, as this machine numbers processes."""
        (self.folder / "router.pid").write_text(str(pid))

    def read_router(self) -> int | None:
        """What `write_router` noted; None if there is no cluster."""
        file = self.folder / "router.pid"
        return int(file.read_text()) if file.exists() else None

    def write_pids(self, pids: dict[str, int]) -> None:
        """Note who holds the other hosts open, by their name, as the router sees it."""
        whole = self.folder / "pids.json.new"
        whole.write_text(json.dumps(pids))
        whole.rename(self.folder / "pids.json")

    def read_pids(self) -> dict[str, int]:
        """What `write_pids` noted; nothing if there is no cluster."""
        try:
            pids: dict[str, int] = json.loads((self.folder / "pids.json").read_text())
        except FileNotFoundError:
            return {}
        return pids
