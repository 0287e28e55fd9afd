"""Searching an account's messages: an expression, and its translation into SQL.

IMAP's SEARCH (RFC 9051 §6.4.4) and JMAP's Email/query (RFC 8621 §4.4) both come to this. What
Postgres cannot tell, because only the body knows, is a `Body` or `Text` term: `matches` then gives
candidates, and whoever holds the bodies decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from mailquay.store.engine import Engine
from mailquay.store.types import AccountId, MailboxId

__all__ = [
    "All",
    "And",
    "DateField",
    "EmailIds",
    "Expression",
    "Field",
    "FieldContains",
    "FieldIsCut",
    "HasAttachment",
    "HasFlag",
    "HasKeyword",
    "InMailbox",
    "InThreads",
    "LargerThan",
    "ModSeqAtLeast",
    "Not",
    "Or",
    "Range",
    "Searches",
    "SmallerThan",
    "SortBy",
    "SortKey",
    "UidIn",
]


class Field(Enum):
    """Decoded header text kept with each email, by SQL."""

    FROM = "e.from_"
    TO = "e.to_"
    CC = "e.cc"
    BCC = "e.bcc"
    SUBJECT = "e.subject"
    MESSAGE_ID = "('<' || e.message_id || '>')"  # as the field has it, and clients ask for it
    PREVIEW = "e.preview"


class DateField(Enum):
    """Dates, by column; SAVED is the place's (RFC 8514)."""

    RECEIVED = "e.received_at"
    SENT = "coalesce(e.sent_at, e.received_at)"
    SAVED = "p.saved_at"


@dataclass(frozen=True, slots=True)
class All:
    """Every message."""


@dataclass(frozen=True, slots=True)
class And:
    """All of them; of none: true."""

    terms: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them; of none: false."""

    terms: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Not that."""

    term: "Expression"


@dataclass(frozen=True, slots=True)
class HasFlag:
    """All of these flag bits are set."""

    flag: int


@dataclass(frozen=True, slots=True)
class HasKeyword:
    """A keyword, in any case."""

    keyword: str


@dataclass(frozen=True, slots=True)
class UidIn:
    """Uids, as closed ranges."""

    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class EmailIds:
    """These emails."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class InThreads:
    """Emails of these threads."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class InMailbox:
    """The email is (also) in that mailbox."""

    mailbox_id: int


@dataclass(frozen=True, slots=True)
class LargerThan:
    """More than so many bytes."""

    size: int


@dataclass(frozen=True, slots=True)
class SmallerThan:
    """Fewer than so many bytes."""

    size: int


@dataclass(frozen=True, slots=True)
class Range:
    """From ``since`` (inclusive) until ``before`` (exclusive); None is open."""

    field: DateField
    since: datetime | None
    before: datetime | None


@dataclass(frozen=True, slots=True)
class FieldContains:
    """A substring in any case (RFC 9051 §6.4.4)."""

    field: Field
    text: str


@dataclass(frozen=True, slots=True)
class FieldIsCut:
    """What is kept of the field may not be all of it: there is none, or it fills its column."""

    field: Field
    characters: int


@dataclass(frozen=True, slots=True)
class HasAttachment:
    """Has one that a person would call so."""


@dataclass(frozen=True, slots=True)
class ModSeqAtLeast:
    """Changed at that modseq or later (RFC 7162 §3.1.5)."""

    modseq: int


Expression = (
    All | And | Or | Not | HasFlag | HasKeyword | UidIn | EmailIds | InThreads | InMailbox
    | LargerThan | SmallerThan | Range | FieldContains | FieldIsCut | HasAttachment | ModSeqAtLeast
)  # fmt: skip


class SortKey(Enum):
    """What to sort by (RFC 8621 §4.4.2), by SQL."""

    RECEIVED = "e.received_at"
    SENT = "coalesce(e.sent_at, e.received_at)"
    SIZE = "e.size"
    FROM = "lower(e.from_)"
    TO = "lower(e.to_)"
    SUBJECT = "lower(e.base_subject)"
    UID = "p.uid"


@dataclass(frozen=True, slots=True)
class SortBy:
    """One key of a sort."""

    key: SortKey
    ascending: bool = True


