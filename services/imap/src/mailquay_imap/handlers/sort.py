"""SORT and UID SORT (RFC 5256 §3, RFC 5267 §3.1, RFC 5957)."""

from mailquay_imap.handlers.contexts import keep_updated, key_to_keep
from mailquay_imap.handlers.results import tell_found
from mailquay_imap.handlers.search import find
from mailquay_imap.protocol import commands as c
from mailquay_imap.replies import Ok
from mailquay_imap.session import Session
from mailquay_imap.sorting import in_order


async def handle_sort(session: Session, command: c.Sort) -> Ok:
    """SORT, UID SORT."""
    selected = session.require_selected()
    key = key_to_keep(session, command.program)
    found = await find(session, command.program)
    places = selected.places_of(found)
    account_id = selected.view.account_id
    ordered = await in_order(session.server.facts, account_id, places, command.criteria)
    tell_found(session, "SORT", command.program, ordered, by_uid=command.by_uid)
    keep_updated(session, command, key, ordered)
    return Ok()
