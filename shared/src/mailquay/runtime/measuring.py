"""Measures every few seconds what is not counted as it happens: dependencies, pools, the loop."""

import asyncio
import time
from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import Final

from mailquay.runtime import metrics
from mailquay.runtime.health import Health

__all__ = ["measure_regularly"]

#: Between two questions to the dependencies: of object storage each one costs money.
_HEALTH_SECONDS: Final = 15.0
_LAG_SECONDS: Final = 0.5


async def measure_regularly(
    health: Health, measures: Iterable[Callable[[], None]], *, seconds: float
) -> None:
    """Measure until cancelled.

    Args:
        health: its dependencies are asked, also where nobody probes us.
        measures: each sets metrics, and neither waits nor fails.
        seconds: between two rounds of them.
    """
    metrics.BUILD_INFO.labels(version("mailquay")).set(1)
    async with asyncio.TaskGroup() as group:
        group.create_task(_ask(health, after=seconds))
        group.create_task(_measure(tuple(measures), seconds))
        group.create_task(_watch_loop())


async def _ask(health: Health, *, after: float) -> None:
    await asyncio.sleep(after)  # what is connected to beside the start is connected by then
    while True:
        await health.report()
        await asyncio.sleep(_HEALTH_SECONDS)


async def _measure(measures: tuple[Callable[[], None], ...], seconds: float) -> None:
    while True:
        for measure in measures:
            measure()
        await asyncio.sleep(seconds)


async def _watch_loop() -> None:
    """Sleep, and see how late we are woken: as late as everything else."""
    while True:
        due = time.perf_counter() + _LAG_SECONDS
        await asyncio.sleep(_LAG_SECONDS)
        metrics.LOOP_LAG.observe(max(0.0, time.perf_counter() - due))
