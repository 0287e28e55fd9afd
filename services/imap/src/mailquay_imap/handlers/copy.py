"""COPY and MOVE (RFC 9051 §6.4.7, §6.4.8; COPYUID: RFC 4315 §3)."""

from mailquay.store import NotFound
from mailquay_imap.handlers.naming import require_mailbox
from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.sequence import compress
from mailquay_imap.replies import Bad, No, Ok
from mailquay_imap.session import Session


async def handle_copy(session: Session, command: c.Copy) -> Ok:
    """COPY, UID COPY, MOVE, UID MOVE: all or nothing."""
    selected = session.require_selected(writable=command.move)
    verb = "MOVE" if command.move else "COPY"
    if not command.by_uid and selected.exceeds(command.targets):
        raise Bad("there is no message of that number")
    mailbox = await require_mailbox(session, command.mailbox, code="TRYCREATE")
    uids = selected.uids(selected.numbers(command.targets, by_uid=command.by_uid))
    if not command.by_uid:
        await session.look()
        session.tell_updates(expunges=False)
        if not selected.ghosts.isdisjoint(uids):
            raise No("some of the messages are gone", code="EXPUNGEISSUED")  # RFC 2180 §4.4.1
    if not uids:
        return Ok(f"{verb} completed, nothing was to do")
    view, store = selected.view, session.server.store
    try:
        copied = await store.emails.copy(
            view.account_id, view.mailbox_id, uids, mailbox.id, move=command.move
        )
    except NotFound:
        raise No("there is no such mailbox", code="TRYCREATE") from None
    if not copied.source:
        return Ok(f"{verb} completed, the messages are gone", code="EXPUNGEISSUED")
    touched = [mailbox.id, *([view.mailbox_id] if command.move else [])]
    session.server.announce(view.account_id, copied.modseq, *touched)
    session.made(mailbox.id, copied.target)
    session.must_look_again()
    code = (
        f"COPYUID {copied.uidvalidity} {compress(copied.source).decode()} "
        f"{compress(copied.target).decode()}"
    )
    if not command.move:
        return Ok("COPY completed", code=code)
    session.write(f"* OK [{code}] Moved\r\n".encode())
    # To every client, whatever it has enabled (RFC 6851 §4.4).
    return Ok("MOVE completed", code=f"HIGHESTMODSEQ {copied.modseq}")
