"""REPLACE and UID REPLACE (RFC 8508)."""

from mailquay.store import StoreUnavailable
from mailquay.store.types import AccountId, MailboxId
from mailquay_imap.handlers.append import append, appenduid
from mailquay_imap.handlers.naming import attributes, require_mailbox, tell_name
from mailquay_imap.protocol import commands as c
from mailquay_imap.replies import Bad, No, Ok
from mailquay_imap.selected import Selected
from mailquay_imap.session import Session


async def handle_replace(session: Session, command: c.Replace) -> Ok:
    """REPLACE, UID REPLACE: the new message first, so that at no time there is none."""
    selected = session.require_selected(writable=True)
    uid = await _require_target(session, selected, command)
    mailbox = await require_mailbox(session, command.mailbox, code="TRYCREATE")
    placed = await append(session, mailbox, [command.message])
    tell_name(session, command.mailbox, mailbox.name, attributes(mailbox, has_children=False))
    view = selected.view
    try:
        modseq = await _remove(session, view.account_id, view.mailbox_id, uid)
    except StoreUnavailable:
        # As if nothing had been asked for (§3.1); what cannot be undone either is there twice.
        await _remove(session, mailbox.account_id, mailbox.id, placed[0].uid)
        raise
    session.write(f"* OK [{appenduid(placed)}] Replacement message ready\r\n".encode())
    session.must_look_again()
    if modseq is not None and selected.condstore:
        return Ok("REPLACE completed", code=f"HIGHESTMODSEQ {modseq}")
    return Ok("REPLACE completed")


async def _require_target(session: Session, selected: Selected, command: c.Replace) -> int:
    """The uid of the message that is to go."""
    if not command.by_uid and selected.exceeds(command.target):
        raise Bad("there is no message of that number")
    uids = selected.uids(selected.numbers(command.target, by_uid=command.by_uid))
    await session.look()
    session.tell_updates(expunges=False)
    if not uids:
        raise No("there is no such message", code="NONEXISTENT")
    if uids[0] in selected.ghosts:
        raise No("the message is gone", code="EXPUNGEISSUED")
    return uids[0]


async def _remove(
    session: Session, account_id: AccountId, mailbox_id: MailboxId, uid: int
) -> int | None:
    _, modseq = await session.server.store.emails.expunge(
        account_id, mailbox_id, [uid], only_deleted=False
    )
    if modseq is not None:
        session.server.announce(account_id, modseq, mailbox_id)
    return modseq
