"""The service: what runs in it, and its end."""

import asyncio
import contextlib

from mailquay.runtime.service import Platform, Service
from mailquay_smtp_out.housekeeping import Housekeeping

__all__ = ["start"]


async def start(platform: Platform) -> Service:
    """Begin to work on the queue."""
    settings = platform.settings.smtp_out
    housekeeping = Housekeeping(platform.store, interval_seconds=settings.poll_seconds)
    task = asyncio.create_task(housekeeping.run())

    async def drain() -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    return Service({}, drain)
