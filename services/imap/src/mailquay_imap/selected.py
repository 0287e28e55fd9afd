r"""The mailbox that a session has selected: its client's sequence numbers (RFC 9051 §2.3.1.2).

The client's picture may lag: an expunge is told only when IMAP allows it (RFC 9051 §7.5.1). Until
then what went is a ghost that keeps its number.
"""

from mailquay.store import Store
from mailquay.store.emails import Place
from mailquay_imap.protocol.format import flags_text
from mailquay_imap.protocol.sequence import SequenceSet
from mailquay_imap.views import MailboxView, Snapshot

__all__ = ["Selected"]


class Selected:
    """A session's side of a `MailboxView`."""

    __slots__ = (
        "_ghosts", "_store", "condstore", "known", "name", "read_only", "recent_from", "saved",
        "view",
    )  # fmt: skip

    def __init__(
        self, store: Store, view: MailboxView, name: str, *, read_only: bool, recent_from: int
    ) -> None:
        self._store = store
        self.view = view
        self.name = name
        self.read_only = read_only
        self.condstore = False
        self.recent_from = recent_from  # uids from here on are \Recent to this session
        self.known: Snapshot = view.snapshot
        self.saved: list[int] = []  # uids of the last SEARCH RETURN (SAVE)
        self._ghosts: set[int] = set()

    @property
    def ghosts(self) -> set[int]:
        """Uids that are gone and were not told yet."""
        return self._ghosts

    def is_recent(self, uid: int) -> bool:
        r"""Whether a message is \Recent here."""
        return uid >= self.recent_from

    def recent_count(self) -> int:
        r"""How many are \Recent here."""
        return sum(1 for uid in reversed(self.known.uids) if uid >= self.recent_from)

    def numbers(self, targets: SequenceSet, *, by_uid: bool) -> list[int]:
        """Sequence numbers that a client's set means; what is not there is left out.

        Numbers beyond the mailbox are left to the caller, who knows whether they are an error.
        """
        known = self.known
        if targets.is_saved:
            return [n for uid in self.saved if (n := known.number_of(uid)) is not None]
        largest = (known.uids[-1] if known.uids else 0) if by_uid else len(known.uids)
        return known.numbers_in(targets.resolve(largest), by_uid=by_uid)

    def exceeds(self, targets: SequenceSet) -> bool:
        """Whether a set of sequence numbers names one that the client cannot know."""
        count = len(self.known.uids)
        resolved = targets.resolve(count)
        return bool(resolved) and (resolved[-1][1] > count or (not count))

    async def refresh(self) -> None:
        """Bring the view up to date; the client's picture stays until `updates`.

        Raises:
            MailboxGone, StoreUnavailable
        """
        await self.view.refresh(self._store)

    def updates(
        self, *, expunges: bool, is_rev2: bool, quiet: set[int] | None = None
    ) -> list[bytes]:
        """What the client is to be told now; its picture is then the view's.

        Args:
            expunges: whether EXPUNGE may be sent.
            is_rev2: RECENT is not sent.
            quiet: uids whose flags the client has set itself, silently.
        """
        current = self.view.snapshot
        if current is self.known or (current.version == self.known.version and not self._ghosts):
            return []
        difference = self.view.difference(self.known)
        gone = set(difference.expunged) | self._ghosts
        before = len(self.known.uids)
        out: list[bytes] = []
        if gone and expunges:
            # From the last to the first: each number is then still right when it is said.
            uids = self.known.uids
            out = [
                b"* %d EXPUNGE\r\n" % number
                for number in range(before, 0, -1)
                if uids[number - 1] in gone
            ]
            before -= len(out)
            self.known, self._ghosts = current, set()
        elif gone:
            self._ghosts = {uid for uid in gone if self.known.number_of(uid) is not None}
            self.known = self._with_ghosts(current)
        else:
            self.known = current
        if len(self.known.uids) > before:
            out.append(b"* %d EXISTS\r\n" % len(self.known.uids))
            if not is_rev2:
                out.append(b"* %d RECENT\r\n" % self.recent_count())
        out += self._flag_updates(difference.changed, quiet or set())
        return out

    def _with_ghosts(self, current: Snapshot) -> Snapshot:
        """The current mailbox, with those that went still at their place."""
        kept = {place.uid: place for place in self.known.places if place.uid in self._ghosts}
        merged = sorted([*current.places, *kept.values()], key=lambda place: place.uid)
        return Snapshot(
            current.version, [place.uid for place in merged], merged, current.modseq,
            current.uidnext, current.keywords,
        )  # fmt: skip

    def _flag_updates(self, uids: list[int], quiet: set[int]) -> list[bytes]:
        out = []
        for uid in uids:
            number = self.known.number_of(uid)
            if number is not None and uid not in quiet and uid not in self._ghosts:
                out.append(self.flags_line(number, self.known.places[number - 1]))
        return out

    def flags_line(self, number: int, place: Place, *, with_uid: bool = False) -> bytes:
        """An untagged FETCH with a message's flags, its MODSEQ where the client wants those."""
        items = []
        if with_uid or self.condstore:
            items.append(b"UID %d" % place.uid)
        flags = flags_text(place.flags, place.keywords, recent=self.is_recent(place.uid))
        items.append(b"FLAGS " + flags)
        if self.condstore:
            items.append(b"MODSEQ (%d)" % place.modseq)
        return b"* %d FETCH (%s)\r\n" % (number, b" ".join(items))
