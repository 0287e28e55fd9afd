"""From a raw command to its value: one small function a command. Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.errors import ProtocolError
from mailquay_imap.protocol.fetch import parse_fetch_items
from mailquay_imap.protocol.fragments import RawCommand
from mailquay_imap.protocol.reader import Reader
from mailquay_imap.protocol.search import parse_search

__all__ = ["Parsed", "parse_command", "split_tag"]

#: Patterns of one LIST.
PATTERNS_MAX: Final = 100
_STATUS_ITEMS: Final = frozenset(
    ("MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "DELETED", "SIZE", "RECENT",
     "HIGHESTMODSEQ", "APPENDLIMIT", "MAILBOXID", "DELETED-STORAGE")
)  # fmt: skip
_SELECTIONS: Final = frozenset(("SUBSCRIBED", "REMOTE", "RECURSIVEMATCH", "SPECIAL-USE"))
#: A valid tag: ASTRING-CHAR but for "+" (RFC 9051 §9).
_TAG: Final = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\+]+")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A command with the tag that its completion carries."""

    tag: bytes
    name: str
    command: c.Command


def split_tag(raw: RawCommand) -> tuple[bytes, bytes]:
    """Tag and rest.

    Raises:
        ProtocolError: there is no valid tag.
    """
    tag, _, rest = raw.text.partition(b" ")
    if not _TAG.fullmatch(tag):
        raise ProtocolError("a command begins with a tag")
    return tag, rest


def parse_command(raw: RawCommand, *, is_utf8: bool) -> Parsed:
    """Read a command.

    Args:
        raw: its bytes.
        is_utf8: mailbox names are UTF-8 (IMAP4rev2 is enabled), not modified UTF-7.

    Raises:
        ProtocolError: it is none; `BadCharset` comes from SEARCH too.
    """
    tag, rest = split_tag(raw)
    if not rest:
        raise ProtocolError("the command is missing")
    reader = Reader(rest, raw.literals, is_utf8=is_utf8)
    name = reader.keyword()
    by_uid = name == "UID"
    if by_uid:
        reader.space()
        name = reader.keyword()
        if name not in ("COPY", "EXPUNGE", "FETCH", "MOVE", "SEARCH", "STORE"):
            raise ProtocolError(f"UID {name[:40]} is no command")
    parse = _TABLE.get(name)
    if parse is None:
        raise ProtocolError(f"{name[:40]} is no command")
    command = parse(reader, by_uid)
    reader.end()
    return Parsed(tag, f"UID {name}" if by_uid else name, command)


def _constant(command: c.Command) -> "_Parse":
    return lambda _reader, _by_uid: command


def _id(r: Reader, _by_uid: bool) -> c.Command:
    r.space()
    if not r.try_byte(b"("):
        if r.keyword() != "NIL":
            raise ProtocolError("ID takes a list or NIL")
        return c.Id(None)
    fields: list[tuple[str, str]] = []
    while not r.try_byte(b")"):
        if fields:
            r.space()
        name = r.string()
        r.space()
        value = r.nstring() or b""
        fields.append((name.decode("utf-8", "replace"), value.decode("utf-8", "replace")))
        if len(fields) > 30:
            raise ProtocolError("too many ID fields")
    return c.Id(tuple(fields))


def _authenticate(r: Reader, _by_uid: bool) -> c.Command:
    r.space()
    mechanism = r.keyword()
    initial = None
    if r.try_space():
        initial, r.position = r.text[r.position :].strip(), len(r.text)
    return c.Authenticate(mechanism, initial)


def _login(r: Reader, _by_uid: bool) -> c.Command:
    r.space()
    username = r.text_astring()
    r.space()
    return c.Login(username, r.text_astring())


def _enable(r: Reader, _by_uid: bool) -> c.Command:
    names: list[str] = []
    while r.try_space():
        names.append(r.keyword())
    if not names:
        raise ProtocolError("ENABLE takes capabilities")
    return c.Enable(tuple(names))


def _select(r: Reader, *, read_only: bool) -> c.Command:
    r.space()
    mailbox = r.mailbox()
    condstore = False
    if r.try_space():
        options = r.atom_list()
        if options != ["CONDSTORE"]:
            raise ProtocolError("the SELECT parameter is not known")
        condstore = True
    return c.Select(mailbox, read_only, condstore)


def _create(r: Reader, _by_uid: bool) -> c.Command:
    """``CREATE mailbox ["(" "USE" "(" [use-attr *(SP use-attr)] ")" ")"]`` (RFC 6154 §6)."""
    r.space()
    mailbox = r.mailbox()
    uses: tuple[str, ...] = ()
    if r.try_space():
        r.byte(b"(")
        if r.keyword() != "USE":
            raise ProtocolError("the CREATE parameter is not known")
        r.space()
        uses = tuple(r.atom_list())
        r.byte(b")")
        if not all(use.startswith("\\") for use in uses):
            raise ProtocolError("a special use begins with a backslash")
    return c.Create(mailbox, uses)


def _delete(r: Reader, _by_uid: bool) -> c.Command:
    r.space()
    return c.Delete(r.mailbox())


def _rename(r: Reader, _by_uid: bool) -> c.Command:
    r.space()
    old = r.mailbox()
    r.space()
    return c.Rename(old, r.mailbox())


