"""Now and then: commands that clean up, each as a CronJob runs it on a cluster."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from mailquay.standalone.processes import Child

__all__ = ["run_regularly"]

_LOG: Final = logging.getLogger(__name__)
_LOOK_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 0.2


async def run_regularly(
    arguments: Sequence[str], *, env: Mapping[str, str], interval_seconds: float, log: Path
) -> None:
    """Run ``mailquay`` with arguments each ``interval_seconds``, until cancelled.

    It has to be a command that works in slices, as it may be stopped anywhere.
    """
    command = [sys.executable, "-m", "mailquay.cli", *arguments, "--json"]
    while True:
        await asyncio.sleep(interval_seconds)
        child = Child(log.stem, command, log=log, env=env)
        child.start()
        try:
            while (status := child.poll()) is None:  # noqa: ASYNC110  # a process has no event
                await asyncio.sleep(_LOOK_SECONDS)
        except asyncio.CancelledError:
            with contextlib.suppress(OSError):
                child.stop(_STOP_SECONDS)
            raise
        if status:
            _LOG.warning("%s failed (%s); see %s", " ".join(arguments), status, log)
