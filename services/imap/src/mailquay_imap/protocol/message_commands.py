"""Parsers of the commands about messages: one small function a command. Pure."""

from collections.abc import Callable
from typing import Final

from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.errors import ProtocolError
from mailquay_imap.protocol.fetch import parse_fetch_items
from mailquay_imap.protocol.reader import Reader
from mailquay_imap.protocol.returns import Partial, parse_partial, parse_returns
from mailquay_imap.protocol.search import parse_charset_and_keys, parse_search
from mailquay_imap.protocol.sort import parse_algorithm, parse_criteria
from mailquay_imap.protocol.sources import parse_sources

__all__ = ["APPENDS_MAX", "CATENATED_MAX", "MESSAGE_COMMANDS"]

#: Messages of one APPEND; they are one transaction.
APPENDS_MAX: Final = 500
#: What one message is put together of.
CATENATED_MAX: Final = 500


def _append(r: Reader, _by_uid: bool) -> c.Command:
    """``"APPEND" SP mailbox 1*append-message`` (RFC 3502 §7)."""
    r.space()
    mailbox = r.mailbox()
    messages = [_append_message(r)]
    while r.try_space():
        r.position -= 1
        messages.append(_append_message(r))
        if len(messages) > APPENDS_MAX:
            raise ProtocolError("too many messages at once")
    return c.Append(mailbox, tuple(messages))


def _append_message(r: Reader) -> c.AppendMessage:
    """``[SP flag-list] [SP date-time] SP (literal / "UTF8" … / "CATENATE" …)``."""
    r.space()
    flags: list[str] = []
    date = None
    if r.peek() == b"(":
        flags = r.flag_list()
        r.space()
    if r.peek() == b'"':
        date = r.date_time()
        r.space()
    match r.upcoming_keyword():
        case "UTF8":  # SP "(" literal8 ")" (RFC 6855 §4)
            r.keyword()
            r.space()
            r.byte(b"(")
            message = r.message()
            r.byte(b")")
            return c.AppendMessage(tuple(flags), date, message, is_utf8=True)
        case "CATENATE":
            r.keyword()
            r.space()
            return c.AppendMessage(tuple(flags), date, b"", parts=_catenated(r))
    return c.AppendMessage(tuple(flags), date, r.message())


def _catenated(r: Reader) -> tuple[bytes | str, ...]:
    """``"(" cat-part *(SP cat-part) ")"``: ``"TEXT" SP literal`` or ``"URL" SP astring``."""
    r.byte(b"(")
    parts: list[bytes | str] = []
    while not parts or not r.try_byte(b")"):
        if parts:
            r.space()
        kind = r.keyword()
        r.space()
        if kind == "TEXT":
            parts.append(r.message())
        elif kind == "URL":
            parts.append(r.text_astring())
        else:
            raise ProtocolError("CATENATE takes TEXT and URL")
        if len(parts) > CATENATED_MAX:
            raise ProtocolError("too many parts of one message")
    return tuple(parts)


def _replace(r: Reader, by_uid: bool) -> c.Command:
    """``"REPLACE" SP seq-number SP mailbox append-message`` (RFC 8508 §5)."""
    r.space()
    target = r.sequence_set()
    if not target.is_one:
        raise ProtocolError("REPLACE takes one message")
    r.space()
    mailbox = r.mailbox()
    return c.Replace(target, mailbox, _append_message(r), by_uid)


def _expunge(r: Reader, by_uid: bool) -> c.Command:
    if not by_uid:
        return c.Expunge(None)
    r.space()
    return c.Expunge(r.sequence_set())


def _search(r: Reader, by_uid: bool) -> c.Command:
    r.space()
    return c.Search(parse_search(r), by_uid)


def _multi_search(r: Reader, _by_uid: bool) -> c.Command:
    """``"ESEARCH" [SP esearch-source-opts] [SP search-return-opts] SP search-program``."""
    r.space()
    sources = parse_sources(r)
    return c.MultiSearch(sources, parse_search(r))


def _cancel_update(r: Reader, _by_uid: bool) -> c.Command:
    """``"CANCELUPDATE" 1*(SP quoted)`` (RFC 5267 §5)."""
    tags: list[bytes] = []
    while r.try_space():
        tags.append(r.astring())
    if not tags:
        raise ProtocolError("CANCELUPDATE takes tags")
    return c.CancelUpdate(tuple(tags))


def _sort(r: Reader, by_uid: bool) -> c.Command:
    """``"SORT" SP [search-return-opts SP] sort-criteria SP charset SP search-keys``."""
    r.space()
    returns = parse_returns(r)
    criteria = parse_criteria(r)
    r.space()
    return c.Sort(criteria, parse_charset_and_keys(r, returns), by_uid)


def _thread(r: Reader, by_uid: bool) -> c.Command:
    """``"THREAD" SP algorithm SP charset SP search-keys``."""
    r.space()
    algorithm = parse_algorithm(r)
    r.space()
    return c.Thread(algorithm, parse_charset_and_keys(r, None), by_uid)


def _fetch(r: Reader, by_uid: bool) -> c.Command:
    r.space()
    targets = r.sequence_set()
    r.space()
    items = parse_fetch_items(r)
    changed_since, vanished, partial = _fetch_modifiers(r)
    if vanished and (changed_since is None or not by_uid):
        # RFC 7162 §3.2.6
        raise ProtocolError("VANISHED goes with CHANGEDSINCE, in UID FETCH")
    if partial is not None and not by_uid:
        raise ProtocolError("PARTIAL goes with UID FETCH")  # RFC 9394 §3.3
    return c.Fetch(targets, items, changed_since, by_uid, vanished, partial)


def _fetch_modifiers(r: Reader) -> tuple[int | None, bool, Partial | None]:
    """``[SP "(" fetch-modifier *(SP fetch-modifier) ")"]`` (RFC 4466 §2.4)."""
    changed_since, partial, names = None, None, set[str]()
    if not r.try_space():
        return None, False, None
    r.byte(b"(")
    while not names or not r.try_byte(b")"):
        if names:
            r.space()
        name = r.keyword()
        if name not in ("CHANGEDSINCE", "PARTIAL", "VANISHED") or name in names:
            raise ProtocolError("the FETCH modifier is not known")
        names.add(name)
        if name == "CHANGEDSINCE":
            r.space()
            changed_since = r.number()
        elif name == "PARTIAL":
            r.space()
            partial = parse_partial(r)
    return changed_since, "VANISHED" in names, partial


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


def _uid_batches(r: Reader, _by_uid: bool) -> c.Command:
    """``"UIDBATCHES" SP nz-number [SP nz-number ":" nz-number]`` (RFC 10022)."""
    r.space()
    size = r.number()
    if not r.try_space():
        return c.UidBatches(size)
    first = r.number()
    r.byte(b":")
    last = r.number()
    if not first or not last:
        raise ProtocolError("batches are counted from 1")
    return c.UidBatches(size, first, last)


#: By the name of the command.
MESSAGE_COMMANDS: Final[dict[str, Callable[[Reader, bool], c.Command]]] = {
    "APPEND": _append,
    "REPLACE": _replace,
    "EXPUNGE": _expunge,
    "SEARCH": _search,
    "ESEARCH": _multi_search,
    "CANCELUPDATE": _cancel_update,
    "SORT": _sort,
    "THREAD": _thread,
    "FETCH": _fetch,
    "STORE": _store,
    "COPY": lambda r, by_uid: _copy(r, by_uid, move=False),
    "MOVE": lambda r, by_uid: _copy(r, by_uid, move=True),
    "UIDBATCHES": _uid_batches,
}
