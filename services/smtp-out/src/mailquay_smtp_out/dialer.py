"""Opens sessions with other people's hosts: which are to be tried, and with how much TLS."""

from dataclasses import dataclass, replace
from random import Random
from typing import Final

import structlog

from mailquay.dns import Resolver
from mailquay.net.tls import TlsContexts
from mailquay.runtime import metrics
from mailquay.runtime.settings import Settings
from mailquay_smtp_out.connection import ConnectionFailed, HostConnection, TlsFailed
from mailquay_smtp_out.protocol.dialogue import Refused, Session, SessionPolicy, TlsLevel
from mailquay_smtp_out.routing import Host, route

__all__ = ["Dialer", "Link"]

_LOG: Final = structlog.get_logger(__name__)


@dataclass(slots=True)
class Link:
    """An open session; ``messages`` have gone over it."""

    connection: HostConnection
    session: Session
    messages: int = 0

    @property
    def host(self) -> Host:
        """Who is at its other end."""
        return self.connection.host


class Dialer:
    """Opens sessions for one process."""

    def __init__(self, settings: Settings, resolver: Resolver, random: Random) -> None:
        out = settings.smtp_out
        self._settings = out
        self._resolver = resolver
        self._random = random
        self._smarthost = _host_and_port(out.smarthost) if out.smarthost else None
        helo_name = out.helo_name or settings.hostname
        self._own_names = frozenset({helo_name.lower(), settings.hostname.lower()})
        if self._smarthost is None:
            self._policy = SessionPolicy(helo_name, TlsLevel(out.tls))
        else:
            secret = out.smarthost_password
            self._policy = SessionPolicy(
                helo_name,
                TlsLevel(out.smarthost_tls),
                out.smarthost_username,
                None if secret is None else secret.get_secret_value(),
            )
        # An MX' name is from a DNS that anyone may forge: its certificate proves nothing yet.
        is_verified = self._smarthost is not None and self._policy.tls is TlsLevel.REQUIRED
        self._tls = TlsContexts.client_context(verify=is_verified)
        if out.smarthost_ca_file is not None:
            self._tls.load_verify_locations(out.smarthost_ca_file)

    @property
    def has_smarthost(self) -> bool:
        """Whether all mail goes to one host."""
        return self._smarthost is not None

    async def hosts(self, domain: str) -> list[Host]:
        """The hosts for a domain, in the order in which to try them.

        Raises:
            NoRoute: there is none.
        """
        return await route(
            domain,
            self._resolver,
            port=self._settings.port,
            smarthost=self._smarthost,
            own_names=self._own_names,
            random=self._random,
        )

    async def dial(self, host: Host) -> Link:
        """Open a session; in the clear where TLS was tried in vain and is not required.

        Raises:
            Refused: the host will not talk with us.
            ConnectionFailed: nor can it be talked with.
        """
        try:
            return await self._dial(host, self._policy)
        except TlsFailed as error:
            metrics.OUTBOUND_SESSIONS.labels("tls_failed").inc()
            if self._policy.tls is TlsLevel.REQUIRED:
                raise
            _LOG.info("going on without TLS", host=host.name, reason=str(error))
        return await self._dial(host, replace(self._policy, tls=TlsLevel.OFF))

    async def _dial(self, host: Host, policy: SessionPolicy) -> Link:
        connection = HostConnection(
            host,
            tls=self._tls,
            connect_seconds=self._settings.connect_timeout_seconds,
            command_seconds=self._settings.command_timeout_seconds,
            transaction_seconds=self._settings.transaction_timeout_seconds,
        )
        try:
            await connection.connect()
            session = await connection.open_session(policy)
        except TlsFailed:
            connection.close()
            raise
        except ConnectionFailed:
            metrics.OUTBOUND_SESSIONS.labels("unreachable").inc()
            connection.close()
            raise
        except Refused:
            metrics.OUTBOUND_SESSIONS.labels("refused").inc()
            await connection.quit()
            raise
        except BaseException:
            connection.close()
            raise
        metrics.OUTBOUND_SESSIONS.labels("tls" if session.is_tls else "clear").inc()
        return Link(connection, session)


def _host_and_port(text: str) -> tuple[str, int]:
    """``host:port``, the host of IPv6 in brackets; the settings have seen to its form."""
    host, _, port = text.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)
