"""Listeners: accept, count, learn the true peer, hand the socket to a protocol."""

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import Callable
from typing import Final

from mailquay.net.limits import ConnectionCounter, Slot
from mailquay.net.peer import Peer
from mailquay.net.proxy import HEADER_MAX, NeedMore, ProxyError, parse_proxy
from mailquay.net.tls import TlsContexts, TlsError
from mailquay.runtime import metrics
from mailquay.runtime.settings import NetSettings

__all__ = ["ConnectionCounter", "Listener", "Peer", "Slot"]

_LOG: Final = logging.getLogger(__name__)
_HANDSHAKE_SECONDS: Final = 30
_PROXY_SECONDS: Final = 10
#: Out of descriptors, most likely: the pause before the next try.
_ACCEPT_AGAIN_SECONDS: Final = 0.1
#: Clients that the kernel connects before we take them.
_BACKLOG: Final = 1024
#: Of these, how many are taken before others have their turn.
_ACCEPT_AT_ONCE: Final = 64
#: What a stopping listener gives handshakes that are under way, and their share of the drain.
_OPENING_SECONDS: Final = 2.0
_OPENING_SHARE: Final = 0.25

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
        asks_certificate: bool = False,
    ) -> None:
        """Bind the port.

        Args:
            name: as logs and the ready file call it.
            factory: makes the protocol of a connection; with TLS it is called before the handshake,
                which may fail: nothing is open before `connection_made`.
            settings: addresses and limits.
            counter: shared by a process' listeners.
            port: 0 for a free one.
            tls: for TLS from the first byte; None for none, or STARTTLS.
            busy: the protocol's own words for "too many connections".
            asks_certificate: with TLS, let the client show a certificate to sign in with.

        Raises:
            OSError: the port cannot be had.
        """
        self.name = name
        self._factory = factory
        self._settings = settings
        self._counter = counter
        self._tls = tls
        self._busy = busy
        self._asks_certificate = asks_certificate
        self._balancers = settings.proxy_protocol_from
        self._opening_seconds = min(_OPENING_SECONDS, settings.drain_seconds * _OPENING_SHARE)
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
            self._socket.close()
            raise OSError(f"cannot listen on {settings.bind}:{port} ({name}): {error}") from error
        self._socket.listen(_BACKLOG)
        self.port: int = self._socket.getsockname()[1]
        metrics.CONNECTIONS.labels(name)  # 0 until someone comes
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pause: asyncio.TimerHandle | None = None
        self._opening: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to accept."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket.fileno(), self._accept)

    async def stop(self) -> None:
        """Accept no more; what is connected stays.

        Clients whom the kernel has connected and we had not taken yet are taken: closing the socket
        would cut them off without a word. They, and those whose handshake is under way, have a
        moment for it; their protocol knows already that it is to say goodbye.
        """
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.remove_reader(self._socket.fileno())
            if self._pause is not None:
                self._pause.cancel()
            with contextlib.suppress(OSError):  # whom we have no descriptor for is cut off
                for _ in range(_BACKLOG):
                    if not self._accept_one(loop):
                        break
        self._socket.close()
        if self._opening:
            await asyncio.wait(self._opening, timeout=self._opening_seconds)
        for task in list(self._opening):
            task.cancel()
        if self._opening:
            await asyncio.wait(self._opening)

    def _accept(self) -> None:
        assert self._loop is not None, "it was started"
        for _ in range(_ACCEPT_AT_ONCE):
            try:
                if not self._accept_one(self._loop):
                    return
            except OSError as error:
                _LOG.warning("%s: cannot accept: %s", self.name, error)
                # The socket stays readable: do not spin on it.
                self._loop.remove_reader(self._socket.fileno())
                self._pause = self._loop.call_later(_ACCEPT_AGAIN_SECONDS, self.start)
                return

    def _accept_one(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Take a client who waits; False where nobody does.

        Raises:
            OSError: there are no descriptors left, most likely.
        """
        try:
            connection, address = self._socket.accept()
        except BlockingIOError:
            return False
        except ConnectionAbortedError:  # it has gone meanwhile
            return True
        if len(self._opening) >= self._settings.max_connections:
            metrics.CONNECTIONS_ACCEPTED.labels("over_limit").inc()
            connection.close()
            return True
        connection.setblocking(False)
        task = loop.create_task(self._open(connection, Peer.at(address[0], address[1])))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        return True

    async def _open(self, connection: socket.socket, peer: Peer) -> None:
        slot: Slot | None = None
        result = "proxy_error"
        try:
            if self._is_balancer(peer.address):
                async with asyncio.timeout(_PROXY_SECONDS):
                    peer = await self._read_proxy(connection, peer)
            slot = self._counter.take(peer, self.name)
            if slot is None:
                self._refuse(connection)
                return
            result = "tls_error"
            await self._connect(connection, peer, slot)
        except (ProxyError, TlsError, OSError, TimeoutError) as error:
            metrics.CONNECTIONS_ACCEPTED.labels(result).inc()
            _LOG.info("%s: no connection with %s: %s", self.name, peer.address, error)
            self._abandon(connection, slot)
        except BaseException:
            self._abandon(connection, slot)
            raise

    @staticmethod
    def _abandon(connection: socket.socket, slot: Slot | None) -> None:
        if slot is not None:
            slot.release()
        connection.close()

    def _refuse(self, connection: socket.socket) -> None:
        """Say that there are too many; inside TLS that would cost what is to be saved."""
        if self._tls is None:
            with contextlib.suppress(OSError):
                connection.send(self._busy)
        connection.close()

    async def _connect(self, connection: socket.socket, peer: Peer, slot: Slot) -> None:
        """Hand the socket to its protocol, which has the slot from then on."""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        context = None
        if self._tls is not None:
            context = self._tls.server_context(asks_certificate=self._asks_certificate)
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: self._factory(peer, slot),
            connection,
            ssl=context,
            ssl_handshake_timeout=None if context is None else _HANDSHAKE_SECONDS,
        )

    def _is_balancer(self, address: str) -> bool:
        if not self._balancers:
            return False
        parsed = ipaddress.ip_address(address)
        return any(parsed in network for network in self._balancers)

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
                return peer if parsed.source is None else Peer.at(*parsed.source)
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
