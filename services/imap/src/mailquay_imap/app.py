"""The service: its listeners, and their end."""

import asyncio
from typing import Final

from mailquay.events import Event, IdentityRevoked
from mailquay.net.drain import drain_in_waves
from mailquay.net.listener import ConnectionCounter, Listener, Peer, Slot
from mailquay.net.stream import Stream
from mailquay.net.tls import TlsContexts
from mailquay.runtime.service import Platform, Service
from mailquay_imap.facts import Facts
from mailquay_imap.handlers import HANDLERS
from mailquay_imap.server import Server
from mailquay_imap.session import Session
from mailquay_imap.views import Views

__all__ = ["start"]

_BUSY: Final = b"* BYE [UNAVAILABLE] Too many connections, try again later\r\n"
_FACT_BYTES: Final = 64 * 1024 * 1024


async def start(platform: Platform) -> Service:
    """Begin to serve."""
    settings = platform.settings
    server = Server(
        settings=settings,
        store=platform.store,
        blobs=platform.blobs,
        bus=platform.bus,
        deliverer=platform.deliverer,
        authenticator=platform.authenticator,
        tls=platform.tls,
        views=Views(platform.store, platform.bus),
        facts=Facts(platform.store, _FACT_BYTES),
    )
    counter = ConnectionCounter(settings.net)
    streams: set[Stream] = set()

    def listen(name: str, port: int, tls: TlsContexts | None) -> Listener:
        hidden = settings.imap.hidden_on(name)

        async def serve(stream: Stream) -> None:
            streams.add(stream)
            try:
                await Session(server, stream, HANDLERS, hidden).run()
            finally:
                streams.discard(stream)

        def factory(peer: Peer, slot: Slot) -> Stream:
            return Stream(peer, slot, serve)

        return Listener(
            name, factory, settings=settings.net, counter=counter, port=port, tls=tls, busy=_BUSY,
            asks_certificate=True,
        )  # fmt: skip

    listeners: list[Listener] = []
    if settings.imap.port is not None:
        listeners.append(listen("imap", settings.imap.port, None))
    if settings.imap.tls_port is not None and platform.tls.is_configured:
        listeners.append(listen("imaps", settings.imap.tls_port, platform.tls))
    revoked = platform.bus.subscribe(lambda event: _end_revoked(server, event))
    for listener in listeners:
        listener.start()

    async def drain() -> None:
        server.stopping.set()
        await asyncio.gather(*(listener.stop() for listener in listeners))
        revoked.close()
        try:
            await drain_in_waves(
                server.sessions, _say_goodbye, seconds=settings.net.drain_seconds / 2
            )
            while streams:  # noqa: ASYNC110  # they end by themselves
                await asyncio.sleep(0.05)
        finally:
            for stream in list(streams):
                stream.close()

    return Service({listener.name: listener.port for listener in listeners}, drain)


def _end_revoked(server: Server, event: Event) -> None:
    """End the sessions that wait for their client; the others end with their next command."""
    if not isinstance(event, IdentityRevoked):
        return
    for session in list(server.sessions):
        account = session.account
        if (
            session.is_idle
            and account is not None
            and account.id == event.account_id
            and account.credential_version < event.credential_version
        ):
            session.say_revoked()
            session.end_now()


def _say_goodbye(session: Session) -> None:
    """End a session that waits for its client, in IDLE or between two commands.

    One that runs a command finds out after it.
    """
    if session.is_idle:
        session.say_goodbye()
        session.end_now()
