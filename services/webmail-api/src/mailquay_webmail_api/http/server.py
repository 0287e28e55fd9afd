"""The web server: the library's listener, uvicorn's connections, and their drained end."""

import asyncio
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp

from mailquay.net.listener import ConnectionCounter, Listener, Peer, Slot
from mailquay.runtime.settings import Settings
from mailquay_webmail_api.http.connection import HttpConnection

__all__ = ["WebServer"]

_BUSY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)


class WebServer:
    """Serves an application on the web port, which several workers may share."""

    def __init__(self, app: ASGIApp, settings: Settings, port: int) -> None:
        """Bind the port.

        Raises:
            OSError: it cannot be had.
        """
        web = settings.web
        changes: dict[str, Any] = {
            "bind": web.bind or settings.net.bind,
            # An HTTP balancer speaks X-Forwarded-For, not the PROXY protocol.
            "proxy_protocol_from": (),
        }
        if web.trusted_proxies:
            # All clients come from the proxies' few addresses.
            changes["max_connections_per_address"] = settings.net.max_connections
        net = settings.net.model_copy(update=changes)
        self._config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=web.keep_alive_seconds,
        )
        self._config.load()
        # It has no sockets of its own: it keeps the Date field and knows the connections.
        self._server = uvicorn.Server(self._config)
        self._request_seconds = web.request_timeout_seconds
        self._task: asyncio.Task[None] | None = None
        self._listener = Listener(
            "http",
            self._connect,
            settings=net,
            counter=ConnectionCounter(net),
            port=port,
            tls=None,
            busy=_BUSY,
        )
        self.port = self._listener.port

    def _connect(self, peer: Peer, slot: Slot) -> asyncio.Protocol:
        return HttpConnection(
            self._config,
            self._server.server_state,
            peer=peer,
            slot=slot,
            head_seconds=self._request_seconds,
            write_seconds=self._request_seconds,
        )

    def start(self) -> None:
        """Begin to serve."""
        # `serve` would take the signals; the service has them.
        self._task = asyncio.create_task(self._server._serve(sockets=[]))
        self._listener.start()

    async def stop(self) -> None:
        """Accept no more, answer what has been asked, close."""
        await self._listener.stop()
        self._server.should_exit = True
        if self._task is not None:
            await self._task
