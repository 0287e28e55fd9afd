"""Now and then: delete bodies that nothing refers to any more, as a CronJob does on a cluster."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mailquay.standalone.processes import Child

__all__ = ["collect_regularly"]

_LOG: Final = logging.getLogger(__name__)
_LOOK_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 0.2


async def collect_regularly(env: Mapping[str, str], *, interval_seconds: float, log: Path) -> None:
    """Run ``mailquay blobs collect`` each ``interval_seconds``, until cancelled.

    It works in slices and may be stopped anywhere.
    """
    command = [sys.executable, "-m", "mailquay.cli", "blobs", "collect", "--json"]
    while True:
        await asyncio.sleep(interval_seconds)
        child = Child("collection", command, log=log, env=env)
        child.start()
        try:
            while (status := child.poll()) is None:  # noqa: ASYNC110  # a process has no event
                await asyncio.sleep(_LOOK_SECONDS)
        except asyncio.CancelledError:
            with contextlib.suppress(OSError):
                child.stop(_STOP_SECONDS)
            raise
        if status:
            _LOG.warning("the collection of bodies failed (%s); see %s", status, log)
