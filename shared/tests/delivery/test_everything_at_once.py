"""Anything that several processes do to one account at once ends as it can be counted again.

RFC 9051 §2.3.1.1: uids only rise, and appear in their order. RFC 7162 §3.1: each change has its
mod-sequence, and what is new since one is exactly what has changed. RFC 8621 §3: threads.
"""

import asyncio
import contextlib
import hashlib
import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailquay.delivery import Deliverer, Incoming, LocalPlacement, Placed
from mailquay.delivery.facts import read_facts
from mailquay.runtime.settings import DatabaseSettings, Settings
from mailquay.store import NotFound, Store, StoreError, StoreUnavailable
from mailquay.store.email_sets import EmailUpdate, KeywordsChange
from mailquay.store.emails import FlagChange
from mailquay.testing.recount import recount

PROCESSES = 3
NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Deliver:
    box: int
    also: int | None
    flags: int
    subject: str
    refers_to: tuple[int, ...]
    times: int


@dataclass(frozen=True)
class SetFlags:
    box: int
    mask: int
    change: FlagChange
    flags: int
    keywords: tuple[str, ...]
    is_conditional: bool


@dataclass(frozen=True)
class Copy:
    box: int
    mask: int
    to: int
    moves: bool


@dataclass(frozen=True)
class Expunge:
    box: int
    mask: int | None
    only_deleted: bool


@dataclass(frozen=True)
class SetEmails:
    box: int
    mask: int
    add_to: int
    replaces: bool
    keyword: str
    destroys: bool


@dataclass(frozen=True)
class Mailbox:
    verb: str
    name: str
    other: str


INDEX = st.integers(0, 3)
REFERENCES = st.lists(st.integers(0, 3), max_size=2).map(tuple)
MASK = st.integers(1, 255)
FLAGS = st.integers(0, 31)
WORDS = st.lists(st.sampled_from(["$Work", "$work", "later"]), max_size=2).map(tuple)
NAMES = st.sampled_from(["a", "a/b", "a/b/c", "d", "Archive", "INBOX"])
CHANGES = st.one_of(
    st.builds(
        Deliver, INDEX, st.none() | INDEX, FLAGS, st.sampled_from(["tea", "Re: tea", "x"]),
        REFERENCES, st.integers(1, 3),
    ),
    st.builds(SetFlags, INDEX, MASK, st.sampled_from(FlagChange), FLAGS, WORDS, st.booleans()),
    st.builds(Copy, INDEX, MASK, INDEX, st.booleans()),
    st.builds(Expunge, INDEX, st.none() | MASK, st.booleans()),
    st.builds(SetEmails, INDEX, MASK, INDEX, st.booleans(), st.sampled_from(["k", "$Work"]), st.booleans()),
    st.builds(Mailbox, st.sampled_from(["create", "rename", "delete", "subscribe"]), NAMES, NAMES),
)  # fmt: skip
#: What happens at once, one after the other; mail first, so that there is something to change.
ROUNDS = st.tuples(
    st.lists(st.builds(Deliver, INDEX, st.none(), FLAGS, st.just("tea"), REFERENCES, st.just(1)),
             min_size=3, max_size=8),
    st.lists(st.lists(CHANGES, min_size=1, max_size=7), min_size=1, max_size=6),
).map(lambda pair: [pair[0], *pair[1]])  # fmt: skip


@dataclass
class Snapshot:
    """An account when nobody changes it."""

    modseq: int
    boxes: dict
    places: dict


