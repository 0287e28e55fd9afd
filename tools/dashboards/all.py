"""All dashboards, and their files."""

import json
from pathlib import Path
from typing import Final

from tools.dashboards import bus, imap, overview, queue, smtp_in, storage, webmail
from tools.dashboards.parts import Dashboard, render

__all__ = ["DASHBOARDS", "FOLDER", "files"]

FOLDER: Final = Path(__file__).parents[2] / "charts" / "mailquay" / "dashboards"
DASHBOARDS: Final[tuple[Dashboard, ...]] = (
    overview.DASHBOARD,
    smtp_in.DASHBOARD,
    queue.DASHBOARD,
    imap.DASHBOARD,
    webmail.DASHBOARD,
    storage.DASHBOARD,
    bus.DASHBOARD,
)


def files() -> dict[str, str]:
    """The files' contents by their names."""
    return {
        f"{dashboard.name}.json": json.dumps(render(dashboard), indent=2) + "\n"
        for dashboard in DASHBOARDS
    }
