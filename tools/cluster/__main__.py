"""The command line: ``python -m tools.cluster up|run|shell|down``."""

import argparse
import os
import subprocess
import sys
from typing import Final

from tools.cluster import binaries
from tools.cluster.bringup import HOLDER, bring_up, cgroup_of
from tools.cluster.errors import ClusterError
from tools.cluster.namespaces import Host
from tools.cluster.requirements import check_requirements
from tools.cluster.state import ENVIRONMENT, State

_ROUTER: Final = "router"


def main() -> int:
    """Do what is asked for."""
    options = _options()
    state = State.named(options.name)
    try:
        match options.command:
            case "bring-up":
                bring_up(state)
            case "up":
                _up(state)
            case "down":
                _down(state)
            case "load":
                return _run(state, [sys.executable, "-m", "tools.cluster.load", *options.archives])
            case "shell":
                return _run(state, [os.environ.get("SHELL", "/bin/sh")])
            case "run":
                return _run(state, options.words)
    except ClusterError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.cluster", description="A real Kubernetes cluster on this machine."
    )
    parser.add_argument("--name", default="default", help="tells clusters apart")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start a cluster, and leave it running")
    commands.add_parser("down", help="end it, and remove what it had")
    commands.add_parser("shell", help="a shell in the cluster, which is started if need be")
    run = commands.add_parser("run", help="the same for a command")
    run.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")
    load = commands.add_parser("load", help="import images into the nodes")
    load.add_argument("archives", nargs="+", metavar="ARCHIVE", help="Docker's or OCI's, a file")
    commands.add_parser("bring-up")
    return parser.parse_args()


def _router(state: State) -> Host | None:
    """The router of a cluster that runs."""
    pid = state.read_router()
    router = Host(_ROUTER, pid, HOLDER) if pid else None
    return router if router and router.is_alive() else None


def _up(state: State) -> Host:
    """The router of the cluster, which is started if need be."""
    if router := _router(state):
        return router
    check_requirements()
    binaries.build()
    _down(state)
    state.create()
    router = Host.create(_ROUTER, HOLDER)
    state.write_router(router.pid)
    print("Starting the cluster.", flush=True)
    done = subprocess.run(
        router.command(sys.executable, "-m", "tools.cluster", "--name", state.name, "bring-up"),
        check=False,
    )
    if done.returncode:
        router.end()
        cgroup_of(state).remove()
        raise ClusterError(f"the cluster did not start; its logs are in {state.logs}")
    return router


def _run(state: State, words: list[str]) -> int:
    """Run a command in the cluster; one that was started for it alone ends with it."""
    is_ours = _router(state) is None
    router = _up(state)
    environment = {
        **os.environ,
        ENVIRONMENT: str(state.folder),
        "KUBECONFIG": str(state.kubeconfig),
        "PATH": f"{binaries.BINARIES}:{os.environ['PATH']}",
    }
    try:
        return subprocess.run(router.command(*words), check=False, env=environment).returncode
    finally:
        if is_ours:
            _down(state)


def _down(state: State) -> None:
    if router := _router(state):
        router.end()
    cgroup_of(state).remove()
    state.remove()


if __name__ == "__main__":
    sys.exit(main())
