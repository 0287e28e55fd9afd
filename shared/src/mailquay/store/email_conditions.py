"""What a query may ask of an email (RFC 8621 §4.4.1). No I/O here.

What only the message itself tells, `InBody` and `InHeader`, is worked out by whoever holds the
messages: of the emails that `candidates` matches, and put in as `Ids` by `substitute`.
"""

from collections.abc import Iterator, Mapping
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
    "InBody",
    "InHeader",
    "InMailbox",
    "InOtherMailbox",
    "KeptField",
    "MessageTerm",
    "NoneOf",
    "Quantifier",
    "Received",
    "SizeBelow",
    "Some",
    "ThreadHasKeyword",
    "candidates",
    "depends_on_threads",
    "message_terms",
    "substitute",
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


@dataclass(frozen=True, slots=True)
class InBody:
    """A lower-case text in one of the text parts."""

    text: str


@dataclass(frozen=True, slots=True)
class InHeader:
    """A lower-case text in a header field of that lower-case name; empty: it is there."""

    name: str
    text: str


MessageTerm = InBody | InHeader

Condition = (
    Every | Some | NoneOf | Ids | InMailbox | InOtherMailbox | HasKeyword | ThreadHasKeyword
    | Received | SizeBelow | HasAttachment | HasField | FieldContains | InBody | InHeader
)  # fmt: skip


def message_terms(condition: Condition) -> Iterator[MessageTerm]:
    """What only the messages tell."""
    match condition:
        case Every(terms) | Some(terms) | NoneOf(terms):
            for term in terms:
                yield from message_terms(term)
        case InBody() | InHeader():
            yield condition


def substitute(condition: Condition, found: Mapping[MessageTerm, tuple[int, ...]]) -> Condition:
    """The condition with the emails in which each term was found in its place."""
    match condition:
        case Every(terms):
            return Every(tuple(substitute(term, found) for term in terms))
        case Some(terms):
            return Some(tuple(substitute(term, found) for term in terms))
        case NoneOf(terms):
            return NoneOf(tuple(substitute(term, found) for term in terms))
        case InBody() | InHeader():
            return Ids(found[condition])
    return condition


def candidates(condition: Condition, *, is_negated: bool = False) -> Condition:
    """A condition without what only messages tell, which every match of this one fulfils."""
    match condition:
        case Every(terms):
            return Every(tuple(candidates(term, is_negated=is_negated) for term in terms))
        case Some(terms):
            return Some(tuple(candidates(term, is_negated=is_negated) for term in terms))
        case NoneOf(terms):
            return NoneOf(tuple(candidates(term, is_negated=not is_negated) for term in terms))
        case InBody() | InHeader():
            return Some() if is_negated else Every()
    return condition


def depends_on_threads(condition: Condition) -> bool:
    """Whether other emails of an email's thread have a say in it."""
    match condition:
        case Every(terms) | Some(terms) | NoneOf(terms):
            return any(map(depends_on_threads, terms))
    return isinstance(condition, ThreadHasKeyword)
