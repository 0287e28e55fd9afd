"""A running service, accounts to send to, and a look at what they have received."""

import asyncio
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from mailquay.blobs import BlobStore
from mailquay.runtime.settings import BlobSettings, DatabaseSettings
from mailquay.store import Store
from mailquay.testing.deployment import Deployment, ServiceProcess
from mailquay.testing.lines import LineClient


def run(work):
    """Run a coroutine to its end, whether or not a loop runs in this thread."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()


@dataclass(frozen=True, slots=True)
class Site:
    """A deployment with one smtp-in, and what tests ask of it."""

    deployment: Deployment
    service: ServiceProcess
    tls: ssl.SSLContext

    def port(self, name: str) -> int:
        return self.service.ports[name]

    def client(self, name: str = "smtp", *, hello: bytes | None = b"EHLO client.example"):
        """A connection to a port; greeted unless ``hello`` is None."""
        client = LineClient(self.port(name), context=self.tls if name == "submissions" else None)
        assert client.reply().startswith(b"220 ")
        if hello is not None:
            assert client.ask(hello).startswith(b"250")
        return client

    def store(self, work):
        """What a coroutine function gives when it is handed the store."""

        async def with_store():
            settings = DatabaseSettings.model_validate({"url": self.deployment.database_url})
            store = await Store.open(settings)
            try:
                return await work(store)
            finally:
                await store.close()

        return run(with_store())

    def inbox(self, address: str) -> list[bytes]:
        """The messages in an account's INBOX, the first that came first."""

        async def read(store: Store) -> list[bytes]:
            blobs = BlobStore.open(BlobSettings(url=f"file://{self.deployment.folder / 'blobs'}"))
            account = await store.accounts.by_address(address)
            inbox = await store.mailboxes.find(account.id, "INBOX")
            places = await store.emails.places(account.id, inbox.id)
            bodies = await store.emails.bodies(account.id, [p.email_id for p in places])
            found = [await blobs.get(bodies[place.email_id]) for place in places]
            await blobs.close()
            return found

        return self.store(read)

    def body(self, located) -> bytes:
        """The bytes of a message in the queue."""

        async def read() -> bytes:
            blobs = BlobStore.open(BlobSettings(url=f"file://{self.deployment.folder / 'blobs'}"))
            try:
                return await blobs.get(located)
            finally:
                await blobs.close()

        return run(read())

    def log(self) -> str:
        """What the service has logged so far."""
        return (self.deployment.folder / "smtp-in-0.log").read_text()

    def queue(self):
        """The outbound queue: messages with their recipients' addresses."""

        async def read(store: Store):
            listed = await store.queue.list_messages(limit=1000)
            return [(message, [r.address for r in recipients]) for message, recipients in listed]

        return self.store(read)


@pytest.fixture(scope="module")
def site_settings() -> dict[str, str]:
    """Settings of the module's service; a module overrides this."""
    return {}


@pytest.fixture(scope="module")
def site(deployment, site_settings) -> Site:
    for name in ("alice", "bob", "carol"):
        deployment.add_account(f"{name}@example.org")
    service = deployment.start("smtp-in", **site_settings)
    context = ssl.create_default_context(cafile=str(deployment.ca_file))
    return Site(deployment, service, context)
