"""A new account for each test, mail brought into it by a deliverer, and IMAP to look with."""

import asyncio
import imaplib
import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import httpx
import pytest

from mailquay.blobs import BlobStore
from mailquay.delivery import Deliverer, Incoming, LocalPlacement
from mailquay.events import Bus
from mailquay.runtime.settings import BlobSettings, DatabaseSettings, NatsSettings, Settings
from mailquay.store import Store
from mailquay.store.accounts import Account
from mailquay.testing.deployment import PASSWORD, Deployment, ServiceProcess

USING = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"]
NUMBERS = itertools.count(1)


class Mail:
    """One account: its JMAP client, and mail put into it."""

    def __init__(self, deployment: Deployment, port: int, account: Account) -> None:
        self.deployment = deployment
        self.account = account
        self.account_id = f"A{account.id}"
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", auth=(account.address, PASSWORD), timeout=30
        )
        self.box = {box["name"]: box["id"] for box in self.call("Mailbox/get", ids=None)["list"]}

    def calls(self, *calls: tuple[str, dict[str, Any]], **more: Any) -> list[list[Any]]:
        """Make calls with ids "0", "1", …; returns the responses."""
        methods = [
            [name, {"accountId": self.account_id, **arguments}, str(number)]
            for number, (name, arguments) in enumerate(calls)
        ]
        request = {"using": USING, "methodCalls": methods, **more}
        response = self.http.post("/jmap/api", json=request)
        assert response.status_code == 200, response.text
        return response.json()["methodResponses"]

    def call(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Make one call that succeeds; returns the arguments of its response."""
        answer, result, _ = self.calls((name, arguments))[0]
        assert answer == name, result
        return result

    def error(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Make one call that fails; returns its error."""
        answer, result, _ = self.calls((name, arguments))[0]
        assert answer == "error", result
        return result

    def deliver(
        self,
        raw: bytes | str,
        *names: str,
        keywords: tuple[str, ...] = (),
        flags: int = 0,
        at: datetime | None = None,
    ) -> str:
        """Put a message into these mailboxes, by default into the inbox; returns the email's id."""
        data = raw.replace("\n", "\r\n").encode() if isinstance(raw, str) else raw
        first, *also = [int(self.box[name][1:]) for name in names or ("Inbox",)]
        placement = LocalPlacement(
            self.account.id, first, flags=flags, keywords=keywords, received_at=at,
            also=tuple(also),
        )  # fmt: skip
        with ThreadPoolExecutor(1) as threads:
            work = self._deliver(Incoming(self.account.tenant_id, data, "t", local=(placement,)))
            return f"E{threads.submit(asyncio.run, work).result()}"

    async def _deliver(self, incoming: Incoming) -> int:
        store = await Store.open(DatabaseSettings(url=self.deployment.database_url))
        blobs = BlobStore.open(BlobSettings(url=f"file://{self.deployment.folder / 'blobs'}"))
        bus = await Bus.open(NatsSettings(url=None))
        deliverer = Deliverer(store, blobs, bus, Settings())
        try:
            delivered = await deliverer.deliver(incoming)
        finally:
            await deliverer.close()
            await bus.close()
            await blobs.close()
            await store.close()
        return delivered.placements[0].email_id

    def upload(self, data: bytes, media_type: str = "application/octet-stream") -> str:
        """Upload a blob; returns its id."""
        answer = self.http.post(
            f"/jmap/upload/{self.account_id}/", content=data, headers={"Content-Type": media_type}
        )
        assert answer.status_code == 201, answer.text
        return answer.json()["blobId"]

    def download(self, blob_id: str) -> bytes:
        """A blob's bytes."""
        answer = self.http.get(f"/jmap/download/{self.account_id}/{blob_id}/file")
        assert answer.status_code == 200, answer.text
        return answer.content

    def get(self, email_id: str, *properties: str, **arguments: Any) -> dict[str, Any]:
        """One email."""
        if properties:
            arguments["properties"] = list(properties)
        (email,) = self.call("Email/get", ids=[email_id], **arguments)["list"]
        return email

    def set(self, **arguments: Any) -> dict[str, Any]:
        """Email/set of which nothing fails."""
        done = self.call("Email/set", **arguments)
        failed = [done[name] for name in ("notCreated", "notUpdated", "notDestroyed")]
        assert failed == [None] * 3
        return done

    def create(self, **email: Any) -> str:
        """Make an email, a draft unless said otherwise; returns its id."""
        email.setdefault("mailboxIds", {self.box["Drafts"]: True})
        return self.set(create={"k": email})["created"]["k"]["id"]

    def refused(self, **email: Any) -> dict[str, Any]:
        """The SetError of an email that cannot be made."""
        email.setdefault("mailboxIds", {self.box["Drafts"]: True})
        done = self.call("Email/set", create={"k": email})
        assert done["created"] is None, done
        assert done["oldState"] == done["newState"]
        return done["notCreated"]["k"]

    def raw(self, email_id: str) -> bytes:
        """An email's message."""
        return self.download(self.get(email_id, "blobId")["blobId"])

    def mailbox(self, name: str) -> dict[str, Any]:
        """A mailbox as it is."""
        (found,) = self.call("Mailbox/get", ids=[self.box[name]])["list"]
        return found

    def mailboxes(self) -> dict[str, dict[str, Any]]:
        """All mailboxes by name."""
        return {box["name"]: box for box in self.call("Mailbox/get", ids=None)["list"]}

    def query(self, filter: Any = None, sort: Any = None, **arguments: Any) -> list[str]:  # noqa: A002
        """The ids of a query, oldest first where nothing else is said."""
        sort = sort or [{"property": "receivedAt"}]
        return self.call("Email/query", filter=filter, sort=sort, **arguments)["ids"]


@pytest.fixture
def mail(deployment: Deployment, web: ServiceProcess) -> Iterator[Mail]:
    """A new account."""
    account = deployment.add_account(f"user{next(NUMBERS)}@example.org")
    mail = Mail(deployment, web.ports["http"], account)
    yield mail
    mail.http.close()


@pytest.fixture(scope="module")
def imap_service(deployment: Deployment) -> ServiceProcess:
    """IMAP on the same store."""
    return deployment.start("imap")


@pytest.fixture
def imap(mail: Mail, imap_service: ServiceProcess) -> Iterator[Callable[[], imaplib.IMAP4]]:
    """Sign in by IMAP as the test's account."""
    clients: list[imaplib.IMAP4] = []

    def sign_in() -> imaplib.IMAP4:
        client = imaplib.IMAP4("127.0.0.1", imap_service.ports["imap"], timeout=20)
        client.login(mail.account.address, PASSWORD)
        clients.append(client)
        return client

    yield sign_in
    for client in clients:
        client.logout()
