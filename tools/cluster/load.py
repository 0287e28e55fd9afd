"""Imports images: ``python -m tools.cluster.load ARCHIVE…`` in a cluster."""

import sys
from pathlib import Path

from tools.cluster.running import RunningCluster


def main() -> None:
    """Import each archive into every node."""
    cluster = RunningCluster.current()
    for archive in sys.argv[1:]:
        for image in cluster.import_image(Path(archive)):
            print(image)


if __name__ == "__main__":
    main()
