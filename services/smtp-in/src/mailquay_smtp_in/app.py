"""The service: its listeners, and their end."""

import asyncio

from mailquay.delivery.recipients import RecipientCache
from mailquay.net.drain import drain_in_waves
from mailquay.net.limits import ConnectionCounter, Slot
from mailquay.net.listener import Listener
from mailquay.net.peer import Peer
from mailquay.net.tls import TlsContexts
from mailquay.runtime.service import Platform, Service
from mailquay_smtp_in.acceptance import Acceptance
from mailquay_smtp_in.confirmations import Confirmations
from mailquay_smtp_in.connection import Connection
from mailquay_smtp_in.handlers import HANDLERS
from mailquay_smtp_in.replies import Reply
from mailquay_smtp_in.server import Role, Server
from mailquay_smtp_in.session import Session

__all__ = ["start"]


async def start(platform: Platform) -> Service:
    """Begin to serve."""
    settings = platform.settings
    recipients = RecipientCache(
        platform.store,
        hostname=settings.hostname,
        seconds=settings.smtp_in.recipient_cache_seconds,
        default_quota_bytes=settings.delivery.default_quota_bytes,
    )
    server = Server(
        settings=settings,
        store=platform.store,
        recipients=recipients,
        acceptance=Acceptance(
            platform.deliverer,
            Confirmations(platform.deliverer, recipients, hostname=settings.hostname),
            platform.store.policies,
            hostname=settings.hostname,
            settings=settings.smtp_in,
        ),
        authenticator=platform.authenticator,
        tls=platform.tls,
    )
    platform.bus.subscribe(recipients.heard)
    platform.bus.subscribe(server.heard)
    counter = ConnectionCounter(settings.net)
    listeners: list[Listener] = []

    def listen(name: str, port: int | None, role: Role, tls: TlsContexts | None = None) -> None:
        if port is None:
            return

        async def serve(connection: Connection) -> None:
            await Session(server, role, connection, HANDLERS).run()

        def factory(peer: Peer, slot: Slot) -> Connection:
            return Connection(peer, slot, serve, settings.smtp_in)

        listeners.append(
            Listener(
                name,
                factory,
                settings=settings.net,
                counter=counter,
                port=port,
                tls=tls,
                busy=Reply.TOO_MANY_CONNECTIONS + b"\r\n",
                asks_certificate=role is Role.SUBMISSION,
            )
        )

    listen("smtp", settings.smtp_in.mx_port, Role.MX)
    listen("submission", settings.smtp_in.submission_port, Role.SUBMISSION)
    if platform.tls.is_configured:
        listen("submissions", settings.smtp_in.submissions_port, Role.SUBMISSION, platform.tls)
    listen("lmtp", settings.smtp_in.lmtp_port, Role.LMTP)
    for listener in listeners:
        listener.start()

    async def drain() -> None:
        server.is_draining = True
        await asyncio.gather(*(listener.stop() for listener in listeners))
        try:
            await drain_in_waves(
                server.sessions,
                lambda session: session.end_soon(Reply.GOING_DOWN),
                seconds=settings.net.drain_seconds / 2,
            )
        finally:
            # Whoever is in the middle of a message will send it to another process.
            for session in list(server.sessions):
                session.connection.end_now(Reply.GOING_DOWN)

    return Service({listener.name: listener.port for listener in listeners}, drain)
