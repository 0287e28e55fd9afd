"""A running service, and accounts whose INBOX tests fill and look into."""

import asyncio
import itertools
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from mailquay.blobs import BlobStore
from mailquay.delivery import Deliverer, Incoming, LocalPlacement
from mailquay.events import Bus
from mailquay.runtime.settings import BlobSettings, DatabaseSettings, NatsSettings, Settings
from mailquay.store import Store
from mailquay.store.accounts import Account
from mailquay.testing.deployment import PASSWORD, Deployment, ServiceProcess
from mailquay.testing.lines import LineClient

_NUMBERS = itertools.count(1)


def run(work):
    """Run a coroutine to its end, whether or not a loop runs in this thread."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()


@dataclass(frozen=True, slots=True)
class Site:
    """A deployment with one pop3, and what tests ask of it."""

    deployment: Deployment
    service: ServiceProcess
    tls: ssl.SSLContext

    def port(self, name: str = "pop3") -> int:
        return self.service.ports[name]

    def connect(self, name: str = "pop3") -> LineClient:
        client = LineClient(self.port(name), context=self.tls if name == "pop3s" else None)
        assert client.line() == b"+OK Mailquay is ready"
        return client

    def account(self, *messages: bytes, **more) -> Account:
        """A new account with messages in its INBOX."""
        account = self.deployment.add_account(f"user{next(_NUMBERS)}@example.org", **more)
        if messages:
            self.deliver(account, *messages)
        return account

    def sign_in(self, account: Account, *, name: str = "pop3") -> LineClient:
        client = self.connect(name)
        client.send(b"USER " + account.address.encode() + b"\r\n")
        assert client.line() == b"+OK send PASS"
        client.send(b"PASS " + PASSWORD.encode() + b"\r\n")
        assert client.line().startswith(b"+OK ")
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

    def deliver(self, account: Account, *messages: bytes) -> None:
        """Put messages into an INBOX as they are, odd line ends too."""

        async def deliver(store: Store) -> None:
            blobs = BlobStore.open(BlobSettings(url=f"file://{self.deployment.folder}/blobs"))
            bus = await Bus.open(NatsSettings())
            deliverer = Deliverer(store, blobs, bus, Settings())
            for number, message in enumerate(messages):
                incoming = Incoming(
                    account.tenant_id, message, f"t{number}", (LocalPlacement(account.id),)
                )
                await deliverer.deliver(incoming)
            await deliverer.close()
            await blobs.close()
            await bus.close()

        self.store(deliver)

    def places(self, account: Account):
        """What is in the account's INBOX now."""

        async def read(store: Store):
            inbox = await store.mailboxes.find(account.id, "INBOX")
            return await store.emails.places(account.id, inbox.id)

        return self.store(read)

    def expunge(self, account: Account, *uids: int) -> None:
        """Remove messages as an IMAP client does."""

        async def remove(store: Store) -> None:
            inbox = await store.mailboxes.find(account.id, "INBOX")
            await store.emails.expunge(account.id, inbox.id, uids, only_deleted=False)

        self.store(remove)


@pytest.fixture(scope="module")
def site_settings() -> dict[str, str]:
    """Settings of the module's service; a module overrides this."""
    return {}


@pytest.fixture(scope="module")
def site(deployment, site_settings) -> Site:
    service = deployment.start("pop3", **site_settings)
    context = ssl.create_default_context(cafile=str(deployment.ca_file))
    return Site(deployment, service, context)
