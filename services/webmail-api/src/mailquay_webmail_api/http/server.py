"""The web server: the library's listener, uvicorn's connections, and their drained end."""

import asyncio
import contextlib
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
#: Of the drain time, what idle connections are kept open for, so that they hear of it.
_IDLE_SHARE: Final = 0.25


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
        self._idle_seconds = settings.net.drain_seconds * _IDLE_SHARE
        self._is_stopping = False
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
        connection = HttpConnection(
            self._config,
            self._server.server_state,
            peer=peer,
            slot=slot,
            head_seconds=self._request_seconds,
            write_seconds=self._request_seconds,
        )
        if self._is_stopping:
            connection.close_after_response()
        return connection

    def start(self) -> None:
        """Begin to serve."""
        # `serve` would take the signals; the service has them.
        self._task = asyncio.create_task(self._server._serve(sockets=[]))
        self._listener.start()

    async def stop(self) -> None:
        """Accept no more, answer what has been asked and a request more on each connection, close.

        Idle connections, whose clients ask nothing more, are closed after a while.
        """
        self._is_stopping = True
        await self._listener.stop()
        connections = self._server.server_state.connections
        for connection in connections:
            assert isinstance(connection, HttpConnection), "no other is made"
            connection.close_after_response()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._idle_seconds):
                while connections:  # noqa: ASYNC110  # they end by themselves
                    await asyncio.sleep(0.05)
        self._server.should_exit = True
        if self._task is not None:
            await self._task
