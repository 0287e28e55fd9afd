"""What the ready file says: how to reach what runs. Its form is kept: docs/operations.md."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mailquay.standalone.demo import DemoUser
from mailquay.standalone.files import write_whole

__all__ = ["Running"]


@dataclass(slots=True)
class Running:
    """What runs, and how to reach it.

    ``ports`` by the names of `mailquay.standalone.ports.STANDARD`, and ``metrics`` by service;
    ``pids`` by the process' name, a list each.
    """

    host: str
    ports: dict[str, Any]
    users: list[DemoUser]
    admin: DemoUser | None
    ca_file: Path
    database_url: str
    nats_url: str
    pids: dict[str, list[int]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The file's content."""
        return {
            "host": self.host,
            "pid": os.getpid(),
            "ports": self.ports,
            "users": [asdict(user) for user in self.users],
            "admin": None if self.admin is None else asdict(self.admin),
            "ca_file": str(self.ca_file),
            "database_url": self.database_url,
            "nats_url": self.nats_url,
            "pids": self.pids,
        }

    def write(self, path: Path) -> None:
        """Write the file, for its owner alone: there are passwords in it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(self.as_json(), indent=2) + "\n")
