"""The whole platform, as ``mailquay standalone`` runs it, for tests that drive it from outside."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["RunningPlatform", "start_platform"]

_START_SECONDS: Final = 120


@dataclass(slots=True)
class RunningPlatform:
    """A platform that runs; ``facts`` is what its ready file says."""

    process: "subprocess.Popen[bytes]"
    data: Path
    ready_file: Path

    @property
    def facts(self) -> dict[str, Any]:
        """The ready file as it stands now: a process that died has another pid."""
        facts: dict[str, Any] = json.loads(self.ready_file.read_text())
        return facts

    def stop(self, seconds: float = 20) -> int:
        """Stop it as Ctrl-C does; returns its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait(5)


def start_platform(
    data: Path, *arguments: str, env: dict[str, str] | None = None
) -> RunningPlatform:
    """Start the platform in a folder, on free ports, with the demo domain.

    Args:
        data: its data folder.
        arguments: more for ``mailquay standalone``.
        env: the whole environment; None inherits ours.
    """
    ready_file = data.parent / f"{data.name}.ready.json"
    ready_file.unlink(missing_ok=True)
    log = data.parent / f"{data.name}.log"
    command = [
        sys.executable, "-m", "mailquay.cli", "standalone", "--data", str(data),
        "--ports", "auto", "--ready-file", str(ready_file), *arguments,
    ]  # fmt: skip
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=env)  # noqa: S603
    running = RunningPlatform(process, data, ready_file)
    deadline = time.monotonic() + _START_SECONDS
    while not ready_file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            running.stop()
            raise RuntimeError(f"the platform did not start:\n{log.read_text()[-4000:]}")
        time.sleep(0.05)
    return running
