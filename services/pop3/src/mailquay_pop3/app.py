"""The service: its listeners, and their end."""

import asyncio
from typing import Final

from mailquay.net.listener import ConnectionCounter, Listener, Peer, Slot
from mailquay.net.stream import Stream
from mailquay.net.tls import TlsContexts
from mailquay.runtime.service import Platform, Service
from mailquay_pop3.session import Server, Session

__all__ = ["start"]

_BUSY: Final = b"-ERR [SYS/TEMP] too many connections, try again later\r\n"


async def start(platform: Platform) -> Service:
    """Begin to serve."""
    settings = platform.settings
    server = Server(
        settings,
        platform.store,
        platform.blobs,
        platform.bus,
        platform.authenticator,
        platform.tls,
    )
    counter = ConnectionCounter(settings.net)

    async def serve(stream: Stream) -> None:
        await Session(server, stream).run()

    def factory(peer: Peer, slot: Slot) -> Stream:
        return Stream(peer, slot, serve)

    def listen(name: str, port: int, tls: TlsContexts | None) -> Listener:
        return Listener(
            name, factory, settings=settings.net, counter=counter, port=port, tls=tls, busy=_BUSY
        )

    listeners: list[Listener] = []
    if settings.pop3.port is not None:
        listeners.append(listen("pop3", settings.pop3.port, None))
    if settings.pop3.tls_port is not None and platform.tls.is_configured:
        listeners.append(listen("pop3s", settings.pop3.tls_port, platform.tls))
    for listener in listeners:
        listener.start()

    async def drain() -> None:
        for listener in listeners:
            await listener.stop()
        server.is_stopping = True
        for session in [s for s in server.sessions if s.is_idle]:
            session.say_goodbye()
            await session.flush()
            session.stream.close()
        while server.sessions:  # noqa: ASYNC110  # they end by themselves
            await asyncio.sleep(0.05)

    return Service({listener.name: listener.port for listener in listeners}, drain)
