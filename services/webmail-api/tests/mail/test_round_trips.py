"""How often a call asks Postgres: a list of rows must not cost more as it grows."""

import pytest

from mailquay.delivery import Deliverer, Incoming, LocalPlacement
from mailquay.runtime.settings import Settings
from mailquay_webmail_api.account import SignedIn
from mailquay_webmail_api.jmap.core.context import Context
from mailquay_webmail_api.jmap.core.limits import JmapLimits
from mailquay_webmail_api.jmap.mail import METHODS

ROW = [
    "id", "threadId", "mailboxIds", "keywords", "receivedAt", "from", "to", "subject",
    "hasAttachment", "preview", "size",
]  # fmt: skip
RAW = b"From: a@x\r\nTo: b@y\r\nSubject: s\r\nX-Own: z\r\n\r\nhello\r\n"


@pytest.fixture
async def context(store, blobs, bus):
    await store.accounts.add_domain("example.org")
    account = await store.accounts.add("alice@example.org", "hash", "scram")
    settings = Settings()
    deliverer = Deliverer(store, blobs, bus, settings)
    placement = LocalPlacement(account.id)
    for _ in range(50):
        await deliverer.deliver(Incoming(account.tenant_id, RAW, "t", local=(placement,)))
    signed_in = SignedIn(account.id, account.tenant_id, account.address, account.display_name)
    yield Context(signed_in, store, blobs, deliverer, bus, settings, JmapLimits())
    await deliverer.close()


@pytest.fixture
def leases(store, monkeypatch):
    """Connections that were taken, each for one statement or one transaction."""
    taken = []
    engine = store._engine
    connection = engine.connection

    def count():
        taken.append(1)
        return connection()

    monkeypatch.setattr(engine, "connection", count)
    return taken


@pytest.mark.parametrize(
    ("name", "arguments", "most"),
    [
        ("Email/query", {"limit": 50, "calculateTotal": True}, 1),
        ("Email/get", {"properties": ROW}, 1),
        ("Email/get", {"properties": [*ROW, "header:X-Own"]}, 2),
        ("Email/get", {"fetchTextBodyValues": True}, 2),
        ("Thread/get", {}, 1),
        ("Mailbox/get", {"ids": None, "properties": ["name", "role"]}, 1),
        ("Mailbox/get", {"ids": None}, 2),
        ("Email/changes", {"sinceState": "1"}, 2),
    ],
)
async def test_a_call_asks_once_or_twice(context, leases, name, arguments, most):
    given = {"accountId": "A1", **arguments}
    if name == "Email/get":
        given["ids"] = (await METHODS["Email/query"](context, {"accountId": "A1"}))["ids"]
        assert len(given["ids"]) == 50
    elif name == "Thread/get":
        given["ids"] = ["T1", "T2"]
    leases.clear()
    await METHODS[name](context, given)
    assert len(leases) <= most


async def test_any_number_of_updates_is_one_transaction(context, leases):
    ids = (await METHODS["Email/query"](context, {"accountId": "A1"}))["ids"]
    leases.clear()
    update = {email_id: {"keywords/$seen": True} for email_id in ids}
    done = await METHODS["Email/set"](context, {"accountId": "A1", "update": update})
    assert len(done["updated"]) == 50
    assert len(leases) == 1
