"""The service: its listeners, and their end."""

import asyncio
from typing import Final

from mailquay.net.drain import drain_in_waves
from mailquay.net.limits import ConnectionCounter, Slot
from mailquay.net.listener import Listener
from mailquay.net.peer import Peer
from mailquay.net.stream import Stream
from mailquay.net.tls import TlsContexts
from mailquay.runtime import metrics
from mailquay.runtime.service import Platform, Service
from mailquay_pop3.handlers import HANDLERS
from mailquay_pop3.server import Server
from mailquay_pop3.session import Session

__all__ = ["start"]

_BUSY: Final = b"-ERR [SYS/TEMP] too many connections, try again later\r\n"
_RESTARTING: Final = "[SYS/TEMP] the service is restarting, please come back"


async def start(platform: Platform) -> Service:
    """Begin to serve."""
    settings = platform.settings
    server = Server(
        settings=settings,
        store=platform.store,
        blobs=platform.blobs,
        bus=platform.bus,
        authenticator=platform.authenticator,
        tls=platform.tls,
        seconds={keyword: metrics.POP3_SECONDS.labels(keyword) for keyword in HANDLERS},
    )
    platform.bus.subscribe(server.heard)
    counter = ConnectionCounter(settings.net)

    async def serve(stream: Stream) -> None:
        await Session(server, stream, HANDLERS).run()

    def factory(peer: Peer, slot: Slot) -> Stream:
        return Stream(peer, slot, serve)

    def listen(name: str, port: int, tls: TlsContexts | None) -> Listener:
        return Listener(
            name, factory, settings=settings.net, counter=counter, port=port, tls=tls, busy=_BUSY,
            asks_certificate=True,
        )  # fmt: skip

    listeners: list[Listener] = []
    if settings.pop3.port is not None:
        listeners.append(listen("pop3", settings.pop3.port, None))
    if settings.pop3.tls_port is not None and platform.tls.is_configured:
        listeners.append(listen("pop3s", settings.pop3.tls_port, platform.tls))
    for listener in listeners:
        listener.start()

    async def drain() -> None:
        server.is_draining = True
        await asyncio.gather(*(listener.stop() for listener in listeners))
        try:
            await drain_in_waves(
                server.sessions,
                lambda session: session.end_soon(_RESTARTING),
                seconds=settings.net.drain_seconds / 2,
            )
        finally:
            for session in list(server.sessions):
                session.stream.abort()

    return Service({listener.name: listener.port for listener in listeners}, drain)
