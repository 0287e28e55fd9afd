"""UPDATE of SEARCH and SORT, and CANCELUPDATE (RFC 5267 §4.3)."""

from mailquay_imap.contexts import Context, frozen_key
from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.search import SearchKey, SearchProgram
from mailquay_imap.replies import Bad, Ok
from mailquay_imap.session import Session

__all__ = ["handle_cancel_update", "keep_updated", "key_to_keep", "refuse_update"]


def key_to_keep(session: Session, program: SearchProgram) -> SearchKey | None:
    """What a search with UPDATE will go on asking, before it is answered; None without UPDATE.

    Raises:
        Bad: the tag is another context's.
    """
    if program.returns is None or "UPDATE" not in program.returns.names:
        return None
    selected = session.require_selected()
    if any(context.tag == session.tag for context in selected.contexts):
        raise Bad("Tag reuse", code="CLIENTBUG")
    return frozen_key(program.key, selected)


def keep_updated(
    session: Session, command: c.Search | c.Sort, key: SearchKey | None, found: list[int]
) -> None:
    """Go on telling how the results change, where that was asked for and is not too much."""
    if key is None or command.program.returns is None:
        return
    selected = session.require_selected()
    if len(selected.contexts) >= session.server.settings.imap.max_contexts:
        refuse_update(session)
        return
    criteria = command.criteria if isinstance(command, c.Sort) else ()
    items, known = command.program.returns.items, selected.known
    selected.contexts.append(
        Context(
            session.tag,
            key,
            criteria,
            command.by_uid,
            items,
            list(found),
            known.modseq,
            known.uidnext,
        )
    )


def refuse_update(session: Session) -> None:
    """Results are told, and not how they change (§4.3.1)."""
    session.write(b'* NO [NOUPDATE "%b"] Not more than these are kept up to date\r\n' % session.tag)


async def handle_cancel_update(session: Session, command: c.CancelUpdate) -> Ok:
    """CANCELUPDATE: of all of them or, where one is not there, of none."""
    selected = session.require_selected()
    if not set(command.tags) <= {context.tag for context in selected.contexts}:
        raise Bad("nothing of that tag is kept up to date")
    selected.contexts = [x for x in selected.contexts if x.tag not in command.tags]
    return Ok()
