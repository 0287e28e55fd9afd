"""IDLE (RFC 9051 §6.3.13): updates as they happen, on whatever process they were caused."""

import asyncio
import contextlib
from typing import Final

import structlog

from mailquay.runtime import metrics
from mailquay.store import StoreUnavailable
from mailquay_imap.protocol import commands as c
from mailquay_imap.replies import Bad, Ok
from mailquay_imap.session import ConnectionEnd, Session

_LOG: Final = structlog.get_logger(__name__)


async def handle_idle(session: Session, _command: c.Idle) -> Ok:
    """IDLE, until DONE."""
    wake = asyncio.Event()
    traces: list[str] = []

    def woken(trace_id: str) -> None:
        traces.append(trace_id)
        wake.set()

    # Listen before looking: what comes between the two would be told to nobody.
    view = session.selected.view if session.selected is not None else None
    if view is not None:
        view.listeners.append(woken)
    session.write(b"+ idling\r\n")
    metrics.IMAP_IDLING.inc()
    try:
        if view is not None:
            await session.server.bus.wait_listening(view.account_id)
        await session.sync(expunges=True)
        await session.flush()
        await _idle(session, wake, traces)
    finally:
        metrics.IMAP_IDLING.dec()
        if view is not None:
            view.listeners.remove(woken)
    await session.sync(expunges=True)
    return Ok("IDLE terminated")


async def _idle(session: Session, wake: asyncio.Event, traces: list[str]) -> None:
    """Wait for the client and for news at once; look by ourselves every now and then."""
    loop = asyncio.get_running_loop()
    stop = loop.create_task(session.server.stopping.wait())
    reading = loop.create_task(_read_done(session))
    waking = loop.create_task(wake.wait())
    try:
        while True:
            await asyncio.wait(
                (reading, waking, stop),
                timeout=session.server.settings.imap.poll_seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if reading.done():
                reading.result()
                return
            if stop.done():
                session.say_goodbye()
                raise ConnectionEnd
            if waking.done():
                wake.clear()
                waking = loop.create_task(wake.wait())
                session.tell_updates(expunges=True)
            else:
                with contextlib.suppress(StoreUnavailable):  # the next look may succeed
                    await session.sync(expunges=True)
            for trace_id in traces:
                if trace_id:
                    _LOG.info("exists", trace_id=trace_id, address=session.owner.address)
            traces.clear()
            session.selected_still_there()
            await session.flush()
    finally:
        for task in (stop, reading, waking):
            task.cancel()
        await asyncio.gather(stop, reading, waking, return_exceptions=True)


async def _read_done(session: Session) -> None:
    while True:
        try:
            line = session.data.next_line()
        except ValueError:
            raise Bad("expected DONE") from None
        if line is not None:
            if line.upper() != b"DONE":
                raise Bad("expected DONE")
            return
        await session.read_more()
