"""Opens sessions with other people's hosts: which are to be tried, and with how much TLS."""

import ssl
from dataclasses import dataclass, replace
from random import Random
from typing import Final

import structlog

from mailquay.declared.document import PasswordSource
from mailquay.declared.errors import PasswordMissing
from mailquay.declared.passwords import read_password
from mailquay.dns import Resolver
from mailquay.net.tls import TlsContexts
from mailquay.runtime import metrics
from mailquay.runtime.settings import Settings
from mailquay.store.relays import Relay
from mailquay_smtp_out.connection import ConnectionFailed, HostConnection, TlsFailed
from mailquay_smtp_out.protocol.dialogue import Refused, Session, SessionPolicy, TlsLevel
from mailquay_smtp_out.protocol.replies import local_reply
from mailquay_smtp_out.routing import Host, NoRoute, route

__all__ = ["Dialer", "Link", "Way"]

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


@dataclass(frozen=True, slots=True)
class Way:
    """How mail leaves: to one host, or (None) to the recipients' MX, and by which rules."""

    host: tuple[str, int] | None
    policy: SessionPolicy
    tls: ssl.SSLContext


class Dialer:
    """Opens sessions for one process."""

    def __init__(self, settings: Settings, resolver: Resolver, random: Random) -> None:
        out = settings.smtp_out
        self._settings = out
        self._resolver = resolver
        self._random = random
        self._helo_name = out.helo_name or settings.hostname
        self._own_names = frozenset({self._helo_name.lower(), settings.hostname.lower()})
        # An MX' name is from a DNS that anyone may forge: its certificate proves nothing yet.
        self._any_tls = TlsContexts.client_context(verify=False)
        self._verified_tls = TlsContexts.client_context(verify=True)
        if out.smarthost_ca_file is not None:
            self._verified_tls.load_verify_locations(out.smarthost_ca_file)
        self._mx = self._way(None, TlsLevel(out.tls))
        self._usual = self._mx
        if out.smarthost is not None:
            secret = out.smarthost_password
            self._usual = self._way(
                _host_and_port(out.smarthost),
                TlsLevel(out.smarthost_tls),
                out.smarthost_username,
                None if secret is None else secret.get_secret_value(),
            )

    def _way(
        self,
        host: tuple[str, int] | None,
        level: TlsLevel,
        username: str | None = None,
        password: str | None = None,
    ) -> Way:
        is_verified = host is not None and level is TlsLevel.REQUIRED
        policy = SessionPolicy(self._helo_name, level, username, password)
        return Way(host, policy, self._verified_tls if is_verified else self._any_tls)

    @property
    def has_smarthost(self) -> bool:
        """Whether mail goes to one host where no relay is for it."""
        return self._usual.host is not None

    def way(self, relay: Relay | None) -> Way:
        """How mail leaves by a relay, or by none; a relay's password is read now.

        Raises:
            NoRoute: the relay rejects it, or its password is not where it should be.
        """
        if relay is None:
            return self._usual
        if relay.action == "mx":
            return self._mx
        if relay.action == "reject":
            raise NoRoute(local_reply(550, "5.7.1", f"mail to it is refused by {relay.name}"))
        assert relay.host is not None, "a host has a name"
        assert relay.port is not None, "and a port"
        password = None
        if relay.username is not None:
            source = PasswordSource(file=relay.password_file, env=relay.password_env)
            try:
                password = read_password(source)
            except PasswordMissing as error:
                _LOG.error("a relay's password is missing", relay=relay.name, reason=str(error))
                raise NoRoute(local_reply(454, "4.7.0", "the relay cannot be used now")) from None
        level = TlsLevel(relay.tls or TlsLevel.REQUIRED)
        return self._way((relay.host, relay.port), level, relay.username, password)

    async def hosts(self, domain: str, way: Way) -> list[Host]:
        """The hosts for a domain, in the order in which to try them.

        Raises:
            NoRoute: there is none.
        """
        return await route(
            domain,
            self._resolver,
            port=self._settings.port,
            smarthost=way.host,
            own_names=self._own_names,
            random=self._random,
        )

    async def dial(self, host: Host, way: Way) -> Link:
        """Open a session; in the clear where TLS was tried in vain and is not required.

        Raises:
            Refused: the host will not talk with us.
            ConnectionFailed: nor can it be talked with.
        """
        try:
            return await self._dial(host, way.policy, way.tls)
        except TlsFailed as error:
            metrics.OUTBOUND_SESSIONS.labels("tls_failed").inc()
            if way.policy.tls is TlsLevel.REQUIRED:
                raise
            _LOG.info("going on without TLS", host=host.name, reason=str(error))
        return await self._dial(host, replace(way.policy, tls=TlsLevel.OFF), way.tls)

    async def _dial(self, host: Host, policy: SessionPolicy, tls: ssl.SSLContext) -> Link:
        connection = HostConnection(
            host,
            tls=tls,
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
