"""Addresses that are listened on, and where those are reached from the same machine. Pure."""

import ipaddress

__all__ = ["reached_at"]


def reached_at(bind: str) -> str:
    """Where a listener on ``bind`` is reached: on loopback when it listens everywhere.

    Raises:
        ValueError: it is no IP address.
    """
    address = ipaddress.ip_address(bind)
    if address.is_unspecified:
        return "::1" if address.version == 6 else "127.0.0.1"
    return str(address)
