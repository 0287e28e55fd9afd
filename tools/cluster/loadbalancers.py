"""Load balancers for Services of that type, as a cloud gives them, on the cluster's router.

A connection is given to one node that is healthy for the Service, in turn, and stays with it;
packets keep both their addresses, so kube-proxy on the node sees the true client. What is healthy
is asked of kube-proxy, as a cloud's balancer does: with ``externalTrafficPolicy: Local`` the
Service's own port says whether the node has a pod of it that is ready.
"""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import httpx
from tools.cluster.addresses import LOAD_BALANCERS, load_balancer_address, node_address
from tools.cluster.api import Api
from tools.cluster.namespaces import Host

__all__ = ["LoadBalancers", "make_routes"]

#: Where kube-proxy says whether it leads any Service.
_PROXY_HEALTH_PORT: Final = 10256
_HEALTH_SECONDS: Final = 1
#: Routing tables from this number on lead to one node each.
_FIRST_TABLE: Final = 100
_ADDRESSES: Final = range(1, 255)


@dataclass(frozen=True, slots=True)
class _Balancer:
    """One Service of the type LoadBalancer."""

    path: str
    address: str | None
    health_port: int

    @classmethod
    def of(cls, service: dict[str, Any]) -> "_Balancer":
        metadata, spec = service["metadata"], service["spec"]
        ingress = service["status"].get("loadBalancer", {}).get("ingress", [])
        return cls(
            path=f"/api/v1/namespaces/{metadata['namespace']}/services/{metadata['name']}",
            address=ingress[0]["ip"] if ingress else None,
            health_port=spec.get("healthCheckNodePort") or _PROXY_HEALTH_PORT,
        )


class LoadBalancers:
    """Those of a cluster; `reconcile` is called again and again."""

    def __init__(self, api: Api, nodes: int) -> None:
        self._api = api
        self._nodes = range(1, nodes + 1)
        self._rules = ""
        self._threads = ThreadPoolExecutor(8)
        self._health = httpx.Client(timeout=_HEALTH_SECONDS)

    def reconcile(self) -> None:
        """Bring addresses and rules to what the Services ask for."""
        balancers = [
            _Balancer.of(service)
            for service in self._api.items("/api/v1/services")
            if service["spec"]["type"] == "LoadBalancer"
        ]
        used = {balancer.address for balancer in balancers}
        free = (
            address
            for number in _ADDRESSES
            if (address := load_balancer_address(number)) not in used
        )
        addresses = {balancer.path: balancer.address or next(free) for balancer in balancers}
        rules = _rules({
            addresses[balancer.path]: self._healthy_nodes(balancer) for balancer in balancers
        })  # fmt: skip
        if rules != self._rules:
            subprocess.run(["iptables-restore"], input=rules, text=True, check=True)
            self._rules = rules
        for balancer in balancers:
            # Who reads an address may connect at once.
            if balancer.address is None:
                ingress = [{"ip": addresses[balancer.path]}]
                status = {"loadBalancer": {"ingress": ingress}}
                self._api.patch(f"{balancer.path}/status", {"status": status})

    def _healthy_nodes(self, balancer: _Balancer) -> list[int]:
        checks = [
            self._threads.submit(self._is_healthy, node, balancer.health_port)
            for node in self._nodes
        ]
        return [node for node, check in zip(self._nodes, checks, strict=True) if check.result()]

    def _is_healthy(self, node: int, port: int) -> bool:
        url = f"http://{node_address(node)}:{port}/healthz"
        try:
            return self._health.get(url).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


def make_routes(router: Host, nodes: int) -> None:
    """Make the routes that marks choose from, one a node."""
    # Without a mark there is no healthy node: the packet is refused before it goes there.
    router.run("ip", "route", "add", LOAD_BALANCERS, "via", node_address(1))
    for node in range(1, nodes + 1):
        table = str(_FIRST_TABLE + node)
        router.run("ip", "route", "add", "default", "via", node_address(node), "table", table)
        router.run("ip", "rule", "add", "fwmark", str(node), "table", table)


def _rules(healthy: dict[str, list[int]]) -> str:
    """The router's whole iptables: nothing else has rules there.

    Args:
        healthy: the nodes that take connections to each address.
    """
    choices = [
        f"-A NEW -d {address} -m mark --mark 0 -m statistic --mode nth"
        f" --every {len(nodes) - index} --packet 0 -j MARK --set-mark {node}"
        for address, nodes in sorted(healthy.items())
        for index, node in enumerate(nodes)
    ]
    balanced = f"-d {LOAD_BALANCERS}"
    return "\n".join([
        "*mangle",
        ":NEW -",
        f"-A PREROUTING {balanced} -j CONNMARK --restore-mark",
        f"-A PREROUTING {balanced} -m mark --mark 0 -j NEW",
        f"-A PREROUTING {balanced} -j CONNMARK --save-mark",
        f"-A OUTPUT {balanced} -j CONNMARK --restore-mark",
        f"-A OUTPUT {balanced} -m mark --mark 0 -j NEW",
        f"-A OUTPUT {balanced} -j CONNMARK --save-mark",
        *choices,
        "COMMIT",
        "*filter",
        f"-A FORWARD {balanced} -m mark --mark 0 -j REJECT",
        f"-A OUTPUT {balanced} -m mark --mark 0 -j REJECT",
        "COMMIT",
        "",
    ])  # fmt: skip
