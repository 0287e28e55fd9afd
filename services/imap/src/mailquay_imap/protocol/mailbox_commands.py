"""Parsers of the commands about mailboxes: one small function a command. Pure."""

from collections.abc import Callable
from typing import Final

from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.errors import ProtocolError
from mailquay_imap.protocol.notify import parse_event_groups
from mailquay_imap.protocol.reader import Reader
from mailquay_imap.protocol.resync import Resync, parse_resync

__all__ = ["MAILBOX_COMMANDS"]

#: Patterns of one LIST.
PATTERNS_MAX: Final = 100
_STATUS_ITEMS: Final = frozenset(
    ("MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "DELETED", "SIZE", "RECENT",
     "HIGHESTMODSEQ", "APPENDLIMIT", "MAILBOXID", "DELETED-STORAGE")
)  # fmt: skip
_SELECTIONS: Final = frozenset(("SUBSCRIBED", "REMOTE", "RECURSIVEMATCH", "SPECIAL-USE"))


def _select(r: Reader, *, read_only: bool) -> c.Command:
    """``mailbox ["(" select-param *(SP select-param) ")"]`` (RFC 7162 §7)."""
    r.space()
    mailbox = r.mailbox()
    names: set[str] = set()
    resync: Resync | None = None
    if r.try_space():
        r.byte(b"(")
        while not names or not r.try_byte(b")"):
            if names:
                r.space()
            name = r.keyword()
            if name not in ("CONDSTORE", "QRESYNC") or name in names:
                raise ProtocolError("the SELECT parameter is not known")
            names.add(name)
            if name == "QRESYNC":
                r.space()
                resync = parse_resync(r)
    return c.Select(mailbox, read_only, "CONDSTORE" in names, resync)


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


def _notify(r: Reader, _by_uid: bool) -> c.Command:
    """``"NOTIFY" SP ("SET" [SP "STATUS"] SP event-groups / "NONE")`` (RFC 5465 §8)."""
    r.space()
    kind = r.keyword()
    if kind == "NONE":
        return c.Notify(None)
    if kind != "SET":
        raise ProtocolError("NOTIFY takes SET or NONE")
    r.space()
    status = r.upcoming_keyword() == "STATUS"
    if status:
        r.keyword()
        r.space()
    return c.Notify(parse_event_groups(r), status)


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


#: By the name of the command.
MAILBOX_COMMANDS: Final[dict[str, Callable[[Reader, bool], c.Command]]] = {
    "SELECT": lambda r, _: _select(r, read_only=False),
    "EXAMINE": lambda r, _: _select(r, read_only=True),
    "CREATE": _create,
    "DELETE": _delete,
    "RENAME": _rename,
    "SUBSCRIBE": lambda r, _: _subscribe(r, on=True),
    "UNSUBSCRIBE": lambda r, _: _subscribe(r, on=False),
    "LIST": _list,
    "LSUB": _lsub,
    "STATUS": _status,
    "NOTIFY": _notify,
    "GETQUOTA": _getquota,
    "GETQUOTAROOT": _getquotaroot,
    "SETQUOTA": _setquota,
}
