"""Views of mailboxes: shared by sessions, brought up to date by asking, woken by events."""

import asyncio
import contextlib

import pytest

from mailquay.delivery import Deliverer, Incoming, LocalPlacement
from mailquay.events import AccountChanged
from mailquay.runtime.settings import Settings
from mailquay.store.emails import FlagChange
from mailquay_imap import views as module
from mailquay_imap.views import MailboxGone, Views


@pytest.fixture
async def account(store):
    await store.accounts.add_domain("example.org")
    return await store.accounts.add("ann@example.org", "hash", "scram")


@pytest.fixture
async def inbox(store, account):
    return await store.mailboxes.find(account.id, "INBOX")


@pytest.fixture
async def deliver(store, blobs, bus, account):
    """Deliver a message; who listens hears of it."""
    deliverer = Deliverer(store, blobs, bus, Settings())

    async def run() -> None:
        placement = LocalPlacement(account.id)
        raw = b"Subject: x\r\n\r\nx\r\n"
        await deliverer.deliver(Incoming(account.tenant_id, raw, "trace", local=(placement,)))

    yield run
    await deliverer.close()


@pytest.fixture
def pulses(store, monkeypatch):
    """How often Postgres is asked whether anything is new."""
    asked: list[int] = []
    pulse = store.emails.pulse

    async def counted(*arguments):
        asked.append(1)
        return await pulse(*arguments)

    monkeypatch.setattr(store.emails, "pulse", counted)
    return asked


async def until(is_so) -> None:
    async with asyncio.timeout(20):
        while not is_so():
            await asyncio.sleep(0.01)


async def test_sessions_share_a_view_and_close_it(store, bus, account, inbox, deliver):
    views = Views(store, bus)
    first, second = await asyncio.gather(*(views.open(account.id, inbox.id) for _ in range(2)))
    assert first is second
    assert first.sessions == 2
    await deliver()
    third = await views.open(account.id, inbox.id)
    assert third is first
    assert third.snapshot.uids == [1]
    for _ in range(3):
        views.close(first)
    # It is kept, and brought up to date when it is wanted again.
    await deliver()
    again = await views.open(account.id, inbox.id)
    assert again is first
    assert (again.sessions, again.snapshot.uids) == (1, [1, 2])


async def test_an_event_brings_a_view_up_to_date_where_someone_listens(
    store, bus, account, inbox, deliver
):
    views = Views(store, bus)
    view = await views.open(account.id, inbox.id)
    told: list[list[str]] = []
    views.listen(view, told.append)
    await bus.wait_listening(account.id)
    await deliver()
    await until(lambda: told)
    assert told == [["trace"]]
    assert view.snapshot.uids == [1]
    view.listeners.clear()
    await deliver()
    await view.refresh(store)
    assert len(told) == 1


async def test_events_that_come_together_are_one_question(store, bus, account, inbox, pulses):
    views = Views(store, bus)
    view = await views.open(account.id, inbox.id)
    views.listen(view, lambda _traces: None)
    await bus.wait_listening(account.id)
    pulses.clear()
    for _ in range(200):
        views._heard(AccountChanged(account_id=account.id, modseq=999))
    await until(lambda: pulses and not views._refreshing)
    assert len(pulses) == 1
    # Another mailbox's news, or what is known already, is none.
    views._heard(AccountChanged(account_id=account.id, modseq=999, mailbox_ids=(inbox.id + 1,)))
    views._heard(AccountChanged(account_id=account.id, modseq=1))
    assert not views._refreshing


