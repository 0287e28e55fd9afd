"""Wires between the hosts: a router with the control plane, nodes, and clients outside.

    outside ── router ── (bridge) ─┬─ node-1 ── its pods
    198.18.1.0     198.18.0.0      └─ node-2 ── its pods

The router knows each node's network of pods. Nothing leads to the machine's own network.
"""

from typing import Final

from tools.cluster.addresses import (
    CONTROL_PLANE,
    OUTSIDE,
    OUTSIDE_GATEWAY,
    node_address,
    pod_network,
)
from tools.cluster.namespaces import Host

__all__ = ["attach_node", "attach_outside", "make_router"]

_BRIDGE: Final = "nodes"
#: Packets are forwarded, whichever way they came; those through bridges pass kube-proxy's rules.
_FORWARDING: Final = (
    "net.ipv4.ip_forward=1",
    "net.ipv4.conf.all.rp_filter=0",
    "net.ipv4.conf.default.rp_filter=0",
    "net.bridge.bridge-nf-call-iptables=1",
)


def make_router(router: Host) -> None:
    """Make a host the router of the cluster's networks."""
    router.run("sysctl", "-q", "-w", *_FORWARDING)
    router.run("ip", "link", "add", _BRIDGE, "type", "bridge")
    router.run("ip", "address", "add", f"{CONTROL_PLANE}/24", "dev", _BRIDGE)
    router.run("ip", "link", "set", _BRIDGE, "up")


def attach_node(router: Host, node: Host, number: int) -> None:
    """Give a node its address and its routes."""
    node.run("sysctl", "-q", "-w", *_FORWARDING)
    _wire(router, node)
    router.run("ip", "link", "set", node.name, "master", _BRIDGE, "up")
    node.run("ip", "address", "add", f"{node_address(number)}/24", "dev", "eth0")
    node.run("ip", "route", "add", "default", "via", CONTROL_PLANE)
    router.run("ip", "route", "add", pod_network(number), "via", node_address(number))


def attach_outside(router: Host, outside: Host) -> None:
    """Give the clients' host its address and its route."""
    _wire(router, outside)
    router.run("ip", "address", "add", f"{OUTSIDE_GATEWAY}/24", "dev", outside.name)
    router.run("ip", "link", "set", outside.name, "up")
    outside.run("ip", "address", "add", f"{OUTSIDE}/24", "dev", "eth0")
    outside.run("ip", "route", "add", "default", "via", OUTSIDE_GATEWAY)


def _wire(router: Host, host: Host) -> None:
    """Lay a wire: one end is called as the host is, the other is the host's eth0."""
    router.run(
        "ip", "link", "add", host.name, "type", "veth",
        "peer", "name", "eth0", "netns", str(host.pid),
    )  # fmt: skip
    host.run("ip", "link", "set", "eth0", "up")