def _subscribe(r: Reader, *, on: bool) -> c.Command:
    r.space()
    return c.Subscribe(r.mailbox(), on)


def _list(r: Reader, _by_uid: bool) -> c.Command:
    r.space()
    options: list[str] = []
    is_extended = r.peek() == b"("
    if is_extended:
        options = r.atom_list()
        r.space()
        if set(options) - _SELECTIONS:
            raise ProtocolError("the selection option is not known")
        if "RECURSIVEMATCH" in options and not {"SUBSCRIBED", "SPECIAL-USE"} & set(options):
            raise ProtocolError("RECURSIVEMATCH needs another selection option")
    reference = r.mailbox()
    r.space()
    patterns: list[str] = []
    if r.try_byte(b"("):
        is_extended = True
        while not r.try_byte(b")"):
            if patterns:
                r.space()
            patterns.append(r.list_mailbox())
            if len(patterns) > PATTERNS_MAX:
                raise ProtocolError("too many patterns")
        if not patterns:
            raise ProtocolError("no pattern is given")
    else:
        patterns.append(r.list_mailbox())
    returns = c.ListReturn()
    if r.try_space():
        is_extended = True
        returns = _list_return(r)
    return c.List(
        reference,
        tuple(patterns),
        only_subscribed="SUBSCRIBED" in options,
        only_special_use="SPECIAL-USE" in options,
        recursive="RECURSIVEMATCH" in options,
        is_extended=is_extended,
        returns=returns,
    )


def _list_return(r: Reader) -> c.ListReturn:
    if r.keyword() != "RETURN":
        raise ProtocolError("expected RETURN")
    r.space()
    r.byte(b"(")
    found: set[str] = set()
    status: tuple[str, ...] = ()
    while not r.try_byte(b")"):
        if found:
            r.space()
        name = r.keyword()
        if name == "STATUS":
            r.space()
            status = _status_items(r)
        elif name not in ("SUBSCRIBED", "CHILDREN", "SPECIAL-USE"):
            raise ProtocolError("the return option is not known")
        found.add(name)
    return c.ListReturn("SUBSCRIBED" in found, "CHILDREN" in found, "SPECIAL-USE" in found, status)


def _status_items(r: Reader) -> tuple[str, ...]:
    items = tuple(r.atom_list())
    if not items or set(items) - _STATUS_ITEMS:
        raise ProtocolError("the status item is not known")
    return items


def _lsub(r: Reader, _by_uid: bool) -> c.Command:
    r.space()
    reference = r.mailbox()
    r.space()
    return c.Lsub(reference, r.list_mailbox())


def _status(r: Reader, _by_uid: bool) -> c.Command:
    r.space()
    mailbox = r.mailbox()
    r.space()
    return c.Status(mailbox, _status_items(r))


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
    changed_since = None
    if r.try_space():
        r.byte(b"(")
        if r.keyword() != "CHANGEDSINCE":
            raise ProtocolError("the FETCH modifier is not known")
        r.space()
        changed_since = r.number()
        r.byte(b")")
    return c.Fetch(targets, items, changed_since, by_uid)


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


def _getquota(r: Reader, _by_uid: bool) -> c.Command:
    r.space()
    return c.GetQuota(r.text_astring())


def _getquotaroot(r: Reader, _by_uid: bool) -> c.Command:
    r.space()
    return c.GetQuotaRoot(r.mailbox())


def _setquota(r: Reader, _by_uid: bool) -> c.Command:
    r.space()
    root = r.text_astring()
    r.space()
    r.byte(b"(")
    is_first = True
    while not r.try_byte(b")"):
        if not is_first:
            r.space()
        is_first = False
        r.atom()
        r.space()
        r.number()
    return c.SetQuota(root)


_Parse = Callable[[Reader, bool], c.Command]
_TABLE: Final[dict[str, _Parse]] = {
    "CAPABILITY": _constant(c.Capability()),
    "NOOP": _constant(c.Noop()),
    "LOGOUT": _constant(c.Logout()),
    "ID": _id,
    "STARTTLS": _constant(c.StartTls()),
    "AUTHENTICATE": _authenticate,
    "LOGIN": _login,
    "ENABLE": _enable,
    "SELECT": lambda r, _: _select(r, read_only=False),
    "EXAMINE": lambda r, _: _select(r, read_only=True),
    "CREATE": _create,
    "DELETE": _delete,
    "RENAME": _rename,
    "SUBSCRIBE": lambda r, _: _subscribe(r, on=True),
    "UNSUBSCRIBE": lambda r, _: _subscribe(r, on=False),
    "LIST": _list,
    "LSUB": _lsub,
    "NAMESPACE": _constant(c.Namespace()),
    "STATUS": _status,
    "APPEND": _append,
    "IDLE": _constant(c.Idle()),
    "CHECK": _constant(c.Check()),
    "CLOSE": _constant(c.Close()),
    "UNSELECT": _constant(c.Unselect()),
    "EXPUNGE": _expunge,
    "SEARCH": _search,
    "FETCH": _fetch,
    "STORE": _store,
    "COPY": lambda r, by_uid: _copy(r, by_uid, move=False),
    "MOVE": lambda r, by_uid: _copy(r, by_uid, move=True),
    "GETQUOTA": _getquota,
    "GETQUOTAROOT": _getquotaroot,
    "SETQUOTA": _setquota,
}
