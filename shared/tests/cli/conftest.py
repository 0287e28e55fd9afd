"""The real command, run as a process of its own against a real database, bus and folder."""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from mailquay.cli.exits import Exit
from mailquay.runtime.settings import DatabaseSettings
from mailquay.store import Store
from mailquay.testing.deployment import Deployment

_NUMBERS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command printed."""

    output: str
    error: str

    @property
    def data(self) -> Any:
        """What ``--json`` printed."""
        return json.loads(self.output)

    @property
    def failure(self) -> dict[str, str]:
        """What ``--json`` printed of an error."""
        told: dict[str, str] = json.loads(self.error)
        return told


@pytest.fixture
def mailquay(deployment: Deployment) -> Callable[..., Answer]:
    """Runs ``mailquay`` with arguments; ``status`` is how it must end."""

    def run(
        *arguments: str,
        status: Exit = Exit.OK,
        stdin: str = "",
        env: dict[str, str] | None = None,
    ) -> Answer:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("MAILQUAY_")}
        done = subprocess.run(
            [sys.executable, "-m", "mailquay.cli", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**inherited, **(deployment.settings() if env is None else env)},
        )
        assert done.returncode == status, done.stdout + done.stderr
        return Answer(done.stdout, done.stderr)

    return run


@pytest_asyncio.fixture
async def deployed_store(deployment: Deployment) -> AsyncIterator[Store]:
    """The store that the command works on."""
    store = await Store.open(DatabaseSettings.model_validate({"url": deployment.database_url}))
    yield store
    await store.close()


@pytest_asyncio.fixture
async def domain(deployed_store: Store) -> str:
    """A domain of the test's own."""
    return (await deployed_store.accounts.add_domain(f"d{next(_NUMBERS)}.test")).name
