"""IDLE (RFC 9051 §6.3.13): updates as they happen, on whatever process they were caused."""

import asyncio
from typing import Final

import structlog

from mailquay.runtime import metrics
from mailquay.store import StoreUnavailable
from mailquay_imap.everything import tell_everything
from mailquay_imap.protocol import commands as c
from mailquay_imap.replies import Bad, Ok
from mailquay_imap.session import Session
from mailquay_imap.views import MailboxGone

_LOG: Final = structlog.get_logger(__name__)


async def handle_idle(session: Session, _command: c.Idle) -> Ok:
    """IDLE, until DONE; with NOTIFY what that tells, and no more (RFC 5465 §4)."""
    if session.notifier is not None:
        return await _idle_notified(session)
    wake = asyncio.Event()
    traces: list[str] = []

    def woken(causes: list[str]) -> None:
        traces.extend(causes)
        wake.set()

    # Listen before looking: what comes between the two would be told to nobody.
    view = session.selected.view if session.selected is not None else None
    if view is not None:
        session.server.views.listen(view, woken)
    session.write(b"+ idling\r\n")
    metrics.IMAP_IDLING.inc()
    try:
        # By itself: some clients read it with a buffer, then wait for the socket, and would leave
        # in the buffer what came with it.
        await session.flush()
        if view is not None:
            await session.server.bus.wait_listening(view.account_id)
        await _look(session)
        await _idle(session, wake, traces)
    finally:
        metrics.IMAP_IDLING.dec()
        if view is not None:
            view.listeners.remove(woken)
    session.must_look_again()
    return Ok("IDLE terminated")


async def _idle_notified(session: Session) -> Ok:
    """NOTIFY goes on while the client is waited for; EXPUNGE is delayed no longer (§6.1.2)."""
    assert session.notifier is not None
    notifier = session.notifier
    session.write(b"+ idling\r\n")
    await session.flush()
    metrics.IMAP_IDLING.inc()
    notifier.is_idling = True
    notifier.wake.set()
    try:
        await _read_done(session)
    finally:
        notifier.is_idling = False
        metrics.IMAP_IDLING.dec()
    session.must_look_again()
    return Ok("IDLE terminated")


async def _look(session: Session) -> None:
    """Look, and tell what is new.

    Raises:
        MailboxGone, TimeoutError
    """
    try:
        await session.look()
    except StoreUnavailable:
        return  # the next look may succeed
    await tell_everything(session, expunges=True)
    await session.flush()


async def _idle(session: Session, wake: asyncio.Event, traces: list[str]) -> None:
    """Wait for the client and for news at once; look by ourselves every now and then."""
    loop = asyncio.get_running_loop()
    reading = loop.create_task(_read_done(session))
    waking = loop.create_task(wake.wait())
    try:
        while True:
            await session.flush()
            await asyncio.wait(
                (reading, waking),
                timeout=session.server.settings.imap.poll_seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if waking.done():
                wake.clear()
                waking = loop.create_task(wake.wait())
                await tell_everything(session, expunges=True)
                _log(session, traces)
            elif not reading.done():
                await session.require_unchanged()
                await _look(session)
            if reading.done():
                reading.result()
                return
            if session.selected is not None and session.selected.view.is_gone:
                raise MailboxGone
    finally:
        for task in (reading, waking):
            task.cancel()
        await asyncio.gather(reading, waking, return_exceptions=True)


def _log(session: Session, traces: list[str]) -> None:
    """Where a message's way ends that began with SMTP's DATA."""
    for trace_id in filter(None, traces):
        _LOG.info("exists", trace_id=trace_id, address=session.owner.address)
    traces.clear()


async def _read_done(session: Session) -> None:
    while True:
        try:
            line = session.data.next_line()
        except ValueError:
            raise Bad("expected DONE") from None
        if line is not None:
            if line.upper() != b"DONE":
                raise Bad("expected DONE", code="CLIENTBUG")
            return
        await session.read_more()
