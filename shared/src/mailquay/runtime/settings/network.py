"""Listeners, certificates and names: what all services share of the network."""

import ipaddress
from pathlib import Path
from typing import Literal

from pydantic import Field, IPvAnyNetwork, field_validator

from mailquay.runtime.settings.values import Group

__all__ = ["DnsSettings", "NetSettings", "TlsSettings"]


class TlsSettings(Group):
    """The servers' certificate; the files are watched and reloaded without a restart."""

    certificate_file: Path | None = Field(None, description="PEM chain; none: no TLS offered.")
    key_file: Path | None = Field(None, description="PEM private key.")
    client_ca_file: Path | None = Field(
        None,
        description="PEM certificates of those who issue clients' certificates: clients of IMAP, "
        "POP3 and submission are asked for one, and may sign in with it (SASL EXTERNAL). Watched "
        "like the other two; none: no client is asked.",
    )
    reload_interval_seconds: float = Field(
        60, gt=0, description="How often the files are looked at."
    )
    minimum_version: Literal["TLSv1.2", "TLSv1.3"] = Field(
        "TLSv1.2", description="The oldest version spoken with clients."
    )


class NetSettings(Group):
    """What all listeners share."""

    bind: str = Field("127.0.0.1", description="The address that the mail ports listen on.")
    proxy_protocol_from: tuple[IPvAnyNetwork, ...] = Field(
        (), description="Networks whose PROXY protocol header (v1, v2) is required and believed."
    )
    max_connections: int = Field(
        10_000, ge=1, description="Connections at most on each process; more are told so."
    )
    max_connections_per_address: int = Field(
        200,
        ge=1,
        description="Connections at most from one client address (of IPv6: a /64) on each process.",
    )
    drain_seconds: float = Field(
        20, ge=0, description="How long a stopping process lets running commands finish."
    )


class DnsSettings(Group):
    """Name resolution."""

    servers: tuple[str, ...] = Field(
        (),
        description="Resolvers: `address`, `address:port` or `[address]:port`; none of them: the "
        "system's.",
    )
    timeout_seconds: float = Field(5, gt=0, description="For one question in all.")
    fixed_file: Path | None = Field(
        None, description="Answer from this JSON file instead of DNS. Only for tests."
    )

    @field_validator("servers")
    @classmethod
    def _check_servers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for server in value:
            _endpoint(server)
        return value

    @property
    def endpoints(self) -> tuple[tuple[str, int], ...]:
        """The resolvers' addresses and ports."""
        return tuple(map(_endpoint, self.servers))


def _endpoint(server: str) -> tuple[str, int]:
    address, port = server, "53"
    if server.startswith("[") or server.count(":") == 1:
        address, _, port = server.rpartition(":")
        address = address.removeprefix("[").removesuffix("]")
    try:
        ip = str(ipaddress.ip_address(address))
    except ValueError:
        raise ValueError(f"{server} is not an address") from None
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"{server} has no valid port")
    return ip, int(port)
