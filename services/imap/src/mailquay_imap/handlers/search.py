"""SEARCH and UID SEARCH (RFC 9051 §6.4.4, RFC 4731, RFC 5182, RFC 7162 §3.1.5)."""

from mailquay_imap.finder import Finder
from mailquay_imap.handlers.contexts import keep_updated, key_to_keep
from mailquay_imap.handlers.results import tell_found
from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.errors import ProtocolError
from mailquay_imap.protocol.search import SearchProgram
from mailquay_imap.replies import Bad, Ok
from mailquay_imap.session import Session

__all__ = ["find", "handle_search"]


async def handle_search(session: Session, command: c.Search) -> Ok:
    """SEARCH, UID SEARCH."""
    if command.program.has_charset and "UTF8=ACCEPT" in session.enabled:
        raise Bad("the charset is UTF-8")  # RFC 6855 §3
    key = key_to_keep(session, command.program)
    found = await find(session, command.program)
    tell_found(session, "SEARCH", command.program, found, by_uid=command.by_uid)
    keep_updated(session, command, key, found)
    return Ok()


async def find(session: Session, program: SearchProgram) -> list[int]:
    """The uids that a program finds.

    Numbers are those that the client knew before (RFC 9051 §5.5), in UID SEARCH as well: EXPUNGE
    is told after it.
    """
    selected = session.require_selected()
    await session.look()
    session.tell_updates(expunges=False)
    if program.has_modseq:
        session.enable_condstore()
    try:
        return await Finder(session.server, selected).find(program.key)
    except (Bad, ProtocolError):
        raise
    except Exception:
        if program.returns and "SAVE" in program.returns.names:
            selected.saved = []  # NO empties the result variable, BAD does not (§6.4.4.1)
        raise
