"""What a client that comes back is to forget (RFC 7162 §3.2.5, §3.2.6). Pure.

It may be told of uids that it never knew, and never of too few.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from mailquay_imap.protocol.resync import Resync
from mailquay_imap.snapshot import Snapshot

__all__ = ["Range", "expunged_within", "known_ranges", "last_match", "missing_within"]

#: A closed range of uids.
Range = tuple[int, int]


def known_ranges(snapshot: Snapshot, resync: Resync) -> list[Range]:
    """Where a client may know uids; without a word of it, wherever there have been some."""
    if resync.known_uids is None:
        return [(1, snapshot.uidnext - 1)]
    return resync.known_uids.resolve(0)


def expunged_within(
    snapshot: Snapshot, ranges: Sequence[Range], expunged: Sequence[int]
) -> list[int]:
    """Those of the uids that went, ascending, which lie in the ranges.

    What the snapshot still has is told as news, as it has a number yet.
    """
    found: list[int] = []
    for low, high in ranges:
        within = expunged[bisect_left(expunged, low) : bisect_right(expunged, high)]
        found += [uid for uid in within if snapshot.number_of(uid) is None]
    return found


def missing_within(snapshot: Snapshot, ranges: Sequence[Range], *, above: int = 0) -> list[Range]:
    """All uids in the ranges that are not there, where nobody knows any more which of them went.

    Up to the uid ``above`` the client knows what is there.
    """
    missing: list[Range] = []
    for low, high in ranges:
        first, last = max(low, above + 1), min(high, snapshot.uidnext - 1)
        start, end = bisect_left(snapshot.uids, first), bisect_right(snapshot.uids, last)
        for uid in snapshot.uids[start:end]:
            if first < uid:
                missing.append((first, uid - 1))
            first = uid + 1
        if first <= last:
            missing.append((first, last))
    return missing


def last_match(snapshot: Snapshot, resync: Resync) -> int:
    """The largest uid that has the number which the client knows; 0 for none.

    As many messages are before it as there were, so none of them went (RFC 7162 §3.2.5.2).
    """
    if resync.matches is None:
        return 0
    numbers, uids = (known.resolve(0) for known in resync.matches)
    for number, uid, count in reversed(_pairs(numbers, uids)):
        for step in range(min(count, len(snapshot.uids) - number + 1) - 1, -1, -1):
            if snapshot.uids[number + step - 1] == uid + step:
                return uid + step
    return 0


def _pairs(numbers: Sequence[Range], uids: Sequence[Range]) -> list[tuple[int, int, int]]:
    """Numbers with their uids, as runs of both: the first of each, and how many."""
    pairs: list[tuple[int, int, int]] = []
    left, right = list(reversed(numbers)), list(reversed(uids))
    while left and right:
        (number, last_number), (uid, last_uid) = left.pop(), right.pop()
        count = min(last_number - number, last_uid - uid) + 1
        pairs.append((number, uid, count))
        if number + count <= last_number:
            left.append((number + count, last_number))
        if uid + count <= last_uid:
            right.append((uid + count, last_uid))
    return pairs