@dataclass
class World:
    """One account, and processes that work on it."""

    stores: list[Store]
    deliverers: list[Deliverer]
    account: object
    delivered: list[tuple[bytes, Placed]] = field(default_factory=list)

    @property
    def id(self):
        return self.account.id

    async def box(self, index: int):
        """INBOX, or one of the few that were made last."""
        boxes = await self.stores[0].mailboxes.list_mailboxes(self.id)
        boxes.sort(key=lambda box: (box.name != "INBOX", -box.id))
        return boxes[index % len(boxes)]

    async def some(self, box, mask: int):
        places = await self.stores[0].emails.places(self.id, box.id)
        return [place for number, place in enumerate(places) if mask >> number & 1]

    async def run(self, change, process: int) -> None:
        """Do it; what is refused, or no longer there, is none of our business."""
        try:
            await getattr(self, f"_{type(change).__name__.lower()}")(change, process)
        except StoreUnavailable:
            raise
        except StoreError:
            pass

    async def _deliver(self, change: Deliver, process: int) -> None:
        """As often as it is repeated, to another process each time, it is there once."""
        number = next(NUMBERS)
        raw = f"Subject: {change.subject}\r\nMessage-ID: <m{number}@{self.id}>\r\n"
        if change.refers_to:
            raw += f"References: {' '.join(f'<r{n}@{self.id}>' for n in change.refers_to)}\r\n"
        raw = f"{raw}\r\n{'x' * (number % 50)}\r\n".encode()
        box, also = await self.box(change.box), ()
        if change.also is not None and (other := await self.box(change.also)).id != box.id:
            also = (other.id,)
        placement = LocalPlacement(self.id, box.id, flags=change.flags, also=also)
        incoming = Incoming(
            self.account.tenant_id, raw, "t", local=(placement,),
            repeat_key=hashlib.sha256(raw).digest(),
        )  # fmt: skip
        results = await asyncio.gather(
            *(
                self.deliverers[(process + n) % PROCESSES].deliver(incoming)
                for n in range(change.times)
            )
        )
        placed = [r.placements[0] for r in results if isinstance(r.placements[0], Placed)]
        stored = [p for p in placed if not p.is_duplicate]
        assert len(stored) == bool(placed)
        self.delivered += [(raw, p) for p in stored]

    async def _setflags(self, change: SetFlags, process: int) -> None:
        box = await self.box(change.box)
        chosen = await self.some(box, change.mask)
        limit = max((p.modseq for p in chosen), default=1) - 1 if change.is_conditional else None
        await self.stores[process].emails.store_flags(
            self.id, box.id, [p.uid for p in chosen], change.change, change.flags,
            list(dict.fromkeys(change.keywords)), unchanged_since=limit,
        )  # fmt: skip

    async def _copy(self, change: Copy, process: int) -> None:
        source, target = await self.box(change.box), await self.box(change.to)
        uids = [p.uid for p in await self.some(source, change.mask)]
        await self.stores[process].emails.copy(
            self.id, source.id, uids, target.id, move=change.moves
        )

    async def _expunge(self, change: Expunge, process: int) -> None:
        box = await self.box(change.box)
        uids = None if change.mask is None else [p.uid for p in await self.some(box, change.mask)]
        only = change.only_deleted or uids is None
        await self.stores[process].emails.expunge(self.id, box.id, uids, only_deleted=only)

    async def _setemails(self, change: SetEmails, process: int) -> None:
        box, other = await self.box(change.box), await self.box(change.add_to)
        ids = list(dict.fromkeys(p.email_id for p in await self.some(box, change.mask)))
        words = KeywordsChange(add=(change.keyword,), add_flags=1)
        added = frozenset({other.id})
        updates = [EmailUpdate(i, words, added, replace_mailboxes=change.replaces) for i in ids[1:]]
        await self.stores[process].email_sets.apply(
            self.id, updates, ids[:1] if change.destroys else (), max_keywords=9, max_mailboxes=9
        )

    async def _mailbox(self, change: Mailbox, process: int) -> None:
        mailboxes = self.stores[process].mailboxes
        match change.verb:
            case "create":
                await mailboxes.create(self.id, change.name)
            case "rename":
                await mailboxes.rename(self.id, change.name, change.other)
            case "delete":
                await mailboxes.delete(self.id, change.name)
            case _:
                await mailboxes.subscribe(self.id, change.name, on=len(change.other) > 1)

    async def snapshot(self) -> Snapshot:
        store = self.stores[0]
        boxes = {box.id: box for box in await store.mailboxes.list_mailboxes(self.id)}
        places = {
            box_id: {p.uid: p for p in await store.emails.places(self.id, box_id)}
            for box_id in boxes
        }
        return Snapshot(await store.emails.state(self.id), boxes, places)


