"""Which addresses a cluster has.

All are of 198.18.0.0/15, which is set aside for tests of networks (RFC 2544 Appendix C.2.2), so
that no address means anything on the machine around it.
"""

from typing import Final

__all__ = [
    "CLUSTER_DNS",
    "CONTROL_PLANE",
    "DNS_DOMAIN",
    "LOAD_BALANCERS",
    "OUTSIDE",
    "OUTSIDE_GATEWAY",
    "PODS",
    "SERVICES",
    "load_balancer_address",
    "node_address",
    "pod_network",
]

#: The router of all networks, where the control plane listens.
CONTROL_PLANE: Final = "198.18.0.1"
#: Where clients of the cluster are, behind a router of their own.
OUTSIDE: Final = "198.18.1.10"
OUTSIDE_GATEWAY: Final = "198.18.1.1"
LOAD_BALANCERS: Final = "198.18.2.0/24"
SERVICES: Final = "198.18.16.0/20"
#: What the API server gives itself within SERVICES is the first one.
KUBERNETES_SERVICE: Final = "198.18.16.1"
CLUSTER_DNS: Final = "198.18.16.10"
PODS: Final = "198.19.0.0/16"
DNS_DOMAIN: Final = "cluster.local"


def node_address(number: int) -> str:
    """Of the node with that number, from 1."""
    return f"198.18.0.{10 + number}"


def pod_network(number: int) -> str:
    """The part of PODS whose addresses that node gives to its pods."""
    return f"198.19.{number}.0/24"


def load_balancer_address(number: int) -> str:
    """The one with that number within LOAD_BALANCERS, from 1 to 254."""
    return f"198.18.2.{number}"
