"""Load goes to this machine only."""

import ipaddress
import sys

__all__ = ["check_host"]


def check_host(host: str) -> None:
    """End the program when a host is not this machine: load on another is an attack."""
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        sys.exit(f"{host} is not loopback")
