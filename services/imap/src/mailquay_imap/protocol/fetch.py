"""FETCH's data items (RFC 9051 §6.4.5, RFC 3516, 7162, 8474, 8514, 8970). Pure."""

import re
from dataclasses import dataclass
from typing import Final

from mailquay.message.sections import Section
from mailquay_imap.protocol.errors import ProtocolError
from mailquay_imap.protocol.reader import Reader

__all__ = ["BodyItem", "FetchItem", "SimpleItem", "parse_fetch_items", "parse_section"]

#: Items that are their name.
_SIMPLE: Final = frozenset(
    ("ENVELOPE", "FLAGS", "INTERNALDATE", "RFC822.SIZE", "BODYSTRUCTURE", "UID", "MODSEQ",
     "EMAILID", "THREADID", "SAVEDATE", "PREVIEW")
)  # fmt: skip
_MACROS: Final = {
    "ALL": ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"),
    "FAST": ("FLAGS", "INTERNALDATE", "RFC822.SIZE"),
    "FULL": ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"),
}
_NAME: Final = re.compile(rb"[A-Za-z0-9.]+")
_PART: Final = re.compile(rb"(?:[1-9]\d{0,8}\.)*[1-9]\d{0,8}")
_PARTIAL: Final = re.compile(rb"<(\d{1,19})\.(\d{1,19})>")
#: RFC 5322 §2.2: printable ASCII but for the colon.
_FIELD_NAME: Final = re.compile(rb"[!-9;-~]+")
_ATOM: Final = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\\]]+")
#: A part number deeper than any message that is looked into.
_PART_DEPTH_MAX: Final = 200
ITEMS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class SimpleItem:
    """ENVELOPE, FLAGS, INTERNALDATE, …; BODY is the short BODYSTRUCTURE."""

    name: str


@dataclass(frozen=True, slots=True)
class BodyItem:
    """Bytes of a message, under the name that the response has to carry.

    ``decoded`` undoes the transfer encoding (BINARY); ``only_size`` wants its length alone.
    """

    label: bytes
    part: tuple[int, ...] = ()
    section: Section = Section.BODY
    fields: tuple[bytes, ...] | None = None
    fields_not: bool = False
    partial: tuple[int, int] | None = None
    peek: bool = False
    decoded: bool = False
    only_size: bool = False


FetchItem = SimpleItem | BodyItem


def parse_fetch_items(reader: Reader) -> tuple[FetchItem, ...]:
    """Read a macro, an item, or items in parentheses.

    Raises:
        ProtocolError: it is none.
    """
    if not reader.try_byte(b"("):
        start = reader.position
        match = _NAME.match(reader.text, start)
        if match is not None and (macro := match[0].decode().upper()) in _MACROS:
            following = reader.text[match.end() : match.end() + 1]
            if following in (b"", b" "):
                reader.position = match.end()
                return tuple(SimpleItem(name) for name in _MACROS[macro])
        return (_item(reader),)
    items: list[FetchItem] = []
    while not reader.try_byte(b")"):
        if items:
            reader.space()
        items.append(_item(reader))
        if len(items) > ITEMS_MAX:
            raise ProtocolError("too many data items")
    if not items:
        raise ProtocolError("no data item is given")
    return tuple(items)


def _item(reader: Reader) -> FetchItem:
    match = _NAME.match(reader.text, reader.position)
    if match is None:
        raise ProtocolError("a data item is missing")
    reader.position = match.end()
    name = match[0].decode().upper()
    if name in _SIMPLE:
        if name == "PREVIEW" and reader.text.startswith(b" (", reader.position):
            _lazy(reader)
        return SimpleItem(name)
    has_section = reader.peek() == b"["
    match name:
        case "BODY" if not has_section:
            return SimpleItem("BODY")
        case "BODY" | "BODY.PEEK" if has_section:
            return _body(reader, peek=name != "BODY")
        case "BINARY" | "BINARY.PEEK" if has_section:
            return _binary(reader, peek=name != "BINARY")
        case "BINARY.SIZE" if has_section:
            return _binary_size(reader)
        case "RFC822":
            return BodyItem(b"RFC822")
        case "RFC822.HEADER":
            return BodyItem(b"RFC822.HEADER", section=Section.HEADER, peek=True)
        case "RFC822.TEXT":
            return BodyItem(b"RFC822.TEXT", section=Section.TEXT)
    raise ProtocolError(f"the data item {name[:40]} is not known")


