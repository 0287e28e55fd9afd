"""What a query may ask of an email (RFC 8621 §4.4.1). No I/O here.

What only a body tells is worked out elsewhere and comes in as `Ids`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

__all__ = [
    "Condition",
    "Every",
    "FieldContains",
    "HasAttachment",
    "HasField",
    "HasKeyword",
    "Ids",
    "InMailbox",
    "InOtherMailbox",
    "KeptField",
    "NoneOf",
    "Quantifier",
    "Received",
    "SizeBelow",
    "Some",
    "ThreadHasKeyword",
]


class KeptField(Enum):
    """Header fields whose decoded text is kept with each email, by column."""

    FROM = "from_"
    TO = "to_"
    CC = "cc"
    BCC = "bcc"
    SUBJECT = "subject"


class Quantifier(Enum):
    """How many emails of a thread have the keyword."""

    ALL = "all"
    SOME = "some"


@dataclass(frozen=True, slots=True)
class Every:
    """All of them; of none: true."""

    terms: tuple["Condition", ...] = ()


@dataclass(frozen=True, slots=True)
class Some:
    """Any of them; of none: false."""

    terms: tuple["Condition", ...] = ()


@dataclass(frozen=True, slots=True)
class NoneOf:
    """Not one of them."""

    terms: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Ids:
    """These emails."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class InMailbox:
    """The email is in that mailbox."""

    mailbox_id: int


@dataclass(frozen=True, slots=True)
class InOtherMailbox:
    """The email is in a mailbox that is none of these."""

    mailbox_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class HasKeyword:
    """A keyword, in any case; ``flag`` is its bit where it is a system flag, else 0."""

    flag: int
    keyword: str


@dataclass(frozen=True, slots=True)
class ThreadHasKeyword:
    """All or some emails of the email's thread have the keyword."""

    quantifier: Quantifier
    keyword: HasKeyword


@dataclass(frozen=True, slots=True)
class Received:
    """Received from ``since`` (inclusive) until ``before`` (exclusive); None is open."""

    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class SizeBelow:
    """Fewer than so many bytes."""

    size: int


@dataclass(frozen=True, slots=True)
class HasAttachment:
    """Has one that a person would call so."""


@dataclass(frozen=True, slots=True)
class HasField:
    """Has the field, and something in it."""

    field: KeptField


@dataclass(frozen=True, slots=True)
class FieldContains:
    """A substring of the field's decoded text, in any case."""

    field: KeptField
    text: str


Condition = (
    Every | Some | NoneOf | Ids | InMailbox | InOtherMailbox | HasKeyword | ThreadHasKeyword
    | Received | SizeBelow | HasAttachment | HasField | FieldContains
)  # fmt: skip
