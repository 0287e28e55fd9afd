"""A client that follows an account by its changes ends with what is there."""

import random

import pytest

from mailquay.store import NotFound
from mailquay.store.changes import Point
from mailquay.store.email_sets import EmailUpdate, KeywordsChange
from mailquay.store.emails import FlagChange
from mailquay.store.mailbox_edits import MailboxPlan, NewMailbox
from mailquay.store.types import Flag

SEEN, DELETED = int(Flag.SEEN), int(Flag.DELETED)


async def emails(mail, since, limit=100):
    return await mail.store.changes.emails(mail.id, since, limit)


async def test_each_kind_of_change_is_told_once(mail):
    kept, moved, gone = [await mail.add() for _ in range(3)]
    since = Point(await mail.state())
    new = await mail.add("INBOX", "Archive")
    trash = frozenset({mail.boxes["Trash"]})
    await mail.set(EmailUpdate(moved, add_mailboxes=trash, replace_mailboxes=True), destroy=[gone])
    brief = await mail.add()
    await mail.set(destroy=[brief])
    found = await emails(mail, since)
    assert (found.created, found.updated, found.destroyed) == ((new,), (moved,), (gone,))
    assert (found.state, found.has_more) == (Point(await mail.state()), False)
    again = await emails(mail, found.state)
    assert (again.created, again.updated, again.destroyed) == ((), (), ())
    assert kept not in {*found.created, *found.updated, *found.destroyed}


async def test_one_modseq_may_be_told_in_pieces(mail):
    many = [await mail.add() for _ in range(7)]
    since = Point(await mail.state())
    await mail.set(*(EmailUpdate(e, KeywordsChange(add_flags=SEEN)) for e in many))
    told = []
    has_more = True
    while has_more:
        found = await emails(mail, since, 3)
        assert len(found.updated) <= 3
        told += found.updated
        since, has_more = found.state, found.has_more
    assert told == many
    assert since == Point(await mail.state())


async def test_deleted_takes_an_email_out_of_sight_and_back(mail):
    one = await mail.add()
    since = Point(await mail.state())
    uid = (await mail.uids("INBOX"))[one]
    inbox = mail.boxes["INBOX"]
    await mail.store.emails.store_flags(mail.id, inbox, [uid], FlagChange.ADD, DELETED, [])
    hidden = await emails(mail, since)
    assert hidden.destroyed == (one,)
    await mail.store.emails.store_flags(mail.id, inbox, [uid], FlagChange.REMOVE, DELETED, [])
    assert (await emails(mail, hidden.state)).created == (one,)


async def test_a_thread_is_new_changed_or_gone_by_its_emails(mail):
    def reply(to: int) -> str:
        return f"Subject: Re: tea\r\nReferences: <m{to}@x>\r\n"

    old = await mail.add(header="Subject: tea\r\n")
    lone = await mail.add(header="Subject: lone\r\n")
    thread = (await mail.get(old)).thread_id
    since = Point(await mail.state())
    answer = await mail.add(header=reply(1))
    fresh = await mail.add(header="Subject: fresh\r\n")
    assert (await mail.get(answer)).thread_id == thread
    await mail.set(EmailUpdate(old, KeywordsChange(add_flags=SEEN)), destroy=[lone])
    found = await mail.store.changes.threads(mail.id, since, 100)
    assert (found.created, found.updated, found.destroyed) == ((fresh,), (thread,), (lone,))
    # A flag changes no thread.
    await mail.set(EmailUpdate(old, KeywordsChange(remove_flags=SEEN)))
    later = await mail.store.changes.threads(mail.id, found.state, 100)
    assert (later.created, later.updated, later.destroyed) == ((), (), ())


async def test_a_mailbox_changes_with_threads_that_are_elsewhere_too(mail):
    await mail.add("INBOX", header="Subject: tea\r\n")
    reply = "Subject: Re: tea\r\nReferences: <m1@x>\r\n"
    other = await mail.add("Archive", header=reply)
    since = Point(await mail.state())
    await mail.set(EmailUpdate(other, KeywordsChange(add_flags=SEEN)))
    found = await mail.store.changes.mailboxes(mail.id, since, 100)
    assert set(found.updated) == {mail.boxes["INBOX"], mail.boxes["Archive"]}
    assert set(found.only_counts) == set(found.updated)
    # The thread's email that went from elsewhere counted here, too.
    await mail.set(destroy=[other])
    found = await mail.store.changes.mailboxes(mail.id, found.state, 100)
    assert set(found.updated) == {mail.boxes["INBOX"], mail.boxes["Archive"]}


