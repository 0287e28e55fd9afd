"""Which kinds of data have changed since a state."""

import asyncio

import pytest

from mailquay.delivery import Deliverer, Incoming, LocalPlacement
from mailquay.runtime.settings import Settings
from mailquay.store.emails import FlagChange
from mailquay.store.errors import NotFound
from mailquay.store.types import AccountId, Flag


@pytest.fixture
async def account(store):
    await store.accounts.add_domain("example.org")
    return await store.accounts.add("anna@example.org", "hash", "scram")


@pytest.fixture
async def deliver(store, blobs, bus, account):
    deliverer = Deliverer(store, blobs, bus, Settings())

    async def deliver(flags: int = 0):
        raw = b"Subject: x\r\n\r\nx"
        local = (LocalPlacement(account.id, flags=flags),)
        await deliverer.deliver(Incoming(account.tenant_id, raw, "t", local=local))

    yield deliver
    await deliverer.close()


@pytest.fixture
def changed(store, account):
    """What has changed since the last call."""
    seen = 0

    async def changed() -> set[str]:
        nonlocal seen
        state = await store.states.since(account.id, seen)
        seen = state.modseq
        return set(state.changed)

    return changed


async def test_each_change_is_told_by_its_kinds(store, account, deliver, changed):
    await changed()
    assert await changed() == set()

    await deliver()
    assert await changed() == {"Mailbox", "Email", "Thread", "EmailDelivery"}
    await deliver(Flag.DRAFT)
    assert await changed() == {"Mailbox", "Email", "Thread"}

    inbox = await store.mailboxes.find(account.id, "INBOX")
    seen = Flag.SEEN
    await store.emails.store_flags(account.id, inbox.id, [1], FlagChange.ADD, seen, [])
    assert await changed() == {"Mailbox", "Email"}

    trash = await store.mailboxes.find(account.id, "Trash")
    await store.emails.copy(account.id, inbox.id, [1], trash.id, move=True)
    assert await changed() == {"Mailbox", "Email", "Thread"}
    deleted = Flag.DELETED
    await store.emails.store_flags(account.id, inbox.id, [2], FlagChange.ADD, deleted, [])
    assert await changed() == {"Mailbox", "Email", "Thread"}
    await store.emails.expunge(account.id, inbox.id, [2])
    assert await changed() == {"Mailbox", "Email", "Thread"}

    identity = (await store.identities.list_identities(account.id))[0]
    await store.identities.update(account.id, identity.id, {"name": "Anna"})
    assert await changed() == {"Identity"}
    sent = await store.submissions.add(
        account.id, identity_id=identity.id, email_id=1, thread_id=1, envelope={},
        queue_message_id=None,
    )  # fmt: skip
    assert await changed() == {"EmailSubmission"}
    await store.submissions.remove(account.id, sent.id)
    assert await changed() == {"EmailSubmission"}

    await store.mailboxes.rename(account.id, "Trash", "Bin")
    assert await changed() == {"Mailbox"}


async def test_changes_of_others_are_not_ours(store, account, deliver, changed):
    other = await store.accounts.add("bert@example.org", "hash", "scram")
    await changed()
    before = await store.states.since(other.id, 0)
    await asyncio.gather(deliver(), deliver())
    assert await changed()
    after = await store.states.since(other.id, before.modseq)
    assert (after.modseq, after.changed) == (before.modseq, frozenset())


async def test_an_account_that_is_gone_has_no_state(store):
    with pytest.raises(NotFound):
        await store.states.since(AccountId(999), 0)
