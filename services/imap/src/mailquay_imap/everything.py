"""News of the selected mailbox with that of the client's contexts (RFC 5267 §4.3, RFC 5465 §7)."""

from contextlib import suppress
from typing import TYPE_CHECKING

from mailquay.store import StoreUnavailable
from mailquay_imap.contexts import Context, tell_gone, tell_matches
from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.sequence import SequenceSet

if TYPE_CHECKING:
    from mailquay_imap.session import Session

__all__ = ["tell_everything"]


async def tell_everything(session: "Session", *, expunges: bool) -> None:
    """REMOVEFROM ahead of EXPUNGE; EXISTS and FETCH ahead of what comes of them."""
    selected = session.selected
    if selected is not None and selected.contexts:
        for line in tell_gone(selected):
            session.write(line)
    session.tell_updates(expunges=expunges)
    if selected is None:
        return
    for context in selected.contexts:
        since = context.modseq
        try:
            lines, added = await tell_matches(session.server, selected, context)
        except StoreUnavailable:
            context.modseq = since  # asked again with the next look
            continue
        await _fetch(session, context, [uid for uid in added if uid not in selected.own_uids])
        for line in lines:
            await session.write_large(line)
    selected.own_uids.clear()


async def _fetch(session: "Session", context: Context, uids: list[int]) -> None:
    """What was asked for of new messages that the search finds (RFC 5465 §7)."""
    from mailquay_imap.handlers.fetch import Fetcher  # noqa: PLC0415  # it imports the session

    if context.items and uids:
        selected = session.require_selected()
        command = c.Fetch(SequenceSet(()), context.items, None, by_uid=True)
        fetcher = Fetcher(session, selected, command)
        numbers = selected.numbers_of(uids)
        with suppress(StoreUnavailable):
            await fetcher.mark_seen(numbers)
            await fetcher.fetch(numbers)
