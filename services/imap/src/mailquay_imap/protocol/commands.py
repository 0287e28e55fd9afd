"""Commands as values: what a command line means, without what is done about it. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from mailquay_imap.protocol.fetch import FetchItem
from mailquay_imap.protocol.notify import EventGroup
from mailquay_imap.protocol.resync import Resync
from mailquay_imap.protocol.returns import Partial
from mailquay_imap.protocol.search import SearchProgram
from mailquay_imap.protocol.sequence import SequenceSet
from mailquay_imap.protocol.sort import Algorithm, Criterion
from mailquay_imap.protocol.sources import Source

__all__ = [
    "BY_NUMBER", "WITH_NUMBERS", "Append", "AppendMessage", "Authenticate", "CancelUpdate",
    "Capability",
    "Check", "Close", "Command", "Compress", "Copy", "Create", "Delete", "Enable", "Expunge",
    "Fetch", "GetJmapAccess", "GetQuota", "GetQuotaRoot", "Id", "Idle", "Language", "List",
    "ListReturn", "Login", "Logout", "Lsub", "MultiSearch", "Namespace", "Noop", "Notify", "Rename",
    "Replace", "Search", "Select", "SetQuota", "Sort", "StartTls", "Status", "Store",
    "Subscribe", "Thread", "UidBatches", "Unauthenticate", "Unselect",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Capability:
    """RFC 9051 §6.1.1."""


@dataclass(frozen=True, slots=True)
class Noop:
    """RFC 9051 §6.1.2."""


@dataclass(frozen=True, slots=True)
class Logout:
    """RFC 9051 §6.1.3."""


@dataclass(frozen=True, slots=True)
class Id:
    """RFC 2971; ``fields`` of the client, None for NIL."""

    fields: tuple[tuple[str, str], ...] | None


@dataclass(frozen=True, slots=True)
class StartTls:
    """RFC 9051 §6.2.1."""


@dataclass(frozen=True, slots=True)
class Authenticate:
    """RFC 9051 §6.2.2; ``initial`` is base64, ``=`` for empty (RFC 4959)."""

    mechanism: str
    initial: bytes | None


@dataclass(frozen=True, slots=True)
class Login:
    """RFC 9051 §6.2.3."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unauthenticate:
    """RFC 8437."""


@dataclass(frozen=True, slots=True)
class Compress:
    """RFC 4978; the mechanism upper case."""

    mechanism: str


@dataclass(frozen=True, slots=True)
class Language:
    """RFC 5255 §3.2; without ranges, which languages there are."""

    ranges: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GetJmapAccess:
    """RFC 9698."""


@dataclass(frozen=True, slots=True)
class Enable:
    """RFC 9051 §6.3.1."""

    capabilities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Select:
    """SELECT, or EXAMINE with ``read_only`` (RFC 9051 §6.3.2, §6.3.3; RFC 7162 §3.1.8, §3.2.5)."""

    mailbox: str
    read_only: bool
    condstore: bool = False
    resync: Resync | None = None


@dataclass(frozen=True, slots=True)
class Create:
    """RFC 9051 §6.3.4; ``special_use`` by RFC 6154 §3, upper case."""

    mailbox: str
    special_use: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delete:
    """RFC 9051 §6.3.5."""

    mailbox: str


