"""An account with mail, as JMAP looks at it."""

from dataclasses import dataclass
from datetime import datetime

import pytest

from mailquay.delivery import Deliverer, Incoming, LocalPlacement
from mailquay.runtime.settings import Settings
from mailquay.store import Store
from mailquay.store.accounts import Account
from mailquay.store.email_sets import EmailsSet, EmailUpdate


@dataclass
class Mail:
    """Puts mail into one account, and changes it."""

    store: Store
    deliverer: Deliverer
    account: Account
    boxes: dict[str, int]
    sent: int = 0

    @property
    def id(self):
        return self.account.id

    async def add(
        self,
        *names: str,
        header: str = "",
        body: str = "Hello.",
        flags: int = 0,
        keywords: tuple[str, ...] = (),
        at: datetime | None = None,
    ) -> int:
        """Deliver a message into these mailboxes; returns the email."""
        self.sent += 1
        raw = f"Message-ID: <m{self.sent}@x>\r\n{header}\r\n{body}\r\n"
        first, *also = [self.boxes[name] for name in names or ("INBOX",)]
        placement = LocalPlacement(
            self.id, first, flags=flags, keywords=keywords, received_at=at, also=tuple(also)
        )
        result = await self.deliverer.deliver(
            Incoming(self.account.tenant_id, raw.encode(), "t", local=(placement,))
        )
        return result.placements[0].email_id

    async def get(self, email_id: int):
        """The email as it is; None when it is gone."""
        _, found = await self.store.email_objects.get(self.id, [email_id])
        return found.get(email_id)

    async def set(
        self, *updates: EmailUpdate, destroy=(), max_keywords=100, max_mailboxes=100
    ) -> EmailsSet:
        return await self.store.email_sets.apply(
            self.id, updates, destroy, max_keywords=max_keywords, max_mailboxes=max_mailboxes
        )

    async def state(self) -> int:
        return await self.store.emails.state(self.id)

    async def uids(self, name: str) -> dict[int, int]:
        """Uids of a mailbox by email."""
        places = await self.store.emails.places(self.id, self.boxes[name])
        return {place.email_id: place.uid for place in places}

    async def check_counters(self) -> None:
        """Counters are what the places say."""
        for box in await self.store.mailboxes.list_mailboxes(self.id):
            places = await self.store.emails.places(self.id, box.id)
            counted = (
                len(places),
                sum(not place.flags & 1 for place in places),
                sum(bool(place.flags & 8) for place in places),
                sum(place.size for place in places),
            )
            assert (box.messages, box.unseen, box.deleted, box.bytes) == counted, box.name


@pytest.fixture
async def mail(store, blobs, bus):
    await store.accounts.add_domain("example.org")
    account = await store.accounts.add("alice@example.org", "hash", "scram")
    deliverer = Deliverer(store, blobs, bus, Settings())
    boxes = {box.name: box.id for box in await store.mailboxes.list_mailboxes(account.id)}
    yield Mail(store, deliverer, account, boxes)
    await deliverer.close()