async def test_what_a_session_does_is_known_without_asking(store, bus, account, inbox, deliver):
    await deliver()
    views = Views(store, bus)
    view = await views.open(account.id, inbox.id)
    told: list[list[str]] = []
    views.listen(view, told.append)
    stored = await store.emails.store_flags(account.id, inbox.id, [1], FlagChange.ADD, 4, ())
    await view.apply_own(stored.changed, [], stored.modseq)
    assert view.snapshot.places[0].flags == 4
    assert told == [[]]
    # Unless somebody else was faster: then both are asked for.
    other = await store.emails.store_flags(account.id, inbox.id, [1], FlagChange.ADD, 2, ())
    mine = await store.emails.store_flags(account.id, inbox.id, [1], FlagChange.ADD, 1, ())
    await view.apply_own(mine.changed, [], mine.modseq)
    assert view.snapshot.places[0].flags == 4
    await view.refresh(store)
    assert view.snapshot.places[0].flags == 7
    assert view.snapshot.modseq == mine.modseq > other.modseq


async def test_a_mailbox_that_goes_is_told_to_its_listeners(store, bus, account):
    box = await store.mailboxes.create(account.id, "box")
    views = Views(store, bus)
    view = await views.open(account.id, box.id)
    told: list[list[str]] = []
    views.listen(view, told.append)
    await store.mailboxes.delete(account.id, "box")
    with pytest.raises(MailboxGone):
        await view.refresh(store)
    assert view.is_gone
    assert told == [[]]
    with pytest.raises(MailboxGone):
        await views.open(account.id, box.id)
    views.close(view)


async def test_a_mailbox_made_anew_under_its_id_is_another(store, bus, account):
    box = await store.mailboxes.create(account.id, "box")
    await store.mailboxes.create(account.id, "box/below")
    views = Views(store, bus)
    old = await views.open(account.id, box.id)
    await store.mailboxes.delete(account.id, "box")  # it stays as \Noselect
    await store.mailboxes.create(account.id, "box")
    new = await views.open(account.id, box.id)
    assert new is not old
    assert new.uidvalidity > old.uidvalidity
    assert old.is_gone
    views.close(old)
    assert await views.open(account.id, box.id) is new


async def test_what_is_kept_for_later_is_bounded(store, bus, account, deliver, monkeypatch):
    monkeypatch.setattr(module, "_IDLE_VIEWS", 2)
    monkeypatch.setattr(module, "_IDLE_PLACES", 3)
    views = Views(store, bus)
    boxes = list(await store.mailboxes.list_mailboxes(account.id))[:4]
    for box in boxes:
        views.close(await views.open(account.id, box.id))
    assert [key[1] for key in views._idle] == [box.id for box in boxes[-2:]]
    for _ in range(4):
        await deliver()
    inbox = await store.mailboxes.find(account.id, "INBOX")
    views.close(await views.open(account.id, inbox.id))
    assert views._idle_places == sum(view.kept_places for view in views._idle.values()) <= 3


async def test_nobody_is_heard_who_is_not_listened_to(store, bus, account, inbox):
    views = Views(store, bus)
    view = await views.open(account.id, inbox.id)
    assert await views.open(account.id, inbox.id) is view
    assert account.id not in bus._accounts
    for _ in range(2):
        views.listen(view, lambda _traces: None)
        view.listeners.clear()
    await bus.wait_listening(account.id)
    assert len(bus._accounts[account.id]) == 1
    views.close(view)
    assert account.id in bus._accounts  # who has idled once will do so again
    views.close(view)
    assert account.id not in bus._accounts
    with contextlib.suppress(KeyError):
        assert not views._views[account.id]


async def test_a_view_that_was_not_wanted_for_longer_than_history_is_kept_is_read_anew(
    store, bus, account, inbox, deliver
):
    views = Views(store, bus)
    for _ in range(4):
        await deliver()
    view = await views.open(account.id, inbox.id)
    known = view.snapshot
    views.close(view)
    await store.emails.expunge(account.id, inbox.id, [2, 3], only_deleted=False)
    await store.emails.store_flags(account.id, inbox.id, [4], FlagChange.ADD, 1, ())
    await deliver()
    assert (await store.trims.expunged(0, 100)).gone == 2
    again = await views.open(account.id, inbox.id)
    assert again is view
    assert again.snapshot.uids == [1, 4, 5]
    difference = again.history.difference(known)
    assert (difference.expunged, difference.changed) == ([2, 3], [4])