async def test_mailboxes_come_and_go_in_pieces(mail):
    since = Point(await mail.state())
    new = tuple(NewMailbox(n, n, None, 0, True) for n in "abc")
    made = await mail.store.mailbox_edits.apply(mail.id, lambda _: MailboxPlan(create=new))
    await mail.store.mailboxes.delete(mail.id, "Junk")
    created, destroyed, has_more = [], [], True
    while has_more:
        found = await mail.store.changes.mailboxes(mail.id, since, 2)
        created += found.created
        destroyed += found.destroyed
        assert len(found.created) + len(found.updated) + len(found.destroyed) <= 2
        since, has_more = found.state, found.has_more
    assert created == sorted(made.created.values())
    assert destroyed == [mail.boxes["Junk"]]


async def test_nobody_has_no_changes(mail):
    for tell in (mail.store.changes.emails, mail.store.changes.threads):
        with pytest.raises(NotFound):
            await tell(10**9, Point(1), 10)


class Client:
    """Keeps what it was told, and what each email was when it last looked."""

    def __init__(self, mail, rng: random.Random) -> None:
        self.mail, self.rng = mail, rng
        self.point = Point(1)
        self.emails: dict[int, object] = {}
        self.threads: dict[int, list[int]] = {}
        self.thread_point = Point(1)

    async def step(self) -> bool:
        limit = self.rng.choice([1, 2, 5, 100])
        found = await self.mail.store.changes.emails(self.mail.id, self.point, limit)
        assert len(found.created) + len(found.updated) + len(found.destroyed) <= limit
        assert not set(found.updated) - set(self.emails), "updated, but never created"
        for email_id in (*found.created, *found.updated):
            self.emails[email_id] = await self.mail.get(email_id)
        for email_id in found.destroyed:
            self.emails.pop(email_id, None)
        self.point = found.state
        return found.has_more

    async def step_threads(self) -> bool:
        limit = self.rng.choice([1, 2, 5, 100])
        found = await self.mail.store.changes.threads(self.mail.id, self.thread_point, limit)
        assert len(found.created) + len(found.updated) + len(found.destroyed) <= limit
        ids = (*found.created, *found.updated)
        _, threads = await self.mail.store.email_objects.threads(self.mail.id, ids)
        for thread_id in ids:
            self.threads.pop(thread_id, None)
            if thread_id in threads:
                self.threads[thread_id] = threads[thread_id]
        for thread_id in found.destroyed:
            self.threads.pop(thread_id, None)
        self.thread_point = found.state
        return found.has_more


async def change_something(mail, rng: random.Random) -> None:
    known = await mail.store.email_objects.ids(mail.id, 1000)
    chosen = rng.sample(known, min(len(known), rng.choice([1, 1, 3])))
    boxes = list(mail.boxes.values())
    match rng.choice(["add", "add", "keyword", "move", "destroy", "delete", "undelete", "expunge"]):
        case "add":
            refers = f"References: <m{rng.randint(1, mail.sent)}@x>\r\n" if mail.sent else ""
            names = rng.sample(list(mail.boxes), rng.choice([1, 1, 2]))
            await mail.add(*names, header=f"Subject: Re: t\r\n{refers}")
        case "keyword":
            change = KeywordsChange(add_flags=SEEN if rng.random() < 0.5 else 0, replace=True)
            await mail.set(*(EmailUpdate(e, change) for e in chosen))
        case "move":
            to = frozenset(rng.sample(boxes, rng.choice([1, 2])))
            await mail.set(*(EmailUpdate(e, None, to, replace_mailboxes=True) for e in chosen))
        case "destroy":
            await mail.set(destroy=chosen)
        case "delete" | "undelete" as what:
            box = rng.choice(boxes)
            uids = [place.uid for place in await mail.store.emails.places(mail.id, box)]
            change = FlagChange.ADD if what == "delete" else FlagChange.REMOVE
            some = rng.sample(uids, min(len(uids), 2))
            await mail.store.emails.store_flags(mail.id, box, some, change, DELETED, [])
        case "expunge":
            await mail.store.emails.expunge(mail.id, rng.choice(boxes))


@pytest.mark.parametrize("seed", range(4))
async def test_whoever_follows_ends_with_what_is_there(mail, seed):
    rng = random.Random(seed)
    client = Client(mail, rng)
    for _ in range(60):
        await change_something(mail, rng)
        if rng.random() < 0.4:
            await client.step()
        if rng.random() < 0.4:
            await client.step_threads()
    while await client.step() or await client.step_threads():
        pass
    await client.step_threads()
    there = await mail.store.email_objects.ids(mail.id, 1000)
    _, found = await mail.store.email_objects.get(mail.id, there)
    assert client.emails == found
    threads = await mail.store.email_objects.thread_ids(mail.id, 1000)
    _, of_threads = await mail.store.email_objects.threads(mail.id, threads)
    assert client.threads == of_threads
    await mail.check_counters()
