"""What a cloud does for a cluster: ``python -m tools.cluster.cloud FOLDER`` on the router.

It makes load balancers and volumes, and asks the API each second whether there is something new.
"""

import sys
import time
from pathlib import Path
from typing import Final

from tools.cluster.api import Api
from tools.cluster.errors import ClusterError
from tools.cluster.loadbalancers import LoadBalancers
from tools.cluster.state import State
from tools.cluster.volumes import Volumes

_PERIOD_SECONDS: Final = 1


def main() -> None:
    """Run until the cluster ends."""
    state = State(Path(sys.argv[1]))
    with Api(state) as api:
        nodes = sorted(node["metadata"]["name"] for node in api.items("/api/v1/nodes"))
        balancers = LoadBalancers(api, len(nodes))
        volumes = Volumes(api, state.volumes, nodes)
        while True:
            try:
                balancers.reconcile()
                volumes.reconcile()
            except ClusterError as error:
                # An object may change or go while it is looked at; the next round sees it anew.
                print(error, file=sys.stderr, flush=True)
            time.sleep(_PERIOD_SECONDS)


if __name__ == "__main__":
    main()
