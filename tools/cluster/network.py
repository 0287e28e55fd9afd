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

__all__ = ["POLICY_QUEUE", "attach_node", "attach_outside", "make_router"]

_BRIDGE: Final = "nodes"
#: Where the program waits that decides by NetworkPolicies.
POLICY_QUEUE: Final = 100
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
    node.run("iptables-restore", stdin=_policy_rules(pod_network(number)))


def attach_outside(router: Host, outside: Host) -> None:
    """Give the clients' host its address and its route."""
    _wire(router, outside)
    router.run("ip", "address", "add", f"{OUTSIDE_GATEWAY}/24", "dev", outside.name)
    router.run("ip", "link", "set", outside.name, "up")
    outside.run("ip", "address", "add", f"{OUTSIDE}/24", "dev", "eth0")
    outside.run("ip", "route", "add", "default", "via", OUTSIDE_GATEWAY)


def _policy_rules(pods: str) -> str:
    """Rules that ask about each new connection of these pods, but for the node's own probes.

    The program that is asked makes such rules by itself, unless the kernel was built without
    nftables' own queue, while iptables has it still.
    """
    queue = f"-j NFQUEUE --queue-num {POLICY_QUEUE}"
    return "\n".join([
        "*mangle",
        "-A POSTROUTING -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
        "-A POSTROUTING -m owner --uid-owner 0 -j ACCEPT",
        # After addresses of Services have become those of pods, before any is masked.
        f"-A POSTROUTING -s {pods} {queue}",
        f"-A POSTROUTING -d {pods} {queue}",
        "COMMIT",
        "",
    ])  # fmt: skip


def _wire(router: Host, host: Host) -> None:
    """Lay a wire: one end is called as the host is, the other is the host's eth0."""
    router.run(
        "ip", "link", "add", host.name, "type", "veth",
        "peer", "name", "eth0", "netns", str(host.pid),
    )  # fmt: skip
    host.run("ip", "link", "set", "eth0", "up")
