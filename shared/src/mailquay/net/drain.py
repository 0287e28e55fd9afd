"""The end of a process' connections, spread out: all at once they would all come back at once."""

import asyncio
from collections.abc import Callable, Collection
from typing import Final, TypeVar

__all__ = ["drain_in_waves"]

_T = TypeVar("_T")
#: The pause between two waves.
_WAVE_SECONDS: Final = 0.1
#: In each wave so many at least: a handful need not be spread. More would all sign in at once
#: elsewhere, and each of them costs a hash that is meant to cost something.
_WAVE_MIN: Final = 2


async def drain_in_waves(
    sessions: Collection[_T],
    end: Callable[[_T], None],
    *,
    seconds: float,
) -> None:
    """End every session in waves, then wait until the last is gone.

    Args:
        sessions: those that are open; each leaves by itself once it has ended.
        end: says the protocol's goodbye, now or after the command that runs. It never waits.
        seconds: what the waves may take in all; how long the sessions then take is theirs.
    """
    open_now = list(sessions)
    waves = max(1, int(seconds / _WAVE_SECONDS))
    size = max(_WAVE_MIN, -(-len(open_now) // waves))
    for number, session in enumerate(open_now, 1):
        if session in sessions:
            end(session)
        if number % size == 0:
            await asyncio.sleep(_WAVE_SECONDS)
    while sessions:  # noqa: ASYNC110  # they end by themselves
        await asyncio.sleep(0.02)
