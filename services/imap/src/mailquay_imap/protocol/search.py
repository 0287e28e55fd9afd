"""SEARCH's program (RFC 9051 §6.4.4, RFC 5032, 5182, 7162 §3.1.5, RFC 8474, 8514). Pure."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal

from mailquay.message.charsets import find_codec
from mailquay_imap.protocol.errors import BadCharset, ProtocolError
from mailquay_imap.protocol.reader import DEPTH_MAX, Reader
from mailquay_imap.protocol.returns import Returns, parse_returns
from mailquay_imap.protocol.sequence import SequenceSet

__all__ = [
    "AndKey", "DateKey", "FlagKey", "HeaderKey", "IdKey", "KeywordKey", "ModSeqKey",
    "NotKey", "OrKey", "SearchKey", "SearchProgram", "SetKey", "SizeKey", "TextKey", "WithinKey",
    "names_numbers", "parse_charset_and_keys", "parse_keys", "parse_search",
]  # fmt: skip

#: Keys of one program; more is no question that a person asks.
KEYS_MAX: Final = 2000


@dataclass(frozen=True, slots=True)
class AndKey:
    """All of them; none is ALL."""

    keys: tuple["SearchKey", ...]


@dataclass(frozen=True, slots=True)
class OrKey:
    """Either."""

    first: "SearchKey"
    second: "SearchKey"


@dataclass(frozen=True, slots=True)
class NotKey:
    """Not that."""

    key: "SearchKey"


@dataclass(frozen=True, slots=True)
class FlagKey:
    r"""A system flag, ``SEEN`` and so on; RECENT too."""

    name: str


@dataclass(frozen=True, slots=True)
class KeywordKey:
    """A keyword."""

    keyword: str


@dataclass(frozen=True, slots=True)
class SetKey:
    """Sequence numbers, or uids."""

    numbers: SequenceSet
    by_uid: bool


@dataclass(frozen=True, slots=True)
class SizeKey:
    """LARGER or SMALLER."""

    size: int
    is_larger: bool


@dataclass(frozen=True, slots=True)
class DateKey:
    """BEFORE, ON, SINCE some day; of INTERNALDATE, the Date field, or SAVEDATE (RFC 8514)."""

    relation: str
    day: date
    kind: Literal["RECEIVED", "SENT", "SAVED"]


@dataclass(frozen=True, slots=True)
class WithinKey:
    """OLDER or YOUNGER than so many seconds (RFC 5032)."""

    seconds: int
    is_older: bool


@dataclass(frozen=True, slots=True)
class HeaderKey:
    """A substring of a field; an empty one: the field is there."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class TextKey:
    """A substring of the body, or of header and body."""

    text: str
    with_header: bool


@dataclass(frozen=True, slots=True)
class ModSeqKey:
    """RFC 7162 §3.1.5; the entry name is of no matter, as flags have one modseq together."""

    modseq: int


@dataclass(frozen=True, slots=True)
class IdKey:
    """EMAILID or THREADID (RFC 8474 §5.3)."""

    is_thread: bool
    object_id: str


