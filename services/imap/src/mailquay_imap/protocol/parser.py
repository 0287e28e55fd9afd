"""From a raw command to its value: one small function a command. Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.errors import ProtocolError
from mailquay_imap.protocol.fragments import RawCommand
from mailquay_imap.protocol.mailbox_commands import MAILBOX_COMMANDS
from mailquay_imap.protocol.message_commands import MESSAGE_COMMANDS
from mailquay_imap.protocol.reader import Reader

__all__ = ["Parsed", "parse_command", "split_tag"]

#: What UID makes use uids.
_BY_UID: Final = frozenset(
    ("COPY", "EXPUNGE", "FETCH", "MOVE", "REPLACE", "SEARCH", "SORT", "STORE", "THREAD")
)
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
        if name not in _BY_UID:
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


def _compress(r: Reader, _by_uid: bool) -> c.Command:
    r.space()
    return c.Compress(r.keyword())


def _language(r: Reader, _by_uid: bool) -> c.Command:
    """``"LANGUAGE" *(SP lang-range-quoted)``, the ranges as astrings (RFC 5255 §5)."""
    ranges: list[str] = []
    while r.try_space():
        ranges.append(r.astring_or_star().decode("ascii", "replace"))
    return c.Language(tuple(ranges))


def _enable(r: Reader, _by_uid: bool) -> c.Command:
    names: list[str] = []
    while r.try_space():
        names.append(r.keyword())
    if not names:
        raise ProtocolError("ENABLE takes capabilities")
    return c.Enable(tuple(names))


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
    "UNAUTHENTICATE": _constant(c.Unauthenticate()),
    "COMPRESS": _compress,
    "LANGUAGE": _language,
    "GETJMAPACCESS": _constant(c.GetJmapAccess()),
    "NAMESPACE": _constant(c.Namespace()),
    "IDLE": _constant(c.Idle()),
    "CHECK": _constant(c.Check()),
    "CLOSE": _constant(c.Close()),
    "UNSELECT": _constant(c.Unselect()),
    **MAILBOX_COMMANDS,
    **MESSAGE_COMMANDS,
}
