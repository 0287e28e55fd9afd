"""What a server costs: CPU time and memory of its processes, and CPU time of the whole machine."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

__all__ = ["cpu_seconds", "machine_cpu_seconds", "pss_kib"]

_TICKS: Final = os.sysconf("SC_CLK_TCK")


def cpu_seconds(roots: Iterable[int]) -> float:
    """CPU time of processes with all that they have started, also of what has ended since.

    What has ended is counted with whoever waited for it, so that the sum only ever rises.
    """
    return sum(sum(map(int, fields[11:15])) for fields in _trees(roots).values()) / _TICKS


def pss_kib(roots: Iterable[int]) -> int:
    """Memory of processes with all that they have started; what is shared counts by its share."""
    total = 0
    for pid in _trees(roots):
        for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total


def machine_cpu_seconds() -> float:
    """CPU time that anything on this machine has used, the kernel included."""
    user, nice, system, _idle, _iowait, irq, softirq = map(
        int, _read("/proc/stat").split("\n", 1)[0].split()[1:8]
    )
    return (user + nice + system + irq + softirq) / _TICKS


def _trees(roots: Iterable[int]) -> dict[int, list[str]]:
    """The fields of ``/proc/PID/stat`` behind the name, by process, of whole families."""
    stats = dict(_stats())
    children: dict[int, list[int]] = {}
    for pid, fields in stats.items():
        children.setdefault(int(fields[1]), []).append(pid)
    found: dict[int, list[str]] = {}
    todo = list(roots)
    while todo:
        pid = todo.pop()
        if pid in stats and pid not in found:
            found[pid] = stats[pid]
            todo += children.get(pid, ())
    return found


def _stats() -> Iterator[tuple[int, list[str]]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (text := _read(f"/proc/{folder.name}/stat")):
            yield int(folder.name), text.rpartition(")")[2].split()


def _read(path: str) -> str:
    """A file of /proc; empty when its process has ended."""
    try:
        return Path(path).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