SearchKey = (
    AndKey | OrKey | NotKey | FlagKey | KeywordKey | SetKey | SizeKey | DateKey | HeaderKey
    | TextKey | ModSeqKey | IdKey | WithinKey
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SearchProgram:
    """``returns`` None: the old SEARCH response; else the ESEARCH result options."""

    key: SearchKey
    returns: Returns | None
    has_modseq: bool
    has_charset: bool = False  # where it need not be said


_FLAGS: Final = frozenset(("ANSWERED", "DELETED", "DRAFT", "FLAGGED", "SEEN", "RECENT"))
_UNFLAGS: Final = {f"UN{name}": name for name in _FLAGS - {"RECENT"}}
_FIELDS: Final = frozenset(("BCC", "CC", "FROM", "SUBJECT", "TO"))


def parse_search(reader: Reader) -> SearchProgram:
    """Read everything behind SEARCH and its space.

    Raises:
        ProtocolError: it is no program.
        BadCharset: its texts are in a charset that is not known.
    """
    returns = parse_returns(reader)
    if reader.upcoming_keyword() != "CHARSET":
        return parse_keys(reader, "utf-8", returns)
    reader.keyword()
    reader.space()
    return replace(parse_charset_and_keys(reader, returns), has_charset=True)


def parse_charset_and_keys(reader: Reader, returns: Returns | None) -> SearchProgram:
    """A charset and what is searched for in it, as SORT and THREAD have them (RFC 5256 §3).

    Raises:
        ProtocolError: it is no program.
        BadCharset: the charset is not known.
    """
    charset = reader.astring().decode("ascii", "replace")
    codec = find_codec(charset)
    if codec is None:
        raise BadCharset(charset, saves=returns is not None and "SAVE" in returns.names)
    reader.space()
    return parse_keys(reader, codec, returns)


def parse_keys(reader: Reader, codec: str, returns: Returns | None) -> SearchProgram:
    """``search-key *(SP search-key)``, all of them to match.

    Raises:
        ProtocolError: it is none.
    """
    parser = _Parser(reader, codec)
    keys = [parser.key(0)]
    while reader.try_space():
        keys.append(parser.key(0))
    return SearchProgram(
        keys[0] if len(keys) == 1 else AndKey(tuple(keys)), returns, parser.has_modseq
    )


def names_numbers(key: SearchKey) -> bool:
    """Whether a key names message numbers or ``$``, which are of the selected mailbox alone."""
    match key:
        case AndKey(keys):
            return any(map(names_numbers, keys))
        case OrKey(first, second):
            return names_numbers(first) or names_numbers(second)
        case NotKey(inner):
            return names_numbers(inner)
        case SetKey(numbers, by_uid):
            return not by_uid or numbers.is_saved
    return False


class _Parser:
    def __init__(self, reader: Reader, codec: str) -> None:
        self._reader = reader
        self._codec = codec
        self._count = 0
        self.has_modseq = False

    def _text(self) -> str:
        value = self._reader.astring()
        try:
            text = value.decode(self._codec)
            text.encode("utf-8")  # some charsets can write lone surrogates
        except UnicodeError as error:
            raise ProtocolError("the text is not in the charset of the search") from error
        return text.replace("\0", "")  # nor is NUL in any text, though UTF-16 can write it

    def key(self, depth: int) -> SearchKey:
        """One search-key."""
        self._count += 1
        if depth > DEPTH_MAX or self._count > KEYS_MAX:
            raise ProtocolError("the search is too complex")
        reader = self._reader
        if reader.try_byte(b"("):
            keys = [self.key(depth + 1)]
            while not reader.try_byte(b")"):
                reader.space()
                keys.append(self.key(depth + 1))
            return AndKey(tuple(keys))
        if reader.peek() in (b"$", b"*") or reader.peek().isdigit():
            return SetKey(reader.sequence_set(), by_uid=False)
        return self._named(reader.keyword(), depth)

    def _named(self, name: str, depth: int) -> SearchKey:  # noqa: C901, PLR0912  # a case each
        reader = self._reader
        if name in _FLAGS:
            return FlagKey(name)
        if name in _UNFLAGS:
            return NotKey(FlagKey(_UNFLAGS[name]))
        match name:
            case "ALL" | "SAVEDATESUPPORTED":  # RFC 8514 §4.3: it is kept of all of them
                return AndKey(())
            case "NEW":
                return AndKey((FlagKey("RECENT"), NotKey(FlagKey("SEEN"))))
            case "OLD":
                return NotKey(FlagKey("RECENT"))
        if reader.at_end:
            raise ProtocolError(f"the search key {name[:40]} is not known, or lacks its argument")
        reader.space()
        if name in _FIELDS:
            return HeaderKey(name, self._text())
        match name:
            case "NOT":
                return NotKey(self.key(depth + 1))
            case "OR":
                first = self.key(depth + 1)
                reader.space()
                return OrKey(first, self.key(depth + 1))
            case "HEADER":
                return self._header()
            case "BODY" | "TEXT":
                return TextKey(self._text(), with_header=name == "TEXT")
            case "KEYWORD":
                return KeywordKey(reader.atom().decode("ascii"))
            case "UNKEYWORD":
                return NotKey(KeywordKey(reader.atom().decode("ascii")))
            case "LARGER" | "SMALLER":
                return SizeKey(reader.number(), is_larger=name == "LARGER")
            case "UID":
                return SetKey(reader.sequence_set(), by_uid=True)
            case "BEFORE" | "ON" | "SINCE":
                return DateKey(name, reader.date(), "RECEIVED")
            case "SENTBEFORE" | "SENTON" | "SENTSINCE":
                return DateKey(name[4:], reader.date(), "SENT")
            case "SAVEDBEFORE" | "SAVEDON" | "SAVEDSINCE":
                return DateKey(name[5:], reader.date(), "SAVED")
            case "OLDER" | "YOUNGER":
                return self._within(name)
            case "MODSEQ":
                return self._modseq()
            case "EMAILID" | "THREADID":
                object_id = reader.astring().decode("ascii", "replace")
                return IdKey(name == "THREADID", object_id)
        raise ProtocolError(f"the search key {name[:40]} is not known")

    def _within(self, name: str) -> WithinKey:
        """``("OLDER" / "YOUNGER") SP nz-number`` (RFC 5032 §3)."""
        seconds = self._reader.number()
        if not 0 < seconds < 1 << 32:
            raise ProtocolError("the interval is from 1 to 4294967295 seconds")
        return WithinKey(seconds, is_older=name == "OLDER")

    def _header(self) -> HeaderKey:
        field = self._reader.astring()
        if not field.isascii():
            raise ProtocolError("that is no field name")
        self._reader.space()
        return HeaderKey(field.decode("ascii").upper(), self._text())

    def _modseq(self) -> ModSeqKey:
        """``["entry-name" SP entry-type SP] mod-sequence-valzer`` (RFC 7162 §3.1.5)."""
        self.has_modseq = True
        if self._reader.try_string() is not None:  # entry-name and entry-type-req
            self._reader.space()
            if self._reader.keyword() not in ("PRIV", "SHARED", "ALL"):
                raise ProtocolError("the entry type is not known")
            self._reader.space()
        return ModSeqKey(self._reader.number())