class Follower:
    """A view of INBOX, brought up to date while others change it, as IMAP's are."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.places: dict = {}
        self.known = 0
        self.highest_uid = 0

    async def open(self) -> None:
        self.box = await self.world.stores[0].mailboxes.find(self.world.id, "INBOX")

    async def look(self) -> None:
        emails = self.world.stores[1].emails
        pulse = await emails.pulse(self.world.id, self.box.id)
        assert pulse.highestmodseq >= self.known
        changed, gone = await emails.changed_since(self.world.id, self.box.id, self.known)
        fresh = [place.uid for place in changed if place.uid not in self.places]
        # What appears later has a higher uid, whoever else delivers, and nothing comes back.
        assert all(uid > self.highest_uid for uid in fresh), "a uid appeared out of order"
        self.highest_uid = max([self.highest_uid, *fresh, *gone])
        self.places.update({place.uid: place for place in changed})
        for uid in gone:
            self.places.pop(uid, None)
        self.known = pulse.highestmodseq

    async def follow(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(0)


def assert_goes_on(before: Snapshot, after: Snapshot) -> None:
    """Between two moments everything that only rises has risen."""
    assert after.modseq >= before.modseq
    for box_id in before.boxes.keys() & after.boxes.keys():
        old, new = before.boxes[box_id], after.boxes[box_id]
        assert new.uidnext >= old.uidnext
        assert new.uidvalidity >= old.uidvalidity
        assert new.highestmodseq >= old.highestmodseq
        was, now = before.places[box_id], after.places[box_id]
        for uid in was.keys() & now.keys():
            is_same = (was[uid].flags, was[uid].keywords) == (now[uid].flags, now[uid].keywords)
            assert now[uid].email_id == was[uid].email_id
            assert now[uid].modseq == was[uid].modseq or now[uid].modseq > before.modseq
            assert is_same or now[uid].modseq > before.modseq
        assert all(uid >= old.uidnext for uid in now.keys() - was.keys())
    by_name = {box.name: box for box in after.boxes.values()}
    for old in before.boxes.values():
        new = by_name.get(old.name)
        if new is not None and new.id != old.id:
            assert new.uidvalidity > old.uidvalidity


async def assert_difference(world: World, before: Snapshot, after: Snapshot) -> None:
    """What is new since a mod-sequence is what has changed, all of it and nothing else."""
    for box_id, now in after.places.items():
        was = before.places.get(box_id, {})
        first_new = before.boxes[box_id].uidnext if box_id in before.boxes else 1
        changed, gone = await world.stores[2].emails.changed_since(world.id, box_id, before.modseq)
        assert changed == [p for uid, p in sorted(now.items()) if was.get(uid) != p]
        new = range(first_new, after.boxes[box_id].uidnext)
        assert gone == sorted((was.keys() | set(new)) - now.keys())


def assert_threads(world: World) -> None:
    """Each email is in the oldest thread that a key of it was of when it came, else in its own."""
    assert len({placed.email_id for _, placed in world.delivered}) == len(world.delivered)
    threads: dict[int, int] = {}
    for raw, placed in sorted(world.delivered, key=lambda d: (d[1].modseq, d[1].email_id)):
        keys = read_facts(raw).thread_keys
        thread = min((threads[key] for key in keys if key in threads), default=placed.email_id)
        assert placed.thread_id == thread
        for key in keys:
            threads.setdefault(key, thread)


@pytest.fixture
async def world_of(postgres_url, blobs, bus):
    async with contextlib.AsyncExitStack() as stack:
        stores, deliverers = [], []
        for _ in range(PROCESSES):
            store = await Store.open(DatabaseSettings(url=postgres_url, pool_max=4))
            stack.push_async_callback(store.close)
            deliverer = Deliverer(store, blobs, bus, Settings())
            stack.push_async_callback(deliverer.close)
            stores.append(store)
            deliverers.append(deliverer)
        await stores[0].accounts.add_domain("example.org")

        async def make() -> World:
            address = f"a{next(NUMBERS)}@example.org"
            account = await stores[0].accounts.add(address, "hash", "scram")
            return World(stores, deliverers, account)

        yield make


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rounds=ROUNDS)
async def test_all_changes_can_be_counted_again(postgres_url, world_of, rounds) -> None:
    world: World = await world_of()
    follower = Follower(world)
    await follower.open()
    following = asyncio.create_task(follower.follow())
    snapshots = [await world.snapshot()]
    try:
        for changes in rounds:
            await asyncio.gather(*(world.run(c, n % PROCESSES) for n, c in enumerate(changes)))
            assert not following.done(), following.exception()
            snapshots.append(await world.snapshot())
            assert_goes_on(snapshots[-2], snapshots[-1])
    finally:
        following.cancel()
        await asyncio.wait([following])
    await recount(postgres_url, world.id)
    for earlier in snapshots:
        await assert_difference(world, earlier, snapshots[-1])
    assert_threads(world)
    await follower.look()
    assert follower.places == snapshots[-1].places[follower.box.id]


async def test_an_account_that_is_gone_has_nothing_more(world_of):
    world: World = await world_of()
    await world.stores[0].accounts.remove(world.account.address)
    with pytest.raises(NotFound):
        await world.stores[0].emails.state(world.id)
    result = await world.deliverers[0].deliver(
        Incoming(world.account.tenant_id, b"", "t", local=(LocalPlacement(world.id),))
    )
    assert not isinstance(result.placements[0], Placed)
