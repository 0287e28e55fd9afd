"""A client that was away for longer than history is kept is told so, and never told wrong."""

import asyncio
import random

import pytest

from mailquay.runtime.settings import RetentionSettings
from mailquay.store import Forgotten
from mailquay.store.changes import Point
from mailquay.store.retention import trim

NOW = RetentionSettings(history_seconds=0, submissions_seconds=0)


async def test_state_before_what_was_trimmed_cannot_be_followed_and_later_ones_can(mail):
    one, two, _ = [await mail.add() for _ in range(3)]
    old = Point(await mail.state())
    await mail.set(destroy=[one])
    floor = Point(await mail.state())
    await mail.set(destroy=[two])
    # The tombstone of the second one is too young: the first one's alone goes.
    assert (await mail.store.trims.expunged(0, 1)).gone == 1
    for changes in (
        mail.store.changes.emails,
        mail.store.changes.threads,
        mail.store.changes.mailboxes,
    ):
        with pytest.raises(Forgotten):
            await changes(mail.id, old, 100)
    assert (await mail.store.changes.emails(mail.id, floor, 100)).destroyed == (two,)
    assert (await mail.store.changes.threads(mail.id, floor, 100)).destroyed != ()
    assert (await mail.store.changes.mailboxes(mail.id, floor, 100)).updated != ()


async def test_state_in_the_middle_of_what_was_trimmed_cannot_be_followed(mail):
    many = [await mail.add() for _ in range(4)]
    since = Point(await mail.state())
    await mail.set(destroy=many)
    half = (await mail.store.changes.emails(mail.id, since, 2)).state
    assert not half.is_whole
    await trim(mail.store, NOW)
    with pytest.raises(Forgotten):
        await mail.store.changes.emails(mail.id, half, 100)
    now = Point(await mail.state())
    assert (await mail.store.changes.emails(mail.id, now, 100)).destroyed == ()


async def test_submissions_and_identities_are_forgotten_with_the_rest(mail):
    old = await mail.state()
    identity = await mail.store.identities.add(mail.id, "alice@example.org", {}, limit=9)
    await mail.store.identities.remove(mail.id, identity.id)
    await trim(mail.store, NOW)
    with pytest.raises(Forgotten):
        await mail.store.identities.changes(mail.id, old, 100)
    with pytest.raises(Forgotten):
        await mail.store.submissions.changes(mail.id, old, 100)
    now = await mail.state()
    assert (await mail.store.identities.changes(mail.id, now, 100)).destroyed == ()


async def test_push_tells_an_old_state_that_anything_may_have_changed(mail):
    gone = await mail.add()
    old = await mail.state()
    await mail.set(destroy=[gone])
    assert "Identity" not in (await mail.store.states.since(mail.id, old)).changed
    await trim(mail.store, NOW)
    told = (await mail.store.states.since(mail.id, old)).changed
    assert {"Email", "Thread", "Mailbox", "Identity", "EmailSubmission"} <= told
    assert (await mail.store.states.since(mail.id, await mail.state())).changed == frozenset()


async def test_uids_that_went_are_told_or_said_to_be_unknown(mail):
    inbox = mail.boxes["INBOX"]
    one, two = [await mail.add() for _ in range(2)]
    old = await mail.state()
    await mail.set(destroy=[one])
    assert (await mail.store.emails.changed_since(mail.id, inbox, old))[1] == [1]
    await trim(mail.store, NOW)
    with pytest.raises(Forgotten):
        await mail.store.emails.changed_since(mail.id, inbox, old)
    now = await mail.state()
    await mail.set(destroy=[two])
    assert (await mail.store.emails.changed_since(mail.id, inbox, now))[1] == [2]


async def test_clients_that_follow_are_right_while_mail_comes_goes_and_is_forgotten(mail):
    """One writes, one trims, two follow: each as JMAP says, from an older state each time."""
    random_ = random.Random(11)
    is_over = asyncio.Event()

    async def write() -> None:
        there: list[int] = []
        for _ in range(120):
            if there and random_.random() < 0.5:
                await mail.set(destroy=[there.pop(random_.randrange(len(there)))])
            else:
                there.append(await mail.add())
        is_over.set()

    async def forget() -> None:
        while not is_over.is_set():
            await mail.store.trims.expunged(0, random_.randint(1, 4))

    async def follow() -> tuple[set[int], int]:
        known: set[int] = set()
        state, anew = Point(0), 0
        while True:
            was_over = is_over.is_set()
            try:
                found = await mail.store.changes.emails(mail.id, state, 3)
            except Forgotten:
                anew += 1
                state = Point(await mail.state())
                known = set(await _all(mail))
                continue
            known = known.union(found.created) - set(found.destroyed)
            state = found.state
            if was_over and not found.has_more:
                return known, anew

    _, _, *followers = await asyncio.gather(write(), forget(), follow(), follow())
    there = set(await _all(mail))
    assert [known for known, _ in followers] == [there, there]


async def _all(mail) -> list[int]:
    places = await mail.store.emails.places(mail.id, mail.boxes["INBOX"])
    return [place.email_id for place in places]
