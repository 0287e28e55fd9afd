"""What a client that comes back has missed (RFC 7162 §3.2.5, §3.2.6)."""

from collections.abc import Sequence

from mailquay.store import Forgotten
from mailquay_imap.protocol.resync import Resync
from mailquay_imap.protocol.sequence import compress, compress_ranges
from mailquay_imap.selected import Selected
from mailquay_imap.session import Session
from mailquay_imap.snapshot import Snapshot
from mailquay_imap.vanished import (
    Range,
    expunged_within,
    known_ranges,
    last_match,
    missing_within,
)


async def tell_changes(session: Session, selected: Selected, resync: Resync) -> None:
    """VANISHED (EARLIER) and FETCH of a mailbox that is being selected."""
    known = selected.known
    ranges = known_ranges(known, resync)
    await tell_vanished(session, known, ranges, resync.modseq, resync=resync)
    for number in known.numbers_in(ranges, by_uid=True):
        place = known.places[number - 1]
        if place.modseq > resync.modseq:
            await session.write_large(selected.flags_line(number, place))


async def tell_vanished(
    session: Session,
    known: Snapshot,
    ranges: Sequence[Range],
    modseq: int,
    *,
    resync: Resync | None = None,
) -> None:
    """VANISHED (EARLIER), where something went.

    Args:
        session: who is told.
        known: the client's picture.
        ranges: uids that it asks about.
        modseq: what it has seen.
        resync: what else it has said.

    Raises:
        StoreUnavailable
    """
    view = session.require_selected().view
    try:
        expunged = await session.server.store.emails.expunged_since(
            view.account_id, view.mailbox_id, modseq
        )
        uids = compress(expunged_within(known, ranges, expunged))
    except Forgotten:
        above = 0 if resync is None else last_match(known, resync)
        uids = compress_ranges(missing_within(known, ranges, above=above))
    if uids:
        await session.write_large(b"* VANISHED (EARLIER) %b\r\n" % uids)
