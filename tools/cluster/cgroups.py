"""Control groups, which namespaces do not take away with them: each cluster has its own."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.cluster.errors import ClusterError

__all__ = ["Cgroup"]

_ROOT: Final = Path("/sys/fs/cgroup")
_END_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Cgroup:
    """One, by its path in every hierarchy: version 1 has one a controller, version 2 one in all."""

    path: str

    def create(self) -> None:
        """Make it, with every controller that there is."""
        for hierarchy in _hierarchies():
            folder = hierarchy
            for part in Path(self.path.strip("/")).parts:
                _hand_on_controllers(folder)
                folder /= part
                folder.mkdir(exist_ok=True)
                _copy_cpuset(folder)
            _hand_on_controllers(folder)

    def remove(self) -> None:
        """Remove it and what is in it; its processes have ended."""
        deadline = time.monotonic() + _END_SECONDS
        for hierarchy in _hierarchies():
            top = hierarchy / self.path.strip("/")
            # The deepest first; a group is removed once it has no group and no process left.
            for folder in [*sorted(top.rglob("*/"), reverse=True), top] if top.exists() else []:
                while folder.is_dir():
                    try:
                        folder.rmdir()
                    except OSError as error:
                        if time.monotonic() > deadline:
                            raise ClusterError(f"cannot remove the cgroup {folder}") from error
                        time.sleep(0.05)


def _hierarchies() -> list[Path]:
    if (_ROOT / "cgroup.controllers").exists():
        return [_ROOT]
    return [folder for folder in _ROOT.iterdir() if (folder / "cgroup.procs").exists()]


def _hand_on_controllers(folder: Path) -> None:
    """In version 2, a group's own groups have the controllers that it hands on."""
    control = folder / "cgroup.subtree_control"
    if control.exists():
        for controller in (folder / "cgroup.controllers").read_text().split():
            control.write_text(f"+{controller}")


def _copy_cpuset(folder: Path) -> None:
    """In version 1, a new group of cpusets has no processor until it is given some."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        file = folder / name
        if file.exists() and not file.read_text().strip():
            file.write_text((folder.parent / name).read_text())