class _Sql:
    """Builds a condition and its arguments; every value is an argument."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments: list[Any] = list(arguments)

    def argument(self, value: Any) -> str:
        self.arguments.append(value)
        return f"${len(self.arguments)}"

    def condition(self, expression: Expression) -> str:  # noqa: C901, PLR0912  # a case each
        match expression:
            case All():
                return "true"
            case And(terms):
                return "(" + " AND ".join(["true", *(self.condition(t) for t in terms)]) + ")"
            case Or(terms):
                return "(" + " OR ".join(["false", *(self.condition(t) for t in terms)]) + ")"
            case Not(term):
                return f"NOT {self.condition(term)}"
            case HasFlag(flag):
                return f"(p.flags & {int(flag)} = {int(flag)})"
            case HasKeyword(keyword):
                value = self.argument(keyword.lower())
                return f"EXISTS (SELECT 1 FROM unnest(p.keywords) k WHERE lower(k) = {value})"
            case UidIn(ranges):
                low = self.argument([low for low, _ in ranges])
                high = self.argument([high for _, high in ranges])
                return (
                    f"EXISTS (SELECT 1 FROM unnest({low}::bigint[], {high}::bigint[]) r(a, b) "
                    "WHERE p.uid BETWEEN r.a AND r.b)"
                )
            case EmailIds(ids):
                return f"(p.email_id = ANY({self.argument(list(ids))}::bigint[]))"
            case InThreads(ids):
                return f"(e.thread_id = ANY({self.argument(list(ids))}::bigint[]))"
            case InMailbox(mailbox_id):
                return (
                    "EXISTS (SELECT 1 FROM mailbox_email q WHERE q.account_id = $1 "
                    f"AND q.email_id = e.id AND q.mailbox_id = {self.argument(mailbox_id)})"
                )
            case LargerThan(size):
                return f"(p.size > {self.argument(size)})"
            case SmallerThan(size):
                return f"(p.size < {self.argument(size)})"
            case Range():
                return self._range(expression)
            case FieldContains(field, text):
                return f"({field.value} ILIKE {self.argument(_like(text))})"
            case FieldIsCut(field, characters):
                return f"(coalesce(length({field.value}), {characters:d}) >= {characters:d})"
            case HasAttachment():
                return "e.has_attachment"
            case ModSeqAtLeast(modseq):
                return f"(p.modseq >= {self.argument(modseq)})"

    def _range(self, term: Range) -> str:
        parts = ["true"]
        if term.since is not None:
            parts.append(f"{term.field.value} >= {self.argument(term.since)}")
        if term.before is not None:
            parts.append(f"{term.field.value} < {self.argument(term.before)}")
        return f"({' AND '.join(parts)})"


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%".replace("\0", "")


_FROM = (
    "FROM mailbox_email p JOIN email e ON e.account_id = p.account_id AND e.id = p.email_id "
    "WHERE p.account_id = $1"
)


class Searches:
    """Runs expressions; each call is one statement."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def in_mailbox(
        self, account_id: AccountId, mailbox_id: MailboxId, expression: Expression
    ) -> list[int]:
        """Uids that match in one mailbox, ascending."""
        sql = _Sql(account_id, mailbox_id)
        condition = sql.condition(expression)
        statement = f"SELECT p.uid {_FROM} AND p.mailbox_id = $2 AND {condition} ORDER BY p.uid"
        async with self._engine.search() as c:
            rows = await c.fetch(statement, *sql.arguments)
        return [row[0] for row in rows]

    async def in_account(
        self, account_id: AccountId, expression: Expression, sort: Sequence[SortBy]
    ) -> list[tuple[int, int]]:
        """Emails that match in any mailbox with their threads, each once, sorted."""
        sql = _Sql(account_id)
        condition = sql.condition(expression)
        keys = [f"{s.key.value} {'ASC' if s.ascending else 'DESC'}" for s in sort]
        order = ", ".join([*keys, "e.id DESC"])
        statement = (
            f"SELECT e.id, e.thread_id FROM email e WHERE e.account_id = $1 AND EXISTS ("
            "SELECT 1 FROM mailbox_email p WHERE p.account_id = $1 AND p.email_id = e.id "
            f"AND {condition}) ORDER BY {order}"
        )
        async with self._engine.search() as c:
            rows = await c.fetch(statement, *sql.arguments)
        return [(row[0], row[1]) for row in rows]
