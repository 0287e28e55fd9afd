"""What a process knows of mailboxes, shared by its sessions (RFC 9051 §5.2).

A view brings itself up to date by asking Postgres for what is newer than it has seen, and is never
served without that question; events only tell it when to ask.
"""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from mailquay.events import AccountChanged, Bus, Event, Subscription
from mailquay.runtime import metrics
from mailquay.store import Forgotten, NotFound, Store, StoreUnavailable
from mailquay.store.emails import MailboxPulse, Place
from mailquay.store.types import AccountId, Flag, MailboxId
from mailquay_imap.snapshot import History, Snapshot

__all__ = ["MailboxGone", "MailboxView", "Views"]

#: Views kept after their last session has gone, for the next SELECT, and messages in all of them.
_IDLE_VIEWS: Final = 64
_IDLE_PLACES: Final = 300_000
_OPEN: Final = metrics.IMAP_VIEWS.labels("open")
_KEPT: Final = metrics.IMAP_VIEWS.labels("kept")


class MailboxGone(Exception):
    """The mailbox was deleted, or made anew under its name."""


@dataclass(slots=True)
class MailboxView:
    """One mailbox, as this process sees it."""

    account_id: AccountId
    mailbox_id: MailboxId
    uidvalidity: int
    history: History
    is_gone: bool = False
    sessions: int = 0
    #: Told when the snapshot is another one, with the traces of what it came from.
    listeners: list[Callable[[list[str]], None]] = field(default_factory=list)
    #: Traces of the events that have not been looked at yet.
    hints: list[str] = field(default_factory=list)
    kept_places: int = 0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _first_unseen: tuple[int, int] = (0, 0)  # the snapshot's version, and the number

    @property
    def snapshot(self) -> Snapshot:
        """The latest that is known."""
        return self.history.latest

    @property
    def first_unseen(self) -> int:
        r"""The number of the first message without \Seen (RFC 3501 §7.1); 0 when there is none.

        A mailbox that is read is looked through for it once, not at each SELECT.
        """
        snapshot = self.snapshot
        if self._first_unseen[0] != snapshot.version:
            unseen = (n for n, p in enumerate(snapshot.places, 1) if not p.flags & Flag.SEEN)
            self._first_unseen = (snapshot.version, next(unseen, 0))
        return self._first_unseen[1]

    async def refresh(self, store: Store, pulse: MailboxPulse | None = None) -> None:
        """Ask Postgres whether anything is newer, and take it over.

        Args:
            store: where to ask.
            pulse: the answer, of someone who has asked just now.

        Raises:
            MailboxGone: the mailbox is not what it was.
            StoreUnavailable: nobody can say now.
        """
        async with self._lock:
            traces, self.hints = self.hints, []
            if pulse is None:
                with contextlib.suppress(NotFound):
                    pulse = await store.emails.pulse(self.account_id, self.mailbox_id)
            if pulse is None or pulse.uidvalidity != self.uidvalidity:
                self.is_gone = True
                self._tell(traces)
                raise MailboxGone
            known = self.snapshot
            if pulse.highestmodseq > known.modseq or pulse.uidnext != known.uidnext:
                changed, expunged = await self._newer(store, known)
                if self.history.apply(
                    changed, expunged, modseq=pulse.highestmodseq, uidnext=pulse.uidnext
                ):
                    self._tell(traces)

    async def _newer(self, store: Store, known: Snapshot) -> tuple[list[Place], list[int]]:
        """Places that are new or changed, and uids that went, since what is known."""
        account_id, mailbox_id = self.account_id, self.mailbox_id
        try:
            return await store.emails.changed_since(account_id, mailbox_id, known.modseq)
        except Forgotten:
            # A view that nobody has asked for in all that time: what is not there now went.
            places = await store.emails.places(account_id, mailbox_id)
            there = {place.uid for place in places}
            return places, [uid for uid in known.uids if uid not in there]

    def _tell(self, traces: list[str]) -> None:
        for listener in list(self.listeners):
            listener(traces)

    async def apply_own(
        self, changed: Iterable[Place], expunged: Iterable[int], modseq: int
    ) -> None:
        """Take over what a session of ours has just done; later reads find it known.

        Where others have changed something meanwhile, the next `refresh` brings both.
        """
        async with self._lock:  # never in between a question to Postgres and its answer
            known = self.snapshot
            if modseq == known.modseq + 1 and self.history.apply(
                changed, expunged, modseq=modseq, uidnext=known.uidnext
            ):
                self._tell([])  # the event that follows is no news to this view any more


