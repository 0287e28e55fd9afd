"""Tells a client of events between its commands, as it has asked for (RFC 5465).

Postgres is asked for what is so now, and the difference to what the client knows is told; events
only say when to ask, and a slow tick does where there are none.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from mailquay.events import Event, Subscription
from mailquay.store import StoreUnavailable
from mailquay.store.names import DELIMITER, canonical_name
from mailquay.store.types import AccountId, Mailbox, MailboxId
from mailquay_imap.changed_names import changed_names
from mailquay_imap.everything import tell_everything
from mailquay_imap.handlers.fetch import Fetcher
from mailquay_imap.handlers.naming import attributes, list_line
from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.format import mailbox_name
from mailquay_imap.protocol.notify import EventGroup
from mailquay_imap.protocol.sequence import SequenceSet
from mailquay_imap.states import ConnectionEnd
from mailquay_imap.views import MailboxGone

if TYPE_CHECKING:
    from mailquay_imap.selected import Selected
    from mailquay_imap.session import Session

__all__ = ["Notifier", "TooManyMailboxes"]

_IMMEDIATE: Final = "SELECTED"
_DELAYED: Final = "SELECTED-DELAYED"


class TooManyMailboxes(Exception):
    """More than are kept in mind for one client."""


class Notifier:
    """What one session has asked for, and what it was told last."""

    __slots__ = (
        "_events", "_fetched", "_groups", "_items", "_kind", "_mailboxes", "_own_names",
        "_own_uids", "_session", "_subscribed", "_subscriptions", "is_idling", "wake",
    )  # fmt: skip

    def __init__(self, session: "Session", groups: Iterable[EventGroup]) -> None:
        self._session = session
        self._groups = [
            (g.source.kind, frozenset(map(canonical_name, g.source.names)), g.events)
            for g in groups
            if g.source.kind not in (_IMMEDIATE, _DELAYED)
        ]
        own = next((g for g in groups if g.source.kind in (_IMMEDIATE, _DELAYED)), None)
        self._kind = _IMMEDIATE if own is None else own.source.kind
        self._events = frozenset[str]() if own is None else own.events
        self._items = () if own is None else own.items
        self._fetched = 0  # uids of the selected mailbox below it are old
        self._mailboxes: dict[MailboxId, Mailbox] = {}
        self._subscribed: set[str] = set()
        self._own_names: set[str] = set()
        self._own_uids: set[int] = set()
        self._subscriptions: dict[AccountId | None, Subscription] = {}
        self.wake = asyncio.Event()
        self.is_idling = False  # EXPUNGE may be told though it is to be delayed

    async def begin(self) -> None:
        """Listen, and learn where the client begins.

        Raises:
            TooManyMailboxes, StoreUnavailable
        """
        bus, account_id = self._session.server.bus, self._session.owner.id
        self._listen(account_id)
        self._subscriptions[None] = bus.on_reconnect(self.wake.set)
        await bus.wait_listening(account_id)
        if self._groups:
            self._mailboxes, self._subscribed = await self._read()

    def enter(self, selected: "Selected") -> None:
        """The client has this mailbox selected now."""
        selected.wanted = self._events
        self._fetched = selected.known.uidnext
        self._own_uids.clear()
        self._listen(selected.view.account_id)

    def close(self) -> None:
        """Tell no more."""
        for subscription in self._subscriptions.values():
            subscription.close()
        self._subscriptions.clear()
        if self._session.selected is not None:
            self._session.selected.wanted = None

    def made(self, mailbox_id: MailboxId, uids: Iterable[int]) -> None:
        """The client has put these there itself, and is not told what they are (§5.2)."""
        selected = self._session.selected
        if self._items and selected is not None and selected.view.mailbox_id == mailbox_id:
            self._own_uids.update(uids)

    def named(self, *names: str) -> None:
        """The client has changed these names itself, and those above them (§5)."""
        for name in map(canonical_name, names if self._groups else ()):
            self._own_names.update(_levels(name.removesuffix(DELIMITER)))
        self.wake.set()

    def _listen(self, account_id: AccountId) -> None:
        if account_id not in self._subscriptions:
            self._subscriptions[account_id] = self._session.server.bus.subscribe_account(
                account_id, self._heard
            )

    def _heard(self, _event: Event) -> None:
        self.wake.set()

    async def read(self) -> bytes:
        """What the client sends next; until then it is told what happens.

        Raises:
            ConnectionEnd: the selected mailbox is gone.
        """
        session = self._session
        reading = asyncio.ensure_future(session.stream.read())
        waking = asyncio.ensure_future(self.wake.wait())
        try:
            if not session.data.is_appending:
                await self._tell_selected()
                await session.flush()
            while not reading.done():
                await asyncio.wait(
                    (reading, waking),
                    timeout=session.server.settings.imap.poll_seconds,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if reading.done() or session.data.is_appending:
                    await reading
                    break
                if waking.done():
                    self.wake.clear()
                    waking = asyncio.ensure_future(self.wake.wait())
                else:
                    await session.require_unchanged()
                with suppress(StoreUnavailable):  # the next look may succeed
                    await self.tell()
                await session.flush()
                if session.notifier is not self:  # it had become too much
                    await reading
            return reading.result()
        finally:
            for task in (reading, waking):
                task.cancel()
            await asyncio.gather(reading, waking, return_exceptions=True)

    async def tell(self) -> None:
        """Look, and tell what is new.

        Raises:
            ConnectionEnd, StoreUnavailable
        """
        session = self._session
        try:
            await self._tell_others()
        except TooManyMailboxes:
            session.write(b"* OK [NOTIFICATIONOVERFLOW] There are too many mailboxes\r\n")
            session.stop_notifying()
            return
        try:
            await session.look()
        except MailboxGone:
            session.write(b"* BYE The selected mailbox was deleted\r\n")
            raise ConnectionEnd from None
        await self._tell_selected()

    async def _tell_selected(self) -> None:
        """What is known to be new in the selected mailbox."""
        session, selected = self._session, self._session.selected
        if selected is None:
            return
        await tell_everything(session, expunges=self._kind == _IMMEDIATE or self.is_idling)
        if self._items and selected.known.uidnext > self._fetched:
            known = selected.known
            uids = known.uids[bisect_left(known.uids, self._fetched) :]
            told = self._own_uids | selected.ghosts
            numbers = selected.numbers_of(uid for uid in uids if uid not in told)
            self._fetched = known.uidnext
            self._own_uids.clear()
            command = c.Fetch(SequenceSet(()), self._items, None, by_uid=True)
            with suppress(StoreUnavailable):
                fetcher = Fetcher(session, selected, command)
                await fetcher.mark_seen(numbers)
                await fetcher.fetch(numbers)

    async def _read(self) -> tuple[dict[MailboxId, Mailbox], set[str]]:
        store, account_id = self._session.server.store.mailboxes, self._session.owner.id
        mailboxes = await store.list_mailboxes(account_id)
        if len(mailboxes) > self._session.server.settings.imap.max_notified_mailboxes:
            raise TooManyMailboxes
        return {m.id: m for m in mailboxes}, await store.subscriptions(account_id)

    async def _tell_others(self) -> None:
        """Names, subscriptions, and the counters of mailboxes that are not selected."""
        if not self._groups:
            return
        old, was_subscribed = self._mailboxes, self._subscribed
        own, self._own_names = self._own_names, set()
        try:
            self._mailboxes, self._subscribed = await self._read()
        except StoreUnavailable:
            self._own_names |= own
            raise
        names = changed_names(old.values(), self._mailboxes.values())
        told: dict[str, str] = {}
        for name, old_name in names.items():
            wanted = self._wanted(name) | (self._wanted(old_name) if old_name else frozenset())
            if "MAILBOXNAME" in wanted:
                told[name] = old_name
        for name in sorted(was_subscribed ^ self._subscribed):
            if "SUBSCRIPTIONCHANGE" in self._wanted(name, name in was_subscribed):
                told.setdefault(name, "")
        present = {m.name: m for m in self._mailboxes.values()}
        for name, old_name in told.items():
            if name not in own:
                await self._session.write_large(self._list_line(present, name, old_name))
        for mailbox in self._mailboxes.values():
            if mailbox.is_selectable and not self._is_selected(mailbox):
                await self._tell_counters(old.get(mailbox.id), mailbox)

    def _wanted(self, name: str, is_subscribed: bool = False) -> frozenset[str]:
        """The events that are wanted of a mailbox of that name."""
        found: set[str] = set()
        for kind, names, events in self._groups:
            match kind:
                case "PERSONAL":
                    matches = True
                case "INBOXES":
                    matches = name == "INBOX"
                case "SUBSCRIBED":
                    matches = is_subscribed or name in self._subscribed
                case "SUBTREE":
                    matches = not names.isdisjoint(_levels(name))
                case _:
                    matches = name in names
            if matches:
                found |= events
        return frozenset(found)

    def _list_line(self, present: dict[str, Mailbox], name: str, old_name: str) -> bytes:
        flags = attributes(
            present.get(name),
            has_children=any(other.startswith(name + DELIMITER) for other in present),
            is_subscribed=name in self._subscribed,
        )
        return list_line(self._session, name, flags, old_name=old_name)

    def _is_selected(self, mailbox: Mailbox) -> bool:
        selected = self._session.selected
        key = (mailbox.account_id, mailbox.id)
        return selected is not None and (selected.view.account_id, selected.view.mailbox_id) == key

    async def _tell_counters(self, old: Mailbox | None, new: Mailbox) -> None:
        was = (0, 0, 1, 0) if old is None else _counters(old)
        now = _counters(new)
        if was == now and (old is None or old.uidvalidity == new.uidvalidity):
            return
        events = self._wanted(new.name)
        items: dict[str, int] = {}
        if "MESSAGENEW" in events and (was[1:3] != now[1:3]):
            items = {"UIDNEXT": new.uidnext, "MESSAGES": new.messages}
            if "CONDSTORE" in self._session.enabled:
                items["HIGHESTMODSEQ"] = new.highestmodseq
        if "FLAGCHANGE" in events and old is not None:
            if old.uidvalidity != new.uidvalidity:
                items["UIDVALIDITY"] = new.uidvalidity
            if was[3] != now[3]:
                items["UNSEEN"] = new.unseen
            if "CONDSTORE" in self._session.enabled and was[0] != now[0]:
                items |= {"HIGHESTMODSEQ": new.highestmodseq, "UIDVALIDITY": new.uidvalidity}
        if items:
            await self._session.write_large(self._status_line(new, items))

    def _status_line(self, mailbox: Mailbox, items: dict[str, int]) -> bytes:
        name = mailbox_name(mailbox.name, is_utf8=self._session.is_utf8)
        text = " ".join(f"{item} {value}" for item, value in items.items())
        return b"* STATUS %b (%b)\r\n" % (name, text.encode())

    async def tell_status(self) -> None:
        """STATUS of all mailboxes whose messages are watched (§3.1); it turns nothing on."""
        for mailbox in self._mailboxes.values():
            events = self._wanted(mailbox.name)
            if "MESSAGENEW" not in events or not mailbox.is_selectable:
                continue
            if self._is_selected(mailbox):
                continue
            items = {
                "MESSAGES": mailbox.messages,
                "UIDNEXT": mailbox.uidnext,
                "UIDVALIDITY": mailbox.uidvalidity,
            }
            if "FLAGCHANGE" in events:
                items["HIGHESTMODSEQ"] = mailbox.highestmodseq
            await self._session.write_large(self._status_line(mailbox, items))


def _counters(mailbox: Mailbox) -> tuple[int, int, int, int]:
    return mailbox.highestmodseq, mailbox.messages, mailbox.uidnext, mailbox.unseen


def _levels(name: str) -> list[str]:
    """A name, and those of the levels above it."""
    levels = name.split(DELIMITER)
    return [DELIMITER.join(levels[: depth + 1]) for depth in range(len(levels))]
