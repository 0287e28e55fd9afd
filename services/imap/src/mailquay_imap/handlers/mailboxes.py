"""CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 9051 §6.3.4 to §6.3.8, RFC 6154 §3)."""

from typing import Final

from mailquay.store.ids import mailbox_object_id
from mailquay.store.mailboxes import normalise_name
from mailquay_imap.protocol import commands as c
from mailquay_imap.replies import No, Ok
from mailquay_imap.session import Session

_ROLES: Final = {
    "\\ARCHIVE": "archive",
    "\\DRAFTS": "drafts",
    "\\JUNK": "junk",
    "\\SENT": "sent",
    "\\TRASH": "trash",
}


async def handle_create(session: Session, command: c.Create) -> Ok:
    """CREATE; the reply tells the MAILBOXID (RFC 8474 §4.2)."""
    role = None
    if command.special_use:
        if len(command.special_use) > 1 or command.special_use[0] not in _ROLES:
            raise No("a mailbox has one special use, and not that one", code="USEATTR")
        role = _ROLES[command.special_use[0]]
    account = session.owner
    limit = session.server.settings.imap.max_mailboxes
    store = session.server.store.mailboxes
    mailbox = await store.create(account.id, command.mailbox, role=role, limit=limit)
    session.server.announce(account.id, mailbox.changed_modseq)
    return Ok("CREATE completed", code=f"MAILBOXID ({mailbox_object_id(mailbox.id)})")


async def handle_delete(session: Session, command: c.Delete) -> Ok:
    """DELETE."""
    account = session.owner
    if session.selected is not None and session.selected.name == command.mailbox:
        session.unselect()
    mailbox_id, modseq = await session.server.store.mailboxes.delete(account.id, command.mailbox)
    session.server.announce(account.id, modseq, mailbox_id)
    return Ok()


async def handle_rename(session: Session, command: c.Rename) -> Ok:
    """RENAME; INBOX's messages move out of it."""
    account = session.owner
    modseq = await session.server.store.mailboxes.rename(account.id, command.old, command.new)
    session.server.announce(account.id, modseq)
    selected = session.selected
    if selected is not None and command.old != "INBOX":
        new = normalise_name(command.new)
        if selected.name == command.old:
            selected.name = new
        elif selected.name.startswith(command.old + "/"):
            selected.name = new + selected.name[len(command.old) :]
    return Ok()


async def handle_subscribe(session: Session, command: c.Subscribe) -> Ok:
    """SUBSCRIBE and UNSUBSCRIBE; the name need not be a mailbox's."""
    account = session.owner
    name = normalise_name(command.mailbox)
    modseq = await session.server.store.mailboxes.subscribe(account.id, name, on=command.on)
    session.server.announce(account.id, modseq)
    return Ok()
