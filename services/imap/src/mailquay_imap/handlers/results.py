"""How SEARCH and SORT tell what they found (RFC 9051 §7.3.4, RFC 4731, RFC 5267, RFC 9394)."""

from mailquay_imap.protocol.returns import Returns
from mailquay_imap.protocol.search import SearchProgram
from mailquay_imap.protocol.sequence import compress
from mailquay_imap.selected import Selected
from mailquay_imap.session import Session

__all__ = ["esearch_line", "save_found", "tell_found"]


def tell_found(
    session: Session, name: str, program: SearchProgram, found: list[int], *, by_uid: bool
) -> None:
    """Tell uids in the order that they are in, and keep them for ``$`` where that is wanted."""
    selected, returns = session.require_selected(), program.returns
    numbers = found if by_uid else selected.numbers_of(found)
    if returns is None and name == "SEARCH" and session.is_rev2:
        returns = Returns()  # RFC 9051 §6.4.4: the old response is no more
    highest = _highest_modseq(selected, program, found, returns)
    if returns is None:
        text = " ".join([f"* {name}", *map(str, numbers)])
        session.write(f"{text}{highest}\r\n".encode())
        return
    save_found(selected, returns, found)
    if not returns.is_silent:
        origin = b'(TAG "%b")%b' % (session.tag, b" UID" if by_uid else b"")
        session.write(_esearch(origin, numbers, returns) + highest.encode() + b"\r\n")


def save_found(selected: Selected, returns: Returns, found: list[int]) -> None:
    """Keep uids for ``$``, where that is wanted."""
    if "SAVE" in returns.names:
        selected.saved = sorted(_saved(found, returns))


def esearch_line(
    origin: bytes, selected: Selected, program: SearchProgram, found: list[int]
) -> bytes:
    """The ESEARCH of a mailbox' uids; ``origin`` says by which command, and where."""
    returns = program.returns or Returns()
    highest = _highest_modseq(selected, program, found, returns)
    return _esearch(origin, found, returns) + highest.encode() + b"\r\n"


def _saved(found: list[int], returns: Returns) -> list[int]:
    """What ``$`` means from now on (RFC 9051 §6.4.4.1, table 4; RFC 9394 §3.2, table 1)."""
    names = returns.names
    if names & {"ALL", "COUNT"} or not names & {"MIN", "MAX", "PARTIAL"}:
        return found
    kept = [] if returns.partial is None else returns.partial.of(found)
    if "MIN" in names:
        kept = kept + found[:1]
    if "MAX" in names:
        kept = kept + found[-1:]
    return list(dict.fromkeys(kept))


def _highest_modseq(
    selected: Selected, program: SearchProgram, found: list[int], returns: Returns | None
) -> str:
    """The MODSEQ that a search by MODSEQ returns with (RFC 7162 §3.1.5, §3.1.10)."""
    if not program.has_modseq:
        return ""
    uids = found if returns is None else _saved(found, returns)
    known = selected.known
    modseqs = [known.places[n - 1].modseq for n in map(known.number_of, uids) if n]
    if not modseqs:
        return ""
    return f" (MODSEQ {max(modseqs)})" if returns is None else f" MODSEQ {max(modseqs)}"


def _esearch(origin: bytes, numbers: list[int], returns: Returns) -> bytes:
    """ESEARCH; the smallest and the largest of a sort are its first and its last."""
    pieces = [b"* ESEARCH " + origin]
    if numbers:
        if "MIN" in returns.names:
            pieces.append(b"MIN %d" % numbers[0])
        if "MAX" in returns.names:
            pieces.append(b"MAX %d" % numbers[-1])
        if "ALL" in returns.names:
            pieces.append(b"ALL " + compress(numbers))
    if returns.partial is not None:
        page = compress(returns.partial.of(numbers)) or b"NIL"
        pieces.append(b"PARTIAL (%b %b)" % (str(returns.partial).encode(), page))
    if "COUNT" in returns.names:
        pieces.append(b"COUNT %d" % len(numbers))
    return b" ".join(pieces)
