"""Which Mailquay a command works on: that of the settings, or the one that runs in a folder."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from rich.console import Console

from mailquay.blobs import BlobStore
from mailquay.cli.exits import CommandFailed, Exit
from mailquay.events import Bus, Event
from mailquay.runtime.settings import Settings, load_settings
from mailquay.store import SchemaAhead, SchemaBehind, Store, StoreUnavailable

__all__ = ["DEFAULT_DATA", "Target", "find_settings", "open_target"]

#: Where `mailquay standalone` keeps its state unless it is told otherwise.
DEFAULT_DATA: Final = Path(".data")
_BUS_SECONDS: Final = 3.0


def find_settings(data: Path | None) -> tuple[Settings, Path | None]:
    """The settings, and the data folder they were found in.

    ``MAILQUAY_*`` in the environment says which Mailquay is meant. Without any, or with ``data``,
    it is the one that `mailquay standalone` runs there: it leaves its services' settings beside
    its sockets.

    Raises:
        CommandFailed: nothing says which Mailquay is meant.
        SettingsError: the settings are wrong.
    """
    if data is None and any(name.startswith("MAILQUAY_") for name in os.environ):
        return load_settings(), None
    folder = data or DEFAULT_DATA
    path = folder / "run" / "environment.json"
    try:
        left = json.loads(path.read_text())
    except FileNotFoundError:
        raise CommandFailed(
            Exit.SETTINGS if data is None else Exit.NOT_FOUND,
            f"no Mailquay has run in {folder.resolve()}: name its folder by --data, or set "
            "MAILQUAY_DATABASE__URL and what else docs/configuration.md says",
        ) from None
    os.environ.update({name: value for name, value in left.items() if name not in os.environ})
    return load_settings(), folder.resolve()


class Target:
    """A Mailquay, found and opened as far as a command asks for it."""

    def __init__(self, wanted: Path | None, stack: AsyncExitStack) -> None:
        self._wanted = wanted
        self._stack = stack
        self._found: tuple[Settings, Path | None] | None = None
        self._store: Store | None = None

    def _find(self) -> tuple[Settings, Path | None]:
        if self._found is None:
            self._found = find_settings(self._wanted)
        return self._found

    @property
    def settings(self) -> Settings:
        """Its settings.

        Raises:
            CommandFailed, SettingsError: as `find_settings`.
        """
        return self._find()[0]

    @property
    def data(self) -> Path | None:
        """The data folder of a standalone; None for what is set in the environment.

        Raises:
            CommandFailed, SettingsError: as `find_settings`.
        """
        return self._find()[1]

    async def store(self) -> Store:
        """Its database.

        Raises:
            StoreUnavailable: it does not answer.
        """
        if self._store is None:
            wanted = self.settings.database.model_copy(update={"pool_min": 1, "pool_max": 4})
            store = await Store.open(wanted)
            self._stack.push_async_callback(store.close)
            try:
                await store.check()
            except StoreUnavailable as error:
                raise StoreUnavailable(f"{error}{self._remedy(error)}") from error
            self._store = store
        return self._store

    def _remedy(self, error: StoreUnavailable) -> str:
        if isinstance(error, SchemaBehind):
            return "; make it by `mailquay db upgrade`"
        if isinstance(error, SchemaAhead):
            return ""
        if self.data is not None:
            return f"; is `mailquay standalone --data {self.data}` running?"
        return "; `mailquay doctor` tells more"

    async def blobs(self) -> BlobStore:
        """Its bodies.

        Raises:
            BlobUnavailable: the URL makes no sense.
        """
        blobs = BlobStore.open(self.settings.blobs)
        self._stack.push_async_callback(blobs.close)
        return blobs

    async def announce(self, *events: Event) -> None:
        """Tell running services what has been committed, so that they need no restart.

        Without NATS they find out by themselves, a little later: it is said, and no fault.
        """
        if self.settings.nats.url is None:
            return
        bus = await Bus.open(self.settings.nats)
        try:
            if await bus.wait_connected(_BUS_SECONDS):
                for event in events:
                    bus.publish(event)
            else:
                Console(stderr=True, soft_wrap=True).print(
                    "NATS does not answer: running services will notice this by themselves, "
                    "within seconds to minutes."
                )
        finally:
            await bus.close()


@asynccontextmanager
async def open_target(data: Path | None) -> AsyncIterator[Target]:
    """The Mailquay that is meant; what a command opened of it is closed."""
    async with AsyncExitStack() as stack:
        yield Target(data, stack)