class Views:
    """The views of a process."""

    def __init__(self, store: Store, bus: Bus) -> None:
        self._store = store
        self._bus = bus
        self._views: dict[AccountId, dict[MailboxId, MailboxView]] = {}
        self._opening: dict[tuple[AccountId, MailboxId], asyncio.Task[MailboxView]] = {}
        self._idle: OrderedDict[tuple[AccountId, MailboxId], MailboxView] = OrderedDict()
        self._idle_places = 0
        self._subscriptions: dict[AccountId, Subscription] = {}
        self._refreshing: set[asyncio.Task[None]] = set()
        bus.on_reconnect(self.refresh_all)

    async def open(
        self, account_id: AccountId, mailbox_id: MailboxId, pulse: MailboxPulse | None = None
    ) -> MailboxView:
        """The view of a mailbox, up to date; close it when the session leaves the mailbox.

        Args:
            account_id: whose.
            mailbox_id: which.
            pulse: what the mailbox was just now, where someone has looked.

        Raises:
            MailboxGone, StoreUnavailable
        """
        key = (account_id, mailbox_id)
        view = self._views.get(account_id, {}).get(mailbox_id) or self._idle.get(key)
        try:
            if view is None or view.is_gone:
                view = await self._load_once(account_id, mailbox_id)
            await view.refresh(self._store, pulse)
        except MailboxGone:
            # Deleted, and perhaps made anew since: what is there now, or nothing.
            view = await self._load_once(account_id, mailbox_id)
        self._forget_idle(key)
        views = self._views.setdefault(account_id, {})
        current = views.get(mailbox_id)
        if current is None or current.is_gone:
            if current is None:
                _OPEN.inc()
            views[mailbox_id] = current = view
        current.sessions += 1
        return current

    def listen(self, view: MailboxView, listener: Callable[[list[str]], None]) -> None:
        """Tell a listener of a view's news, until it is taken out of `MailboxView.listeners`.

        Events are subscribed to from the first listener on, as nobody else makes use of them, and
        until the account's last view is closed: who idles once does so again.
        """
        view.listeners.append(listener)
        account_id = view.account_id
        if account_id not in self._subscriptions:
            self._subscriptions[account_id] = self._bus.subscribe_account(account_id, self._heard)

    async def _load_once(self, account_id: AccountId, mailbox_id: MailboxId) -> MailboxView:
        """Read a mailbox; those who want the same one meanwhile get the same view."""
        key = (account_id, mailbox_id)
        task = self._opening.get(key)
        if task is None:
            task = asyncio.create_task(self._load(account_id, mailbox_id))
            self._opening[key] = task
            task.add_done_callback(lambda _: self._opening.pop(key, None))
        return await asyncio.shield(task)

    async def _load(self, account_id: AccountId, mailbox_id: MailboxId) -> MailboxView:
        try:
            pulse = await self._store.emails.pulse(account_id, mailbox_id)
        except NotFound as error:
            raise MailboxGone from error
        places = await self._store.emails.places(account_id, mailbox_id)
        history = History(places, modseq=pulse.highestmodseq, uidnext=pulse.uidnext)
        return MailboxView(account_id, mailbox_id, pulse.uidvalidity, history)

    def close(self, view: MailboxView) -> None:
        """A session leaves the mailbox."""
        view.sessions -= 1
        if view.sessions:
            return
        views = self._views.get(view.account_id, {})
        if views.get(view.mailbox_id) is view:
            del views[view.mailbox_id]
            _OPEN.dec()
        if not views:
            self._views.pop(view.account_id, None)
            if subscription := self._subscriptions.pop(view.account_id, None):
                subscription.close()
        if not view.is_gone:
            self._keep_idle(view)

    def _keep_idle(self, view: MailboxView) -> None:
        self._idle[view.account_id, view.mailbox_id] = view
        view.kept_places = len(view.snapshot.places)
        self._idle_places += view.kept_places
        while len(self._idle) > _IDLE_VIEWS or self._idle_places > _IDLE_PLACES:
            self._forget_idle(next(iter(self._idle)))
        _KEPT.set(len(self._idle))

    def _forget_idle(self, key: tuple[AccountId, MailboxId]) -> None:
        view = self._idle.pop(key, None)
        if view is not None:
            self._idle_places -= view.kept_places
            view.kept_places = 0
            _KEPT.set(len(self._idle))

    def _heard(self, event: Event) -> None:
        """A hint: look where someone is listening, unless we know it already."""
        if not isinstance(event, AccountChanged):
            return
        for view in self._views.get(AccountId(event.account_id), {}).values():
            concerns = not event.mailbox_ids or view.mailbox_id in event.mailbox_ids
            if concerns and view.snapshot.modseq < event.modseq:
                self._look(view, event.trace_id)

    def refresh_all(self) -> None:
        """Look at every mailbox that someone listens on: hints may have been missed."""
        for views in self._views.values():
            for view in views.values():
                self._look(view, "")

    def _look(self, view: MailboxView, trace_id: str) -> None:
        """Ask soon; hints that come before the question is asked are answered by it too."""
        if not view.listeners:
            return
        view.hints.append(trace_id)
        if len(view.hints) == 1:
            task = asyncio.create_task(self._refresh_quietly(view))
            self._refreshing.add(task)
            task.add_done_callback(self._refreshing.discard)

    async def _refresh_quietly(self, view: MailboxView) -> None:
        # What fails now is tried again by the listener's next tick, which says so too.
        with contextlib.suppress(MailboxGone, StoreUnavailable):
            await view.refresh(self._store)
