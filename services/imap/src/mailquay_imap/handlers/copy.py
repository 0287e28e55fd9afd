"""COPY and MOVE (RFC 9051 §6.4.7, §6.4.8; COPYUID: RFC 4315 §3)."""

from mailquay.store import NotFound
from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.sequence import compress
from mailquay_imap.replies import Bad, No, Ok
from mailquay_imap.session import Session


async def handle_copy(session: Session, command: c.Copy) -> Ok:
    """COPY, UID COPY, MOVE, UID MOVE: all or nothing."""
    selected = session.require_selected(writable=command.move)
    verb = "MOVE" if command.move else "COPY"
    if not command.by_uid and not command.targets.is_saved and selected.exceeds(command.targets):
        raise Bad("there is no message of that number")
    store, account = session.server.store, session.owner
    mailbox = await store.mailboxes.find(account.id, command.mailbox)
    if mailbox is None or not mailbox.is_selectable:
        raise No("there is no such mailbox", code="TRYCREATE")
    numbers = selected.numbers(command.targets, by_uid=command.by_uid)
    uids = [selected.known.uids[number - 1] for number in numbers]
    if not uids:
        return Ok(f"{verb} completed, nothing was to do")
    try:
        copied = await store.emails.copy(
            account.id, selected.view.mailbox_id, uids, mailbox.id, move=command.move
        )
    except NotFound:
        raise No("there is no such mailbox", code="TRYCREATE") from None
    if not copied.source:
        await session.sync(expunges=command.by_uid)
        raise No("the messages are gone", code="EXPUNGEISSUED")
    touched = [mailbox.id, *([selected.view.mailbox_id] if command.move else [])]
    session.server.announce(account.id, copied.modseq, *touched)
    code = (
        f"COPYUID {copied.uidvalidity} {compress(copied.source).decode()} "
        f"{compress(copied.target).decode()}"
    )
    if command.move:
        session.write(f"* OK [{code}] Moved\r\n".encode())
        await session.sync(expunges=True)
        return Ok("MOVE completed")
    await session.sync(expunges=True)
    return Ok("COPY completed", code=code)
