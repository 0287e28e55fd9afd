"""Who is at the other end of a connection. No I/O here."""

import ipaddress
from dataclasses import dataclass

__all__ = ["Peer", "client_network"]

#: An IPv6 customer is given a /64 at least, and may use a new address for every connection.
_IPV6_PREFIX = 64


@dataclass(frozen=True, slots=True)
class Peer:
    """Who has connected: the client itself, also behind a balancer."""

    address: str
    port: int

    @classmethod
    def at(cls, address: str, port: int) -> "Peer":
        """A peer by its socket's address; IPv4 seen through an IPv6 socket is IPv4 again."""
        if ":" in address:
            parsed = ipaddress.IPv6Address(address.partition("%")[0])
            address = str(parsed.ipv4_mapped or parsed)
        return cls(address, port)

    @property
    def network(self) -> str:
        """What limits count by."""
        return client_network(self.address)


def client_network(address: str) -> str:
    """What one client may change at will is left out: an IPv4 address, an IPv6 /64.

    Text that is no address is its own network.
    """
    if ":" not in address:
        return address
    try:
        return str(ipaddress.IPv6Network((address.partition("%")[0], _IPV6_PREFIX), strict=False))
    except ValueError:
        return address
