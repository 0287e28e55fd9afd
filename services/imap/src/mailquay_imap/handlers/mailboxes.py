"""CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 9051 §6.3.4 to §6.3.8, RFC 6154 §3)."""

from mailquay.store.ids import mailbox_object_id
from mailquay.store.names import canonical_name, normalise_name
from mailquay_imap.handlers.naming import ROLES, attributes, list_line, tell_name
from mailquay_imap.protocol import commands as c
from mailquay_imap.replies import No, Ok
from mailquay_imap.session import Session


async def handle_create(session: Session, command: c.Create) -> Ok:
    """CREATE; the reply tells the MAILBOXID (RFC 8474 §4.2)."""
    role = None
    if command.special_use:
        if len(command.special_use) > 1 or command.special_use[0] not in ROLES:
            raise No("a mailbox has one special use, and not that one", code="USEATTR")
        role = ROLES[command.special_use[0]]
    account = session.owner
    limit = session.server.settings.imap.max_mailboxes
    store = session.server.store.mailboxes
    mailbox = await store.create(account.id, command.mailbox, role=role, limit=limit)
    session.server.announce(account.id, mailbox.changed_modseq)
    session.named(mailbox.name)
    flags = attributes(mailbox, has_children=False, is_subscribed=mailbox.is_subscribed)
    tell_name(session, command.mailbox, mailbox.name, flags)
    return Ok("CREATE completed", code=f"MAILBOXID ({mailbox_object_id(mailbox.id)})")


async def handle_delete(session: Session, command: c.Delete) -> Ok:
    """DELETE; a client that deletes the mailbox that it has selected has none selected then."""
    account = session.owner
    name = canonical_name(command.mailbox)
    mailbox_id, modseq = await session.server.store.mailboxes.delete(account.id, name)
    session.server.announce(account.id, modseq, mailbox_id)
    session.named(name)
    if session.selected is not None and session.selected.view.mailbox_id == mailbox_id:
        await session.unselect()
    tell_name(session, command.mailbox, name, ["\\NonExistent"])
    return Ok()


async def handle_rename(session: Session, command: c.Rename) -> Ok:
    """RENAME; INBOX's messages move out of it.

    Subscriptions are of names: the old ones stay (RFC 9051 §6.3.6), the new ones come along.
    """
    account = session.owner
    old, new = canonical_name(command.old), normalise_name(command.new)
    store = session.server.store.mailboxes
    modseq = await store.rename(account.id, old, new, keeps_subscriptions=True)
    session.server.announce(account.id, modseq)
    session.named(old, new)
    if session.is_rev2 and (old, new) != (command.old, command.new):
        mailbox = await store.find(account.id, new)
        has_children = await store.has_inferiors(account.id, new)
        flags = attributes(mailbox, has_children=has_children)
        session.write(list_line(session, new, flags, old_name=command.old))
    return Ok()


async def handle_subscribe(session: Session, command: c.Subscribe) -> Ok:
    """SUBSCRIBE and UNSUBSCRIBE; the name need not be a mailbox's."""
    account = session.owner
    name = normalise_name(command.mailbox)
    # As many names of mailboxes that are gone as of those that are there.
    limit = 2 * session.server.settings.imap.max_mailboxes
    store = session.server.store.mailboxes
    modseq = await store.subscribe(account.id, name, on=command.on, limit=limit)
    session.server.announce(account.id, modseq)
    session.named(name)
    return Ok()
