"""What is done now and then: when each task ended last, and what it came to."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mailquay.store.engine import Engine

__all__ = ["TaskResult", "Tasks"]


@dataclass(frozen=True, slots=True)
class TaskResult:
    """How a task ended last; ``result`` is what it says of itself, as JSON."""

    name: str
    at: datetime
    result: dict[str, Any]


class Tasks:
    """The last result of each task."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def finish(self, name: str, result: dict[str, Any]) -> None:
        """Write down that a task has ended now."""
        async with self._engine.connection() as c:
            await c.execute(
                "INSERT INTO task_result (name, at, result) VALUES ($1, now(), $2::jsonb) "
                "ON CONFLICT (name) DO UPDATE SET at = excluded.at, result = excluded.result",
                name, json.dumps(result),
            )  # fmt: skip

    async def last(self) -> dict[str, TaskResult]:
        """Every task that has ever ended, by its name."""
        async with self._engine.connection() as c:
            rows = await c.fetch("SELECT name, at, result FROM task_result")
        return {row[0]: TaskResult(row[0], row[1], json.loads(row[2])) for row in rows}
