"""ESEARCH (RFC 7377): a search of many mailboxes, one after the other."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from mailquay.store.names import DELIMITER, canonical_name
from mailquay.store.types import Mailbox
from mailquay_imap.finder import Finder
from mailquay_imap.handlers.contexts import refuse_update
from mailquay_imap.handlers.results import esearch_line, save_found
from mailquay_imap.handlers.search import find
from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.format import mailbox_name
from mailquay_imap.protocol.returns import Returns
from mailquay_imap.protocol.search import SearchProgram, names_numbers
from mailquay_imap.protocol.sources import Source
from mailquay_imap.replies import Bad, Ok
from mailquay_imap.selected import Selected
from mailquay_imap.session import Session
from mailquay_imap.views import MailboxGone


async def handle_multi_search(session: Session, command: c.MultiSearch) -> Ok:
    """ESEARCH: uids, of each mailbox in which something is found."""
    program = command.program
    if program.has_charset and "UTF8=ACCEPT" in session.enabled:
        raise Bad("the charset is UTF-8")  # RFC 6855 §3
    sources = command.sources or (Source("SELECTED"),)
    is_own = all(source.kind == "SELECTED" for source in sources)
    if session.selected is None and any(source.kind == "SELECTED" for source in sources):
        raise Bad("no mailbox is selected", code="CLIENTBUG")
    saves = program.returns is not None and "SAVE" in program.returns.names
    if not is_own and (saves or names_numbers(program.key)):
        # They would mean another thing in each mailbox (RFC 7377 §2.1).
        raise Bad("numbers and saved results are of the selected mailbox alone")
    mailboxes = await session.server.store.mailboxes.list_mailboxes(session.owner.id)
    wanted = _wanted(session, sources, mailboxes)
    for mailbox in mailboxes:
        if mailbox.id in wanted and mailbox.is_selectable:
            await _search(session, program, mailbox)
    if program.returns is not None and "UPDATE" in program.returns.names:
        refuse_update(session)
    return Ok()


def _wanted(session: Session, sources: Iterable[Source], mailboxes: Iterable[Mailbox]) -> set[int]:
    """The ids of the mailboxes that are meant, each once; names that there are not mean none."""
    wanted: set[int] = set()
    for source in sources:
        names = [canonical_name(name) for name in source.names]
        if source.kind == "SELECTED" and session.selected is not None:
            wanted.add(session.selected.view.mailbox_id)
        wanted.update(m.id for m in mailboxes if _is_in(source.kind, names, m))
    return wanted


def _is_in(kind: str, names: Iterable[str], mailbox: Mailbox) -> bool:
    match kind:
        case "PERSONAL":
            return True
        case "INBOXES":  # new mail comes there (RFC 5465 §6.4)
            return mailbox.name == "INBOX"
        case "SUBSCRIBED":
            return mailbox.is_subscribed
        case "MAILBOXES":
            return mailbox.name in names
        case "SUBTREE" | "SUBTREE-ONE":
            return any(_is_below(mailbox.name, name, deep=kind == "SUBTREE") for name in names)
    return False


def _is_below(name: str, top: str, *, deep: bool) -> bool:
    """Whether it is that mailbox, or below it; not ``deep``: one level at the most."""
    if name == top:
        return True
    rest = name.removeprefix(top + DELIMITER)
    return rest != name and (deep or DELIMITER not in rest)


async def _search(session: Session, program: SearchProgram, mailbox: Mailbox) -> None:
    """Search one mailbox, and tell what was found; a mailbox without anything is not told."""
    returns = program.returns or Returns()
    try:
        async with _opened(session, mailbox) as selected:
            if selected is session.selected:
                found = await find(session, program)
                save_found(selected, returns, found)
            else:
                found = await Finder(session.server, selected).find(program.key)
            if not found or returns.is_silent:
                return
            name = mailbox_name(mailbox.name, is_utf8=session.is_utf8)
            origin = b'(TAG "%b" MAILBOX %b UIDVALIDITY %d) UID' % (
                session.tag, name, selected.view.uidvalidity,
            )  # fmt: skip
            await session.write_large(esearch_line(origin, selected, program, found))
    except MailboxGone:
        if session.selected is not None and session.selected.view.mailbox_id == mailbox.id:
            raise


@asynccontextmanager
async def _opened(session: Session, mailbox: Mailbox) -> AsyncIterator[Selected]:
    """The selected mailbox, or another as if it had been examined."""
    if session.selected is not None and session.selected.view.mailbox_id == mailbox.id:
        yield session.selected
        return
    views = session.server.views
    view = await views.open(mailbox.account_id, mailbox.id)
    try:
        yield Selected(view, read_only=True, recent_from=mailbox.first_recent_uid, keywords_max=0)
    finally:
        views.close(view)
