"""EXPUNGE, UID EXPUNGE, CLOSE, UNSELECT (RFC 9051 §6.4.1 to §6.4.3, §6.4.9)."""

from collections.abc import Sequence

from mailquay_imap.protocol import commands as c
from mailquay_imap.replies import Ok
from mailquay_imap.selected import Selected
from mailquay_imap.session import Session


async def _expunge(session: Session, selected: Selected, uids: Sequence[int] | None) -> int | None:
    r"""Remove what has \Deleted; returns the modseq, None when nothing had."""
    view = selected.view
    gone, modseq = await session.server.store.emails.expunge(view.account_id, view.mailbox_id, uids)
    if modseq is not None:
        session.server.announce(view.account_id, modseq, view.mailbox_id)
        await view.apply_own([], gone, modseq)
    return modseq


async def handle_expunge(session: Session, command: c.Expunge) -> Ok:
    """EXPUNGE and UID EXPUNGE; HIGHESTMODSEQ tells CONDSTORE clients (RFC 7162 §3.2.7)."""
    selected = session.require_selected(writable=True)
    uids = None
    if command.uids is not None:
        uids = selected.uids(selected.numbers(command.uids, by_uid=True))
    modseq = await _expunge(session, selected, uids)
    if modseq is not None and selected.condstore:
        return Ok("EXPUNGE completed", code=f"HIGHESTMODSEQ {modseq}")
    return Ok()


async def handle_close(session: Session, _command: c.Close) -> Ok:
    """CLOSE: expunges silently, unless read-only.

    It does not tell HIGHESTMODSEQ: a client that took it for its own would never hear what went.
    """
    selected = session.require_selected()
    if not selected.read_only:
        await _expunge(session, selected, None)
    await session.unselect()
    return Ok()


async def handle_unselect(session: Session, _command: c.Unselect) -> Ok:
    """UNSELECT: leaves everything as it is."""
    await session.unselect()
    return Ok()
