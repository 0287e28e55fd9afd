"""Keeps processes running: one that dies is started again, later and later if it dies at once."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailquay.standalone.processes import Child

__all__ = ["Watch"]

_LOG: Final = logging.getLogger(__name__)
_LOOK_SECONDS: Final = 0.1
_BACKOFF_SECONDS: Final = (0.1, 0.5, 1, 2, 5)
#: What has run for so long did not die at once.
_SETTLED_SECONDS: Final = 10


@dataclass(slots=True)
class _Watched:
    child: Child
    started_at: float
    deaths: int = 0
    start_at: float | None = None


class Watch:
    """The processes that are to run."""

    def __init__(self) -> None:
        self._watched: list[_Watched] = []

    def begin(self, child: Child) -> None:
        """Start a process, and start it again whenever it ends."""
        child.start()
        self._watched.append(_Watched(child, time.monotonic()))

    def pids(self) -> dict[str, list[int]]:
        """The processes' ids by name."""
        pids: dict[str, list[int]] = {}
        for watched in self._watched:
            pids.setdefault(watched.child.name, []).append(watched.child.pid)
        return pids

    async def run(
        self,
        stop: asyncio.Event,
        *,
        on_death: Callable[[str, int], None],
        on_start: Callable[[], None],
    ) -> None:
        """Look after the processes until ``stop`` is set.

        Args:
            stop: ends it.
            on_death: told the name and the id of a process that has ended.
            on_start: told that a process has another id than before.
        """
        while not stop.is_set():
            now = time.monotonic()
            for watched in self._watched:
                if watched.start_at is None:
                    self._look_at(watched, now, on_death)
                elif now >= watched.start_at:
                    watched.start_at = None
                    watched.started_at = now
                    watched.child.start()
                    on_start()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await stop.wait()

    def _look_at(self, watched: _Watched, now: float, on_death: Callable[[str, int], None]) -> None:
        child = watched.child
        status = child.poll()
        if status is None:
            return
        on_death(child.name, child.pid)
        is_quick = now - watched.started_at < _SETTLED_SECONDS
        watched.deaths = watched.deaths + 1 if is_quick else 0
        wait = _BACKOFF_SECONDS[min(watched.deaths, len(_BACKOFF_SECONDS) - 1)]
        watched.start_at = now + wait
        _LOG.warning("%s ended (%s); it is started again in %s s", child.name, status, wait)

    def stop(self, names: tuple[str, ...], seconds: float) -> None:
        """End those of these names, all at once; past the time they are killed."""
        children = [w.child for w in self._watched if w.child.name in names]
        for child in children:
            child.ask_to_stop()
        deadline = time.monotonic() + seconds
        for child in children:
            child.stop(max(0.05, deadline - time.monotonic()))
