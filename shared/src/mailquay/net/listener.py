"""Listeners: accept, count, learn the true peer, hand the socket to a protocol."""

import asyncio
import contextlib
import ipaddress
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailquay.net.proxy import HEADER_MAX, NeedMore, ProxyError, parse_proxy
from mailquay.net.tls import TlsContexts, TlsError
from mailquay.runtime import metrics
from mailquay.runtime.settings import NetSettings

__all__ = ["ConnectionCounter", "Listener", "Peer", "Slot"]

_LOG: Final = logging.getLogger(__name__)
_HANDSHAKE_SECONDS: Final = 30
_PROXY_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Peer:
    """Who has connected: the client itself, also behind a balancer."""

    address: str
    port: int


class ConnectionCounter:
    """A process' connections, over all its listeners."""

    def __init__(self, settings: NetSettings) -> None:
        self._settings = settings
        self.total = 0
        self._by_address: Counter[str] = Counter()

    def take(self, address: str) -> "Slot | None":
        """Count a connection; None when there are too many."""
        if self.total >= self._settings.max_connections:
            metrics.CONNECTIONS_ACCEPTED.labels("over_limit").inc()
            return None
        if self._by_address[address] >= self._settings.max_connections_per_address:
            metrics.CONNECTIONS_ACCEPTED.labels("over_address_limit").inc()
            return None
        self.total += 1
        self._by_address[address] += 1
        metrics.CONNECTIONS.inc()
        metrics.CONNECTIONS_ACCEPTED.labels("accepted").inc()
        return Slot(self, address)

    def _release(self, address: str) -> None:
        self.total -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
        metrics.CONNECTIONS.dec()


class Slot:
    """One counted connection; the protocol releases it when it is lost."""

    __slots__ = ("_address", "_counter")

    def __init__(self, counter: ConnectionCounter, address: str) -> None:
        self._counter: ConnectionCounter | None = counter
        self._address = address

    def release(self) -> None:
        """The connection is gone; twice is no fault."""
        if self._counter is not None:
            self._counter._release(self._address)
            self._counter = None


ProtocolFactory = Callable[[Peer, Slot], asyncio.Protocol]


class Listener:
    """One port. Sockets share it with other workers (SO_REUSEPORT)."""

    def __init__(
        self,
        name: str,
        factory: ProtocolFactory,
        *,
        settings: NetSettings,
        counter: ConnectionCounter,
        port: int,
        tls: TlsContexts | None,
        busy: bytes,
    ) -> None:
        """Bind the port.

        Args:
            name: as logs and the ready file call it.
            factory: makes the protocol of a connection.
            settings: addresses and limits.
            counter: shared by a process' listeners.
            port: 0 for a free one.
            tls: for TLS from the first byte; None for none, or STARTTLS.
            busy: the protocol's own words for "too many connections".

        Raises:
            OSError: the port cannot be had.
        """
        self.name = name
        self._factory = factory
        self._settings = settings
        self._counter = counter
        self._tls = tls
        self._busy = busy
        self._networks = [ipaddress.ip_network(n) for n in settings.proxy_protocol_from]
        family = socket.AF_INET6 if ":" in settings.bind else socket.AF_INET
        self._socket = socket.socket(family)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            with contextlib.suppress(OSError):
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        try:
            self._socket.bind((settings.bind, port))
        except OSError as error:
            raise OSError(f"cannot listen on {settings.bind}:{port} ({name}): {error}") from error
        self._socket.listen(1024)
        self.port: int = self._socket.getsockname()[1]
        self._task: asyncio.Task[None] | None = None
        self._opening: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to accept."""
        self._task = asyncio.create_task(self._accept())

    async def stop(self) -> None:
        """Accept no more; what is connected stays."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._socket.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(self._socket)
            except OSError as error:
                _LOG.warning("%s: cannot accept: %s", self.name, error)
                await asyncio.sleep(0.1)  # out of descriptors, most likely
                continue
            connection.setblocking(False)
            task = asyncio.create_task(self._open(connection, Peer(address[0], address[1])))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    def _is_balancer(self, address: str) -> bool:
        if not self._networks:
            return False
        parsed = ipaddress.ip_address(address)
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._networks)

    async def _open(self, connection: socket.socket, peer: Peer) -> None:
        loop = asyncio.get_running_loop()
        if self._is_balancer(peer.address):
            try:
                async with asyncio.timeout(_PROXY_SECONDS):
                    peer = await self._read_proxy(connection, peer)
            except (ProxyError, OSError, TimeoutError) as error:
                metrics.CONNECTIONS_ACCEPTED.labels("proxy_error").inc()
                _LOG.info("%s: %s sent no PROXY header: %s", self.name, peer.address, error)
                connection.close()
                return
        slot = self._counter.take(peer.address)
        if slot is None:
            if self._tls is None:
                with contextlib.suppress(OSError):
                    connection.send(self._busy)
            connection.close()
            return
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            context = None if self._tls is None else self._tls.server_context()
            seconds = None if context is None else _HANDSHAKE_SECONDS
            await loop.connect_accepted_socket(
                lambda: self._factory(peer, slot),
                connection,
                ssl=context,
                ssl_handshake_timeout=seconds,
            )
        except (OSError, ssl.SSLError, TlsError, TimeoutError) as error:
            slot.release()
            metrics.CONNECTIONS_ACCEPTED.labels("tls_error").inc()
            _LOG.info("%s: no connection with %s: %s", self.name, peer.address, error)
            connection.close()

    @staticmethod
    async def _read_proxy(connection: socket.socket, peer: Peer) -> Peer:
        """Read the header and not a byte more: what follows is TLS's, or the protocol's."""
        while True:
            await _readable(connection)
            data = connection.recv(HEADER_MAX, socket.MSG_PEEK)
            if not data:
                raise ProxyError("the connection was closed")
            parsed = parse_proxy(data)
            if not isinstance(parsed, NeedMore):
                connection.recv(parsed.length)
                return peer if parsed.source is None else Peer(*parsed.source)
            # The same bytes are readable still; do not spin on them.
            await asyncio.sleep(0.005)


async def _readable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()

    def ready() -> None:
        if not future.done():
            future.set_result(None)

    loop.add_reader(connection.fileno(), ready)
    try:
        await future
    finally:
        loop.remove_reader(connection.fileno())
