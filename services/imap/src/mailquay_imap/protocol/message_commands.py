"""Parsers of the commands about messages: one small function a command. Pure."""

from collections.abc import Callable
from typing import Final

from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.errors import ProtocolError
from mailquay_imap.protocol.fetch import parse_fetch_items
from mailquay_imap.protocol.reader import Reader
from mailquay_imap.protocol.search import parse_search

__all__ = ["MESSAGE_COMMANDS"]


def _append(r: Reader, _by_uid: bool) -> c.Command:
    r.space()
    mailbox = r.mailbox()
    r.space()
    flags: list[str] = []
    date = None
    if r.peek() == b"(":
        flags = r.flag_list()
        r.space()
    if r.peek() == b'"':
        date = r.date_time()
        r.space()
    return c.Append(mailbox, tuple(flags), date, r.message())


def _expunge(r: Reader, by_uid: bool) -> c.Command:
    if not by_uid:
        return c.Expunge(None)
    r.space()
    return c.Expunge(r.sequence_set())


def _search(r: Reader, by_uid: bool) -> c.Command:
    r.space()
    return c.Search(parse_search(r), by_uid)


def _fetch(r: Reader, by_uid: bool) -> c.Command:
    r.space()
    targets = r.sequence_set()
    r.space()
    items = parse_fetch_items(r)
    changed_since, vanished = _fetch_modifiers(r) if r.try_space() else (None, False)
    if vanished and (changed_since is None or not by_uid):
        # RFC 7162 §3.2.6
        raise ProtocolError("VANISHED goes with CHANGEDSINCE, in UID FETCH")
    return c.Fetch(targets, items, changed_since, by_uid, vanished)


def _fetch_modifiers(r: Reader) -> tuple[int | None, bool]:
    """``"(" fetch-modifier *(SP fetch-modifier) ")"`` (RFC 4466 §2.4)."""
    r.byte(b"(")
    changed_since, names = None, set[str]()
    while not names or not r.try_byte(b")"):
        if names:
            r.space()
        name = r.keyword()
        if name not in ("CHANGEDSINCE", "VANISHED") or name in names:
            raise ProtocolError("the FETCH modifier is not known")
        names.add(name)
        if name == "CHANGEDSINCE":
            r.space()
            changed_since = r.number()
    return changed_since, "VANISHED" in names


def _store(r: Reader, by_uid: bool) -> c.Command:
    r.space()
    targets = r.sequence_set()
    r.space()
    unchanged_since = None
    if r.try_byte(b"("):
        if r.keyword() != "UNCHANGEDSINCE":
            raise ProtocolError("the STORE modifier is not known")
        r.space()
        unchanged_since = r.number()
        r.byte(b")")
        r.space()
    change = "+" if r.try_byte(b"+") else "-" if r.try_byte(b"-") else ""
    item = r.keyword()
    if item not in ("FLAGS", "FLAGS.SILENT"):
        raise ProtocolError("STORE changes FLAGS")
    r.space()
    if r.peek() == b"(":
        flags = r.flag_list()
    else:
        flags = [r.flag()]
        while r.try_space():
            flags.append(r.flag())
    silent = item.endswith(".SILENT")
    return c.Store(targets, change, tuple(flags), silent, unchanged_since, by_uid)


def _copy(r: Reader, by_uid: bool, *, move: bool) -> c.Command:
    r.space()
    targets = r.sequence_set()
    r.space()
    return c.Copy(targets, r.mailbox(), move, by_uid)


#: By the name of the command.
MESSAGE_COMMANDS: Final[dict[str, Callable[[Reader, bool], c.Command]]] = {
    "APPEND": _append,
    "EXPUNGE": _expunge,
    "SEARCH": _search,
    "FETCH": _fetch,
    "STORE": _store,
    "COPY": lambda r, by_uid: _copy(r, by_uid, move=False),
    "MOVE": lambda r, by_uid: _copy(r, by_uid, move=True),
}
