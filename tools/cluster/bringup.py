"""Brings a cluster up; this runs on the cluster's router, whose namespaces are made already."""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tools.cluster.addons import ADDON_IMAGES, apply_addons
from tools.cluster.aggregation import start_aggregated_apis
from tools.cluster.api import API_SERVER, Api
from tools.cluster.binaries import BINARIES
from tools.cluster.cgroups import Cgroup
from tools.cluster.controlplane import ControlPlane
from tools.cluster.images import archive, import_archive
from tools.cluster.loadbalancers import make_routes
from tools.cluster.namespaces import Host
from tools.cluster.network import attach_node, attach_outside, make_router
from tools.cluster.node import Node
from tools.cluster.pki import Authority
from tools.cluster.processes import Processes
from tools.cluster.state import State
from tools.cluster.volumes import make_storage_class

__all__ = ["NODES", "bring_up", "cgroup_of"]

NODES: Final = ("node-1", "node-2")
HOLDER: Final = BINARIES / "pause"
#: The first process of the router is the first one here.
_FIRST: Final = 1


def cgroup_of(state: State) -> Cgroup:
    """Where all pods of a cluster are."""
    return Cgroup(f"/mailquay-{state.name}")


def bring_up(state: State) -> None:
    """Start everything, and wait until the nodes and the cluster's DNS are ready.

    Raises:
        ClusterError: some part did not start.
    """
    processes = Processes(state.logs)
    router = Host("router", _FIRST, HOLDER)
    make_router(router)
    outside = Host.create("outside", HOLDER)
    attach_outside(router, outside)
    authority = Authority(state.pki, API_SERVER)
    authority.kubeconfig("admin", "admin", groups=["system:masters"])
    nodes = []
    for number, name in enumerate(NODES, start=1):
        host = Host.create(name, HOLDER)
        attach_node(router, host, number)
        cgroup = Cgroup(f"{cgroup_of(state).path}/{name}")
        cgroup.create()
        nodes.append(Node(host, number, state.node(name), authority, processes, cgroup))
    state.write_pids({"outside": outside.pid, **{node.host.name: node.host.pid for node in nodes}})

    api = Api(state)
    control_plane = ControlPlane(authority, processes, api)
    archives = [
        archive(image, program, state.folder / f"{program.name}.tar", arguments=arguments)
        for image, program, arguments in ADDON_IMAGES
    ]
    with ThreadPoolExecutor() as threads:
        tasks = [threads.submit(control_plane.start)]
        tasks += [threads.submit(_prepare, node, archives) for node in nodes]
        for task in tasks:
            task.result()
    for node in nodes:
        node.start_kubelet()
        node.start_proxy()
    make_routes(router, len(nodes))
    make_storage_class(api)
    processes.wait_for("the nodes to be ready", lambda: _ready_nodes(api) == set(NODES))
    processes.start("cloud", sys.executable, "-m", "tools.cluster.cloud", state.folder)
    start_aggregated_apis(state, api, authority, processes)
    apply_addons(state, processes)


def _prepare(node: Node, archives: Sequence[Path]) -> None:
    node.start_containerd()
    for file in archives:
        import_archive(node.host, file)


def _ready_nodes(api: Api) -> set[str]:
    return {
        node["metadata"]["name"]
        for node in api.items("/api/v1/nodes")
        for condition in node["status"]["conditions"]
        if (condition["type"], condition["status"]) == ("Ready", "True")
    }
