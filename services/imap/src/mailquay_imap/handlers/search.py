"""SEARCH and UID SEARCH (RFC 9051 §6.4.4, RFC 4731, RFC 5182, RFC 7162 §3.1.5)."""

from mailquay_imap.finder import Finder
from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.errors import ProtocolError
from mailquay_imap.protocol.search import SearchProgram
from mailquay_imap.protocol.sequence import compress
from mailquay_imap.replies import Bad, Ok
from mailquay_imap.selected import Selected
from mailquay_imap.session import Session


async def handle_search(session: Session, command: c.Search) -> Ok:
    """SEARCH, UID SEARCH.

    Numbers are those that the client knew before (RFC 9051 §5.5), in UID SEARCH as well: EXPUNGE
    is told after it.
    """
    selected, program = session.require_selected(), command.program
    await session.look()
    session.tell_updates(expunges=False)
    if program.has_modseq:
        session.enable_condstore()
    try:
        found = await Finder(session.server, selected).find(program.key)
    except (Bad, ProtocolError):
        raise
    except Exception:
        if program.returns and "SAVE" in program.returns:
            selected.saved = []  # NO empties the result variable, BAD does not (§6.4.4.1)
        raise
    _answer(session, command, found)
    return Ok()


def _answer(session: Session, command: c.Search, found: list[int]) -> None:
    selected = session.require_selected()
    numbers = found
    if not command.by_uid:
        numbers = [n for uid in found if (n := selected.known.number_of(uid)) is not None]
    returns = command.program.returns
    if returns is None and session.is_rev2:
        returns = frozenset(("ALL",))  # RFC 9051 §6.4.4: the old response is no more
    highest = _highest_modseq(selected, command.program, found, returns)
    if returns is None:
        text = " ".join(["* SEARCH", *map(str, numbers)])
        session.write(f"{text}{highest}\r\n".encode())
        return
    if "SAVE" in returns:
        selected.saved = _saved(found, returns)
    if returns != {"SAVE"}:
        session.write(_esearch(session, command, numbers, returns) + highest.encode() + b"\r\n")


def _saved(found: list[int], returns: frozenset[str]) -> list[int]:
    """What ``$`` means from now on (RFC 9051 §6.4.4.1, table 4)."""
    if not found or returns & {"ALL", "COUNT"} or not returns & {"MIN", "MAX"}:
        return found
    ends = {found[0]} if "MIN" in returns else set()
    return sorted(ends | ({found[-1]} if "MAX" in returns else set()))


def _highest_modseq(
    selected: Selected,
    program: SearchProgram,
    found: list[int],
    returns: frozenset[str] | None,
) -> str:
    """The MODSEQ that a search by MODSEQ returns with (RFC 7162 §3.1.5, §3.1.10)."""
    if not program.has_modseq or not found:
        return ""
    uids = found if returns is None else _saved(found, returns)
    known = selected.known
    value = max(known.places[n - 1].modseq for n in map(known.number_of, uids) if n)
    return f" (MODSEQ {value})" if returns is None else f" MODSEQ {value}"


def _esearch(
    session: Session, command: c.Search, numbers: list[int], returns: frozenset[str]
) -> bytes:
    pieces = [b'* ESEARCH (TAG "%b")' % session.tag]
    if command.by_uid:
        pieces.append(b"UID")
    if numbers:
        if "MIN" in returns:
            pieces.append(b"MIN %d" % numbers[0])
        if "MAX" in returns:
            pieces.append(b"MAX %d" % numbers[-1])
        if "ALL" in returns:
            pieces.append(b"ALL " + compress(numbers))
    if "COUNT" in returns:
        pieces.append(b"COUNT %d" % len(numbers))
    return b" ".join(pieces)
