"""Searching a mailbox by what is kept of its messages: an expression, and its SQL.

What IMAP's SEARCH (RFC 9051 §6.4.4) asks of Postgres; of flags and sizes the views know, and what
only the body tells, whoever holds the bodies decides. JMAP's queries are `email_queries`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from mailquay.store.engine import Engine
from mailquay.store.types import AccountId, MailboxId

__all__ = [
    "And",
    "DateField",
    "Expression",
    "Field",
    "FieldContains",
    "FieldIsCut",
    "FieldIsWide",
    "InThreads",
    "Range",
    "Searches",
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
class And:
    """All of them; of none: true."""

    terms: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class UidIn:
    """Uids, as closed ranges."""

    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class InThreads:
    """Emails of these threads."""

    ids: tuple[int, ...]


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
class FieldIsWide:
    """What is kept of the field is not all ASCII."""

    field: Field


Expression = And | UidIn | InThreads | Range | FieldContains | FieldIsCut | FieldIsWide


class _Sql:
    """Builds a condition and its arguments; every value is an argument."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments: list[Any] = list(arguments)

    def argument(self, value: Any) -> str:
        self.arguments.append(value)
        return f"${len(self.arguments)}"

    def condition(self, expression: Expression) -> str:
        match expression:
            case And(terms):
                return "(" + " AND ".join(["true", *(self.condition(t) for t in terms)]) + ")"
            case UidIn(ranges):
                low = self.argument([low for low, _ in ranges])
                high = self.argument([high for _, high in ranges])
                return (
                    f"EXISTS (SELECT 1 FROM unnest({low}::bigint[], {high}::bigint[]) r(a, b) "
                    "WHERE p.uid BETWEEN r.a AND r.b)"
                )
            case InThreads(ids):
                return f"(e.thread_id = ANY({self.argument(list(ids))}::bigint[]))"
            case Range():
                return self._range(expression)
            case FieldContains(field, text):
                return f"({field.value} ILIKE {self.argument(_like(text))})"
            case FieldIsWide(field):
                return f"(octet_length({field.value}) <> length({field.value}))"
            case FieldIsCut(field, characters):
                return f"(coalesce(length({field.value}), {characters:d}) >= {characters:d})"

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
