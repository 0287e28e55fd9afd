r"""The mailbox that a session has selected: its client's numbers (RFC 9051 §2.3.1.2). Pure.

The client's picture may lag: an expunge is told only when IMAP allows it (RFC 9051 §7.5.1). Until
then what went is a ghost that keeps its number.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from mailquay.store.emails import Place
from mailquay_imap.protocol.format import FLAG_NAMES, flags_text
from mailquay_imap.protocol.sequence import SequenceSet, compress
from mailquay_imap.snapshot import Snapshot
from mailquay_imap.views import MailboxView

if TYPE_CHECKING:
    from mailquay_imap.contexts import Context

__all__ = ["Selected"]


class Selected:
    """A session's side of a `MailboxView`."""

    __slots__ = (
        "_keywords_max", "_opened_uidnext", "_told_keywords", "_whole_modseq", "_withheld",
        "_withholds_new", "condstore", "contexts", "ghosts", "known", "own_uids", "qresync",
        "read_only", "recent_from", "saved", "uid_only", "view", "wanted",
    )  # fmt: skip

    def __init__(
        self, view: MailboxView, *, read_only: bool, recent_from: int, keywords_max: int
    ) -> None:
        self.view = view
        self.read_only = read_only
        self.condstore = False
        self.qresync = False
        self.uid_only = False
        self.recent_from = recent_from  # uids from here on are \Recent to this session
        self.known: Snapshot = view.snapshot  # what the client has been told of
        self.ghosts: set[int] = set()  # uids that are gone, and it has not been told so
        self.saved: list[int] = []  # uids of the last SEARCH RETURN (SAVE)
        self._whole_modseq = view.snapshot.modseq  # up to here there was no ghost
        self._opened_uidnext = view.snapshot.uidnext
        self._keywords_max = keywords_max
        #: The events that are told here (RFC 5465 §5); None for all.
        self.wanted: frozenset[str] | None = None
        self._withheld: set[int] = set()  # uids with new flags, of which nothing is wanted
        self._withholds_new = False
        self.own_uids: set[int] = set()  # of messages that the client has just put here itself
        self.contexts: list[Context] = []  # whose results the client is told the changes of
        self._told_keywords = view.snapshot.keywords

    def speak(self, enabled: Collection[str]) -> None:
        """Tell what the client has enabled (RFC 5161)."""
        self.condstore = "CONDSTORE" in enabled
        self.qresync = "QRESYNC" in enabled
        self.uid_only = "UIDONLY" in enabled

    def is_recent(self, uid: int) -> bool:
        r"""Whether a message is \Recent here."""
        return uid >= self.recent_from

    @property
    def has_told_recent(self) -> bool:
        r"""Whether the client was told of messages that came as \Recent since it is here."""
        first = max(self.recent_from, self._opened_uidnext)
        return bool(self.known.uids) and self.known.uids[-1] >= first

    @property
    def told_modseq(self) -> int:
        """Up to where the client has missed nothing: no expunge is withheld from it."""
        return self._whole_modseq if self.ghosts else self.known.modseq

    def recent_count(self) -> int:
        r"""How many are \Recent here."""
        return len(self.known.uids) - bisect_left(self.known.uids, self.recent_from)

    def numbers(self, targets: SequenceSet, *, by_uid: bool) -> list[int]:
        """Sequence numbers that a client's set means, ascending.

        A uid that is not there means nothing. A number that is not is left to `exceeds`.
        """
        known = self.known
        if targets.is_saved:
            # What was expunged is taken out of the result (RFC 9051 §6.4.4.1).
            there = [uid for uid in self.saved if uid not in self.ghosts]
            return [n for uid in there if (n := known.number_of(uid)) is not None]
        largest = (known.uids[-1] if known.uids else 0) if by_uid else len(known.uids)
        numbers = known.numbers_in(targets.resolve(largest), by_uid=by_uid)
        if by_uid and self.ghosts:
            return [number for number in numbers if known.uids[number - 1] not in self.ghosts]
        return numbers

    def exceeds(self, targets: SequenceSet) -> bool:
        """Whether a set of sequence numbers names one that the client cannot know.

        ``*`` is one of those while the mailbox is empty (RFC 9051 §9, seq-number).
        """
        if targets.is_saved:
            return False
        count = len(self.known.uids)
        return targets.resolve(count)[-1][1] > count or not count

    def uids(self, numbers: Collection[int]) -> list[int]:
        """The uids of sequence numbers."""
        return [self.known.uids[number - 1] for number in numbers]

    def numbers_of(self, uids: Iterable[int]) -> list[int]:
        """The sequence numbers of uids that are there, in their order."""
        return [number for number in map(self.known.number_of, uids) if number is not None]

    def places_of(self, uids: Iterable[int]) -> list[Place]:
        """What is known of messages that are there, in their order."""
        return [self.known.places[number - 1] for number in self.numbers_of(uids)]

    def updates(self, *, expunges: bool, is_rev2: bool, quiet: Collection[int] = ()) -> list[bytes]:
        """What the client is to be told now; its picture is then the view's.

        Args:
            expunges: whether EXPUNGE may be sent.
            is_rev2: RECENT is not sent.
            quiet: uids whose new flags the client knows, or is told otherwise.
        """
        current = self.view.snapshot
        tells_new, tells_flags = self._wants("MESSAGENEW"), self._wants("FLAGCHANGE")
        expunges = expunges and self._wants("MESSAGEEXPUNGE")
        withheld = (self._withheld and tells_flags) or (self._withholds_new and tells_new)
        is_same = current.version == self.known.version
        if is_same and not withheld and not (self.ghosts and expunges):
            return self._pending()
        difference = self.view.history.difference(self.known)
        gone = self.ghosts.union(difference.expunged)
        before = len(self.known.uids)
        out: list[bytes] = []
        if gone and expunges:
            out = self._expunged(gone)
            before -= len(gone)
            self.known, self.ghosts = current, set()
        elif gone:
            if not self.ghosts:
                self._whole_modseq = self.known.modseq
            self.ghosts = gone
            self.known = self._with_ghosts(current)
        else:
            self.known = current
        self._withholds_new |= len(self.known.uids) > before
        if self._withholds_new and tells_new:
            self._withholds_new = False
            out.append(b"* %d EXISTS\r\n" % len(self.known.uids))
            if not is_rev2:
                out.append(b"* %d RECENT\r\n" % self.recent_count())
        changed: Collection[int] = difference.changed
        if self._withheld or not tells_flags:
            self._withheld.update(uid for uid in difference.changed if uid not in quiet)
            changed = sorted(self._withheld) if tells_flags else ()
        if tells_flags:
            self._withheld.clear()
        if current.keywords is not self._told_keywords and tells_flags:
            out += self.flags_lines()
        for uid in changed:
            number = self.known.number_of(uid)
            if number is not None and uid not in quiet:
                out.append(self.flags_line(number, self.known.places[number - 1]))
        return out + self._pending()

    def _wants(self, event: str) -> bool:
        return self.wanted is None or event in self.wanted

    def _expunged(self, gone: Collection[int]) -> list[bytes]:
        """EXPUNGE of each, or VANISHED of all (RFC 7162 §3.2.10, RFC 9586 §3.2)."""
        if self.qresync or self.uid_only:
            return [b"* VANISHED %b\r\n" % compress(sorted(gone))]
        # From the last to the first: each number is then still right when it is said.
        uids = self.known.uids
        numbers = sorted((bisect_left(uids, uid) + 1 for uid in gone), reverse=True)
        return [b"* %d EXPUNGE\r\n" % number for number in numbers]

    def _pending(self) -> list[bytes]:
        """What a client that is to come back must not count as seen (RFC 7162 §3.2.9).

        It may be told of newer modseqs than that of an expunge which is withheld.
        """
        if not self.qresync or not self.ghosts:
            return []
        return [b"* OK [HIGHESTMODSEQ %d] Some expunges are to come\r\n" % self._whole_modseq]

    def _with_ghosts(self, current: Snapshot) -> Snapshot:
        """The current mailbox, with those that went still at their place."""
        kept = [place for place in self.known.places if place.uid in self.ghosts]
        merged = sorted([*current.places, *kept], key=lambda place: place.uid)
        return Snapshot(
            current.version, [place.uid for place in merged], merged, current.modseq,
            current.uidnext, current.keywords,
        )  # fmt: skip

    def flags_lines(self) -> list[bytes]:
        r"""FLAGS and PERMANENTFLAGS, with the keywords that messages here have (RFC 9051 §7.3.5).

        ``\*`` goes when no more keywords can be made (§7.1, PERMANENTFLAGS).
        """
        keywords = self._told_keywords = self.view.snapshot.keywords
        words = {word.lower(): word for word in sorted(keywords)}
        names = FLAG_NAMES + b"".join(b" " + word.encode() for word in words.values())
        if self.read_only:
            permanent = b""
        elif len(words) < self._keywords_max:
            permanent = names + b" \\*"
        else:
            permanent = names
        return [
            b"* FLAGS (%b)\r\n" % names,
            b"* OK [PERMANENTFLAGS (%b)] These are kept\r\n" % permanent,
        ]

    def has_room_for(self, keywords: Collection[str]) -> bool:
        """Whether messages here may have these keywords too."""
        words = {word.lower() for word in self.view.snapshot.keywords}
        fresh = {word.lower() for word in keywords} - words
        return not fresh or len(words) + len(fresh) <= self._keywords_max

    def flags_line(self, number: int, place: Place) -> bytes:
        """An untagged FETCH with a message's flags, its MODSEQ where the client wants those.

        The uid goes with it, as IMAP4rev2 asks for (RFC 9051 §7.5.2) and no rev1 client minds.
        """
        flags = flags_text(place.flags, place.keywords, recent=self.is_recent(place.uid))
        if self.condstore:
            return self._fetch_line(number, place, b"FLAGS %b MODSEQ (%d)" % (flags, place.modseq))
        return self._fetch_line(number, place, b"FLAGS %b" % flags)

    def modseq_line(self, number: int, place: Place) -> bytes:
        """An untagged FETCH with a message's new modseq alone (RFC 7162 §3.1.3)."""
        return self._fetch_line(number, place, b"MODSEQ (%d)" % place.modseq)

    def _fetch_line(self, number: int, place: Place, items: bytes) -> bytes:
        if self.uid_only:
            return b"* %d UIDFETCH (%b)\r\n" % (place.uid, items)
        return b"* %d FETCH (UID %d %b)\r\n" % (number, place.uid, items)