@dataclass(frozen=True, slots=True)
class Rename:
    """RFC 9051 §6.3.6."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Subscribe:
    """SUBSCRIBE, or UNSUBSCRIBE with ``on`` False (RFC 9051 §6.3.7, §6.3.8)."""

    mailbox: str
    on: bool


@dataclass(frozen=True, slots=True)
class ListReturn:
    """What LIST is to return (RFC 5258, RFC 5819, RFC 6154)."""

    subscribed: bool = False
    children: bool = False
    special_use: bool = False
    status: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class List:
    """RFC 9051 §6.3.9."""

    reference: str
    patterns: tuple[str, ...]
    only_subscribed: bool = False
    only_special_use: bool = False
    recursive: bool = False
    is_extended: bool = False
    returns: ListReturn = ListReturn()


@dataclass(frozen=True, slots=True)
class Lsub:
    """RFC 3501 §6.3.9."""

    reference: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Namespace:
    """RFC 9051 §6.3.10."""


@dataclass(frozen=True, slots=True)
class Status:
    """RFC 9051 §6.3.11; items upper case."""

    mailbox: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AppendMessage:
    """A message, and what it is to have in its mailbox; ``is_utf8`` by RFC 6855 §4.

    With ``parts`` it is what these come to: bytes, and URLs of some (RFC 4469).
    """

    flags: tuple[str, ...]
    date: datetime | None
    message: bytes = field(repr=False)
    is_utf8: bool = False
    parts: tuple[bytes | str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Append:
    """RFC 9051 §6.3.12; several messages by RFC 3502."""

    mailbox: str
    messages: tuple[AppendMessage, ...]


@dataclass(frozen=True, slots=True)
class Replace:
    """RFC 8508; ``target`` is one number or uid."""

    target: SequenceSet
    mailbox: str
    message: AppendMessage
    by_uid: bool


@dataclass(frozen=True, slots=True)
class Idle:
    """RFC 9051 §6.3.13."""


@dataclass(frozen=True, slots=True)
class Notify:
    """RFC 5465; ``groups`` None is NOTIFY NONE."""

    groups: tuple[EventGroup, ...] | None
    status: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """RFC 3501 §6.4.1."""


@dataclass(frozen=True, slots=True)
class Close:
    """RFC 9051 §6.4.1."""


@dataclass(frozen=True, slots=True)
class Unselect:
    """RFC 9051 §6.4.2."""


@dataclass(frozen=True, slots=True)
class Expunge:
    """EXPUNGE, or UID EXPUNGE with ``uids`` (RFC 9051 §6.4.3, §6.4.9)."""

    uids: SequenceSet | None


@dataclass(frozen=True, slots=True)
class Search:
    """RFC 9051 §6.4.4."""

    program: SearchProgram
    by_uid: bool


@dataclass(frozen=True, slots=True)
class CancelUpdate:
    """RFC 5267 §4.3.5."""

    tags: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class MultiSearch:
    """ESEARCH (RFC 7377); without sources, of the selected mailbox."""

    sources: tuple[Source, ...] | None
    program: SearchProgram


@dataclass(frozen=True, slots=True)
class Sort:
    """RFC 5256 §3; extended by RFC 5267 §3.1."""

    criteria: tuple[Criterion, ...]
    program: SearchProgram
    by_uid: bool


@dataclass(frozen=True, slots=True)
class Thread:
    """RFC 5256 §3."""

    algorithm: Algorithm
    program: SearchProgram
    by_uid: bool


@dataclass(frozen=True, slots=True)
class Fetch:
    """RFC 9051 §6.4.5; CHANGEDSINCE by RFC 7162 §3.1.4.1, ``vanished`` by §3.2.6; RFC 9394 §3.3."""

    targets: SequenceSet
    items: tuple[FetchItem, ...]
    changed_since: int | None
    by_uid: bool
    vanished: bool = False
    partial: Partial | None = None


@dataclass(frozen=True, slots=True)
class UidBatches:
    """RFC 10022: batches of ``size`` messages, the ``first`` to the ``last``, None for all."""

    size: int
    first: int = 1
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Store:
    """RFC 9051 §6.4.6; ``change`` is ``+``, ``-`` or empty; UNCHANGEDSINCE by RFC 7162 §3.1.3."""

    targets: SequenceSet
    change: str
    flags: tuple[str, ...]
    silent: bool
    unchanged_since: int | None
    by_uid: bool


@dataclass(frozen=True, slots=True)
class Copy:
    """COPY, or MOVE with ``move`` (RFC 9051 §6.4.7, §6.4.8)."""

    targets: SequenceSet
    mailbox: str
    move: bool
    by_uid: bool


@dataclass(frozen=True, slots=True)
class GetQuota:
    """RFC 9208 §4.1.1."""

    root: str


@dataclass(frozen=True, slots=True)
class GetQuotaRoot:
    """RFC 9208 §4.1.2."""

    mailbox: str


@dataclass(frozen=True, slots=True)
class SetQuota:
    """RFC 9208 §4.1.3."""

    root: str


#: Commands, when they are not by uid, in which numbers mean what they did before (RFC 9051 §7.5.1).
WITH_NUMBERS: Final = (Fetch, Search, Sort, Store, Thread)
#: Commands that take or tell message numbers when they are not by uid (RFC 9586 §3.1).
BY_NUMBER: Final = (*WITH_NUMBERS, Copy, Replace)
Command = (
    Capability | Noop | Logout | Id | StartTls | Authenticate | Login | Enable | Select | Create
    | Delete | Rename | Subscribe | List | Lsub | Namespace | Status | Append | Idle | Check
    | Close | Unselect | Expunge | Search | Sort | Thread | Fetch | Store | Copy | GetQuota
    | GetQuotaRoot | SetQuota | Unauthenticate | Compress | Replace
    | Language | GetJmapAccess | MultiSearch | Notify | CancelUpdate
    | UidBatches
)  # fmt: skip
