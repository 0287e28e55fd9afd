"""What a process knows of a mailbox, shared by its sessions (RFC 9051 §2.3, §7.5.1).

A `Snapshot` never changes. A view brings itself up to date by asking for what is newer than it has
seen, and makes a new snapshot of it; a session keeps the one that its client has been told of, and
is told the difference when IMAP allows it.
"""

import asyncio
from bisect import bisect_left
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from mailquay.events import AccountChanged, Bus, Event, Subscription
from mailquay.store import NotFound, Store
from mailquay.store.emails import Place
from mailquay.store.types import AccountId, MailboxId

__all__ = ["Difference", "MailboxGone", "MailboxView", "Snapshot", "Views"]

#: Changes that are remembered, so that a session need not compare whole mailboxes.
_LOG_MAX: Final = 200
#: Views kept after their last session has gone, for the next SELECT.
_IDLE_VIEWS: Final = 64


class MailboxGone(Exception):
    """The mailbox was deleted, or made anew under its name."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A mailbox at one moment: uids ascending, and what is known of each."""

    version: int
    uids: list[int]
    places: list[Place]
    modseq: int
    uidnext: int
    keywords: frozenset[str]

    def number_of(self, uid: int) -> int | None:
        """The sequence number of a uid; None when it is not there."""
        index = bisect_left(self.uids, uid)
        if index < len(self.uids) and self.uids[index] == uid:
            return index + 1
        return None

    def numbers_in(self, ranges: Sequence[tuple[int, int]], *, by_uid: bool) -> list[int]:
        """Sequence numbers within resolved ranges, ascending."""
        found: list[int] = []
        count = len(self.uids)
        for low, high in ranges:
            if by_uid:
                first = bisect_left(self.uids, low)
                last = bisect_left(self.uids, high + 1)
                found.extend(range(first + 1, last + 1))
            else:
                found.extend(range(max(1, low), min(high, count) + 1))
        return found


@dataclass(frozen=True, slots=True)
class Difference:
    """What a client is to be told: uids that went, that changed, and whether some are new."""

    expunged: list[int]
    changed: list[int]


@dataclass(slots=True)
class _Change:
    version: int
    changed: list[int]
    expunged: list[int]


@dataclass(slots=True)
class MailboxView:
    """One mailbox, as this process sees it."""

    account_id: AccountId
    mailbox_id: MailboxId
    uidvalidity: int
    snapshot: Snapshot
    is_gone: bool = False
    sessions: int = 0
    listeners: list[Callable[[str], None]] = field(default_factory=list)
    _log: deque[_Change] = field(default_factory=lambda: deque(maxlen=_LOG_MAX))
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def refresh(self, store: Store, trace_id: str = "") -> Snapshot:
        """Ask Postgres whether anything is newer, and take it over.

        Raises:
            MailboxGone: the mailbox is not what it was.
            StoreUnavailable: nobody can say now.
        """
        async with self._lock:
            try:
                pulse = await store.emails.pulse(self.account_id, self.mailbox_id)
            except NotFound:
                pulse = None
            if pulse is None or pulse.uidvalidity != self.uidvalidity:
                self.is_gone = True
                self._tell(trace_id)
                raise MailboxGone
            if pulse.highestmodseq > self.snapshot.modseq or pulse.uidnext != self.snapshot.uidnext:
                changed, expunged = await store.emails.changed_since(
                    self.account_id, self.mailbox_id, self.snapshot.modseq
                )
                if self._apply(changed, expunged, pulse.highestmodseq, pulse.uidnext):
                    self._tell(trace_id)
        return self.snapshot

    def _tell(self, trace_id: str) -> None:
        for listener in list(self.listeners):
            listener(trace_id)

    def _apply(self, changed: list[Place], expunged: list[int], modseq: int, uidnext: int) -> bool:
        """Make the next snapshot; whether it differs from this one."""
        old = self.snapshot
        fresh: list[Place] = []
        updates: dict[int, Place] = {}
        keywords = old.keywords
        for place in changed:
            index = bisect_left(old.uids, place.uid)
            if index < len(old.uids) and old.uids[index] == place.uid:
                if old.places[index].modseq != place.modseq:
                    updates[index] = place
            elif not old.uids or place.uid > old.uids[-1]:
                fresh.append(place)
            else:
                continue  # it went, and we knew
            if place.keywords and not keywords.issuperset(place.keywords):
                keywords = keywords.union(place.keywords)
        gone = {uid for uid in expunged if old.number_of(uid) is not None}
        if not fresh and not updates and not gone:
            self.snapshot = Snapshot(
                old.version, old.uids, old.places, modseq, uidnext, old.keywords
            )
            return False
        places = old.places.copy()
        for index, place in updates.items():
            places[index] = place
        if gone:
            places = [place for place in places if place.uid not in gone]
        dead = set(expunged)
        places += [place for place in fresh if place.uid not in dead]
        version = old.version + 1
        self.snapshot = Snapshot(
            version, [place.uid for place in places], places, modseq, uidnext, keywords
        )
        self._log.append(_Change(version, [p.uid for p in updates.values()], sorted(gone)))
        return True

    def apply_own(self, changed: Iterable[Place], expunged: Sequence[int], modseq: int) -> None:
        """Take over what a session of ours has just done; later reads find it known."""
        if modseq == self.snapshot.modseq + 1 and self._apply(
            list(changed), list(expunged), modseq, self.snapshot.uidnext
        ):
            self._tell("")  # the event that follows is no news to this view any more

    def difference(self, since: Snapshot) -> Difference:
        """What has happened since a snapshot that a client knows."""
        if since.version == self.snapshot.version:
            return Difference([], [])
        steps = self.snapshot.version - since.version
        if len(self._log) >= steps:
            changed: set[int] = set()
            expunged: set[int] = set()
            for change in list(self._log)[-steps:]:
                changed.update(change.changed)
                expunged.update(change.expunged)
            known = [uid for uid in changed - expunged if since.number_of(uid) is not None]
            gone = [uid for uid in expunged if since.number_of(uid) is not None]
            return Difference(sorted(gone), sorted(known))
        return self._compare(since)

    def _compare(self, since: Snapshot) -> Difference:
        now = dict(zip(self.snapshot.uids, self.snapshot.places, strict=True))
        gone = [uid for uid in since.uids if uid not in now]
        changed = [
            place.uid
            for place in since.places
            if (current := now.get(place.uid)) is not None and current.modseq != place.modseq
        ]
        return Difference(gone, changed)


