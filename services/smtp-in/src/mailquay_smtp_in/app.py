"""The service: its listeners, and their end."""

import asyncio
from typing import Final

from mailquay.delivery.recipients import RecipientCache
from mailquay.net.listener import ConnectionCounter, Listener, Peer, Slot
from mailquay.net.tls import TlsContexts
from mailquay.runtime.service import Platform, Service
from mailquay_smtp_in.acceptance import Acceptance
from mailquay_smtp_in.replies import Reply
from mailquay_smtp_in.session import Role, Server, SmtpSession

__all__ = ["start"]

#: Sessions told to go at once while draining, and the pause after them: a thousand clients that
#: come back together are a flood.
_WAVE: Final = 50
_WAVE_SECONDS: Final = 0.1


async def start(platform: Platform) -> Service:
    """Begin to serve."""
    settings = platform.settings
    recipients = RecipientCache(
        platform.store,
        seconds=settings.smtp_in.recipient_cache_seconds,
        default_quota_bytes=settings.delivery.default_quota_bytes,
    )
    platform.bus.subscribe(recipients.heard)
    server = Server(
        settings=settings,
        store=platform.store,
        recipients=recipients,
        acceptance=Acceptance(
            platform.deliverer, hostname=settings.hostname, max_hops=settings.smtp_in.max_hops
        ),
        authenticator=platform.authenticator,
        tls=platform.tls,
        sessions=set(),
    )
    counter = ConnectionCounter(settings.net)
    listeners: list[Listener] = []

    def listen(name: str, port: int | None, role: Role, tls: TlsContexts | None = None) -> None:
        if port is None:
            return

        def factory(peer: Peer, slot: Slot) -> SmtpSession:
            return SmtpSession(server, role, peer, slot)

        listeners.append(
            Listener(
                name,
                factory,
                settings=settings.net,
                counter=counter,
                port=port,
                tls=tls,
                busy=Reply.TOO_MANY_CONNECTIONS,
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
        for listener in listeners:
            await listener.stop()
        for number, session in enumerate(list(server.sessions), 1):
            session.drain_soon()
            if number % _WAVE == 0:
                await asyncio.sleep(_WAVE_SECONDS)
        while server.sessions:  # noqa: ASYNC110  # they end by themselves
            await asyncio.sleep(0.05)

    return Service({listener.name: listener.port for listener in listeners}, drain)
