"""A mailbox at one moment, and how it came there from an earlier one (RFC 9051 §2.3.1). Pure.

A `Snapshot` never changes. A `History` makes the next one of what is newer, and tells the
difference between the latest and one that a client still knows.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from mailquay.store.emails import Place

__all__ = ["Difference", "History", "Snapshot"]

#: Changes that are remembered, so that a session need not compare whole mailboxes.
_LOG_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Uids ascending, and what is known of each; all are below ``uidnext``."""

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
    """Uids of an older snapshot that went, and that changed since."""

    expunged: list[int]
    changed: list[int]


@dataclass(frozen=True, slots=True)
class _Change:
    changed: list[int]
    expunged: list[int]


class History:
    """The latest snapshot of a mailbox, and the last steps towards it."""

    __slots__ = ("_log", "latest")

    def __init__(self, places: list[Place], *, modseq: int, uidnext: int) -> None:
        """Begin with everything that is there.

        Args:
            places: by uid.
            modseq: everything up to this one is among them; what is newer may be.
            uidnext: likewise.
        """
        uids = [place.uid for place in places]
        keywords = frozenset(word for place in places for word in place.keywords)
        if uids:
            uidnext = max(uidnext, uids[-1] + 1)
        self.latest = Snapshot(1, uids, places, modseq, uidnext, keywords)
        self._log: deque[_Change] = deque(maxlen=_LOG_MAX)

    def apply(
        self, changed: Iterable[Place], expunged: Iterable[int], *, modseq: int, uidnext: int
    ) -> bool:
        """Make the next snapshot of what is newer; whether it differs from the last.

        What is known already may come again.
        """
        old = self.latest
        fresh: list[Place] = []
        updates: dict[int, Place] = {}
        keywords = old.keywords
        for place in changed:
            index = bisect_left(old.uids, place.uid)
            if index < len(old.uids) and old.uids[index] == place.uid:
                if old.places[index].modseq < place.modseq:
                    updates[index] = place
            elif place.uid >= old.uidnext:
                fresh.append(place)
            else:
                continue  # it went, and we knew
            if place.keywords and not keywords.issuperset(place.keywords):
                keywords = keywords.union(place.keywords)
        dead = set(expunged)
        gone = {uid for uid in dead if old.number_of(uid) is not None}
        uidnext = max(old.uidnext, uidnext, *(place.uid + 1 for place in fresh))
        modseq = max(old.modseq, modseq)
        fresh = [place for place in fresh if place.uid not in dead]
        if not fresh and not updates and not gone:
            self.latest = Snapshot(old.version, old.uids, old.places, modseq, uidnext, old.keywords)
            return False
        places = old.places.copy()
        for index, place in updates.items():
            places[index] = place
        if gone:
            places = [place for place in places if place.uid not in gone]
        places += fresh
        uids = [place.uid for place in places] if gone or fresh else old.uids
        self.latest = Snapshot(old.version + 1, uids, places, modseq, uidnext, keywords)
        self._log.append(_Change([p.uid for p in updates.values()], sorted(gone)))
        return True

    def difference(self, since: Snapshot) -> Difference:
        """What a client that knows ``since`` has not been told of; new uids are left out."""
        steps = self.latest.version - since.version
        if steps == 0:
            return Difference([], [])
        if len(self._log) < steps:
            return self._compare(since)
        changed: set[int] = set()
        expunged: set[int] = set()
        for number in range(len(self._log) - steps, len(self._log)):
            changed.update(self._log[number].changed)
            expunged.update(self._log[number].expunged)
        return Difference(
            sorted(uid for uid in expunged if since.number_of(uid) is not None),
            sorted(uid for uid in changed - expunged if since.number_of(uid) is not None),
        )

    def _compare(self, since: Snapshot) -> Difference:
        now = dict(zip(self.latest.uids, self.latest.places, strict=True))
        gone = [uid for uid in since.uids if uid not in now]
        changed = [
            place.uid
            for place in since.places
            if (current := now.get(place.uid)) is not None and current.modseq != place.modseq
        ]
        return Difference(gone, changed)