class Views:
    """The views of a process."""

    def __init__(self, store: Store, bus: Bus) -> None:
        self._store = store
        self._bus = bus
        self._views: dict[tuple[int, int], MailboxView] = {}
        self._opening: dict[tuple[int, int], asyncio.Task[MailboxView]] = {}
        self._idle: OrderedDict[tuple[int, int], MailboxView] = OrderedDict()
        self._subscriptions: dict[int, tuple[Subscription, int]] = {}
        self._refreshing: set[asyncio.Task[None]] = set()
        bus.on_reconnect(self.refresh_all)

    async def open(self, account_id: AccountId, mailbox_id: MailboxId) -> MailboxView:
        """The view of a mailbox, up to date; close it when the session leaves the mailbox.

        Raises:
            MailboxGone, StoreUnavailable
        """
        key = (int(account_id), int(mailbox_id))
        view = self._views.get(key) or self._idle.get(key)
        if view is None:
            task = self._opening.get(key)
            if task is None:
                task = asyncio.create_task(self._load(account_id, mailbox_id))
                self._opening[key] = task
                task.add_done_callback(lambda _: self._opening.pop(key, None))
            view = await asyncio.shield(task)
        try:
            await view.refresh(self._store)
        except MailboxGone:
            self._idle.pop(key, None)
            if self._views.get(key) is view and not view.sessions:
                self._views.pop(key, None)
            view = await self._load(account_id, mailbox_id)
        self._idle.pop(key, None)
        current = self._views.setdefault(key, view)
        if current.is_gone:
            self._views[key] = current = view
        current.sessions += 1
        self._listen(account_id)
        return current

    async def _load(self, account_id: AccountId, mailbox_id: MailboxId) -> MailboxView:
        try:
            pulse = await self._store.emails.pulse(account_id, mailbox_id)
        except NotFound as error:
            raise MailboxGone from error
        places = await self._store.emails.places(account_id, mailbox_id)
        keywords = frozenset(word for place in places for word in place.keywords)
        snapshot = Snapshot(
            1, [place.uid for place in places], places, pulse.highestmodseq, pulse.uidnext,
            keywords,
        )  # fmt: skip
        return MailboxView(account_id, mailbox_id, pulse.uidvalidity, snapshot)

    def close(self, view: MailboxView) -> None:
        """A session leaves the mailbox."""
        view.sessions -= 1
        self._unlisten(view.account_id)
        if view.sessions:
            return
        key = (int(view.account_id), int(view.mailbox_id))
        if self._views.get(key) is view:
            del self._views[key]
        if not view.is_gone:
            self._idle[key] = view
            self._idle.move_to_end(key)
            while len(self._idle) > _IDLE_VIEWS:
                self._idle.popitem(last=False)

    def _listen(self, account_id: AccountId) -> None:
        subscription, count = self._subscriptions.get(account_id, (None, 0))
        if subscription is None:
            subscription = self._bus.subscribe_account(account_id, self._heard)
        self._subscriptions[account_id] = (subscription, count + 1)

    def _unlisten(self, account_id: AccountId) -> None:
        subscription, count = self._subscriptions[account_id]
        if count == 1:
            subscription.close()
            del self._subscriptions[account_id]
        else:
            self._subscriptions[account_id] = (subscription, count - 1)

    def _heard(self, event: Event) -> None:
        """A hint: look where someone is listening, unless we know it already."""
        if not isinstance(event, AccountChanged):
            return
        for view in list(self._views.values()):
            concerns = not event.mailbox_ids or view.mailbox_id in event.mailbox_ids
            is_news = view.snapshot.modseq < event.modseq and bool(view.listeners)
            if view.account_id == event.account_id and concerns and is_news:
                self._refresh(view, event.trace_id)

    def refresh_all(self) -> None:
        """Look at every mailbox that someone listens on: hints may have been missed."""
        for view in list(self._views.values()):
            if view.listeners:
                self._refresh(view, "")

    def _refresh(self, view: MailboxView, trace_id: str) -> None:
        task = asyncio.create_task(self._refresh_quietly(view, trace_id))
        self._refreshing.add(task)
        task.add_done_callback(self._refreshing.discard)

    async def _refresh_quietly(self, view: MailboxView, trace_id: str) -> None:
        try:
            await view.refresh(self._store, trace_id)
        except MailboxGone:
            return
        except Exception:  # the next command, or the next tick, finds out and says so
            return