def _lazy(reader: Reader) -> None:
    """``SP "(" "LAZY" ")"`` (RFC 8970 §6): a preview is there at once, wanted so or not."""
    reader.space()
    if reader.atom_list() != ["LAZY"]:
        raise ProtocolError("the PREVIEW modifier is not known")


def _part_number(reader: Reader) -> tuple[int, ...]:
    match = _PART.match(reader.text, reader.position)
    if match is None:
        return ()
    reader.position = match.end()
    number = tuple(int(step) for step in match[0].split(b"."))
    if len(number) > _PART_DEPTH_MAX:
        raise ProtocolError("the part number is too deep")
    return number


def _partial(reader: Reader) -> tuple[int, int] | None:
    match = _PARTIAL.match(reader.text, reader.position)
    if match is None:
        return None
    reader.position = match.end()
    if int(match[2]) == 0:
        raise ProtocolError("a partial of no bytes")
    return int(match[1]), int(match[2])


def _body(reader: Reader, *, peek: bool) -> BodyItem:
    """``"[" [section-msgtext / (section-part ["." section-text])] "]" ["<" partial ">"]``."""
    reader.byte(b"[")
    part = _part_number(reader)
    section, fields, fields_not = Section.BODY, None, False
    spec = _dotted(part)
    is_named = reader.try_byte(b".") if part else reader.peek() != b"]"
    if is_named:
        match = _NAME.match(reader.text, reader.position)
        word = b"" if match is None else match[0].upper()
        reader.position += len(word)
        spec += (b"." if part else b"") + word
        match word:
            case b"HEADER":
                section = Section.HEADER
            case b"TEXT":
                section = Section.TEXT
            case b"MIME" if part:
                section = Section.MIME
            case b"HEADER.FIELDS" | b"HEADER.FIELDS.NOT":
                section, fields_not = Section.HEADER, word.endswith(b".NOT")
                reader.space()
                fields = _field_names(reader)
                spec += b" (" + b" ".join(map(_as_astring, fields)) + b")"
            case _:
                raise ProtocolError("the body section is not known")
    reader.byte(b"]")
    partial = _partial(reader)
    label = b"BODY[" + spec + b"]" + _origin(partial)
    return BodyItem(label, part, section, fields, fields_not, partial, peek)


def parse_section(reader: Reader) -> BodyItem:
    """``section``, brackets included; nothing is set by it.

    Raises:
        ProtocolError: it is none.
    """
    return _body(reader, peek=True)


def _origin(partial: tuple[int, int] | None) -> bytes:
    return b"" if partial is None else b"<%d>" % partial[0]


def _as_astring(name: bytes) -> bytes:
    """A field name as the response repeats it: never as a literal."""
    if _ATOM.fullmatch(name):
        return name
    return b'"' + name.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def _field_names(reader: Reader) -> tuple[bytes, ...]:
    reader.byte(b"(")
    names: list[bytes] = []
    while not reader.try_byte(b")"):
        if names:
            reader.space()
        name = reader.astring()
        if not _FIELD_NAME.fullmatch(name):
            raise ProtocolError("that is no field name")
        names.append(name.upper())
    if not names:
        raise ProtocolError("no field name is given")
    return tuple(names)


def _binary(reader: Reader, *, peek: bool) -> BodyItem:
    reader.byte(b"[")
    part = _part_number(reader)
    reader.byte(b"]")
    partial = _partial(reader)
    label = b"BINARY[" + _dotted(part) + b"]" + _origin(partial)
    return BodyItem(label, part, partial=partial, peek=peek, decoded=True)


def _binary_size(reader: Reader) -> BodyItem:
    reader.byte(b"[")
    part = _part_number(reader)
    reader.byte(b"]")
    label = b"BINARY.SIZE[" + _dotted(part) + b"]"
    return BodyItem(label, part, peek=True, decoded=True, only_size=True)


def _dotted(part: tuple[int, ...]) -> bytes:
    return b".".join(b"%d" % step for step in part)
