"""Searches whose results are kept up to date for the client (RFC 5267 §4.3)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailquay_imap.finder import Finder
from mailquay_imap.protocol.fetch import FetchItem
from mailquay_imap.protocol.search import AndKey, NotKey, OrKey, SearchKey, SetKey
from mailquay_imap.protocol.sequence import SequenceSet, compress
from mailquay_imap.protocol.sort import Criterion
from mailquay_imap.sorting import in_order

if TYPE_CHECKING:
    from mailquay_imap.selected import Selected
    from mailquay_imap.server import Server

__all__ = ["Context", "frozen_key", "tell_gone", "tell_matches"]


@dataclass(slots=True)
class Context:
    """A search with UPDATE, and what the client knows of its results, in their order."""

    tag: bytes
    key: SearchKey
    criteria: tuple[Criterion, ...]  # none: mailbox order
    by_uid: bool
    items: tuple[FetchItem, ...]
    uids: list[int]
    modseq: int  # up to here changes are in it
    uidnext: int  # messages below it are not new


def frozen_key(key: SearchKey, selected: "Selected") -> SearchKey:
    """A key whose numbers mean what they do now, whatever becomes of them (§4.3)."""
    match key:
        case AndKey(keys):
            return AndKey(tuple(frozen_key(inner, selected) for inner in keys))
        case OrKey(first, second):
            return OrKey(frozen_key(first, selected), frozen_key(second, selected))
        case NotKey(inner):
            return NotKey(frozen_key(inner, selected))
        case SetKey(numbers, by_uid) if numbers.is_saved or not by_uid:
            uids = selected.uids(selected.numbers(numbers, by_uid=by_uid))
            return SetKey(SequenceSet(tuple((uid, uid) for uid in uids)), by_uid=True)
    return key


def tell_gone(selected: "Selected") -> list[bytes]:
    """REMOVEFROM of what was expunged; it goes ahead of EXPUNGE, and does not wait for it."""
    lines: list[bytes] = []
    snapshot = selected.view.snapshot
    for context in selected.contexts:
        left = [uid for uid in context.uids if snapshot.number_of(uid) is not None]
        lines += _removed(selected, context, left)
    return lines


async def tell_matches(
    server: "Server", selected: "Selected", context: Context
) -> tuple[list[bytes], list[int]]:
    """REMOVEFROM and ADDTO of what has changed, and the uids of new messages among the added.

    Raises:
        StoreUnavailable
    """
    known, since = selected.known, context.modseq
    if known.modseq == since:
        return [], []
    changed = {place.uid for place in known.places if place.modseq > since} - selected.ghosts
    context.modseq = known.modseq
    matches = await Finder(server, selected).find(context.key, among=changed)
    before = set(context.uids)
    now = sorted((before - changed) | set(matches))
    if context.criteria:
        places, account_id = selected.places_of(now), selected.view.account_id
        now = await in_order(server.facts, account_id, places, context.criteria)
    there = set(now)
    lines = _removed(selected, context, [uid for uid in context.uids if uid in there])
    lines += _added(selected, context, now)
    first, context.uidnext = context.uidnext, known.uidnext
    return lines, [uid for uid in now if uid >= first and uid not in before]


def _removed(selected: "Selected", context: Context, left: list[int]) -> list[bytes]:
    kept = set(left)
    gone = [(n, uid) for n, uid in enumerate(context.uids, 1) if uid not in kept]
    context.uids = left
    if not gone:
        return []
    if not context.criteria:
        return [_line(selected, context, b"REMOVEFROM", [(0, [uid for _, uid in gone])])]
    # From the last to the first: each position is then still right when its turn comes.
    pairs = [(position, [uid]) for position, uid in reversed(gone)]
    return [_line(selected, context, b"REMOVEFROM", pairs)]


def _added(selected: "Selected", context: Context, now: list[int]) -> list[bytes]:
    known = set(context.uids)
    fresh = [(n, uid) for n, uid in enumerate(now, 1) if uid not in known]
    context.uids = now
    if not fresh:
        return []
    if not context.criteria:
        return [_line(selected, context, b"ADDTO", [(0, [uid for _, uid in fresh])])]
    runs: list[tuple[int, list[int]]] = []
    for position, uid in fresh:
        if runs and position == runs[-1][0] + len(runs[-1][1]):
            runs[-1][1].append(uid)
        else:
            runs.append((position, [uid]))
    return [_line(selected, context, b"ADDTO", runs)]


def _line(
    selected: "Selected",
    context: Context,
    verb: bytes,
    pairs: Sequence[tuple[int, Collection[int]]],
) -> bytes:
    told = [
        b"%d %b" % (position, compress(uids if context.by_uid else selected.numbers_of(uids)))
        for position, uids in pairs
    ]
    by_uid = b" UID" if context.by_uid else b""
    return b'* ESEARCH (TAG "%b")%b %b (%b)\r\n' % (context.tag, by_uid, verb, b" ".join(told))
