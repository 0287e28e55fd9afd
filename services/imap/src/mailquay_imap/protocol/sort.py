"""SORT's criteria and THREAD's algorithms (RFC 5256 §3, RFC 5957). Pure."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from mailquay_imap.protocol.errors import ProtocolError
from mailquay_imap.protocol.reader import Reader

__all__ = ["CRITERIA_MAX", "Algorithm", "Criterion", "SortKey", "parse_algorithm", "parse_criteria"]

#: More than there are keys, each in both directions, is no order that a person asks for.
CRITERIA_MAX: Final = 20


class SortKey(Enum):
    """RFC 5256 §3; the last two RFC 5957 §3."""

    ARRIVAL = "ARRIVAL"
    CC = "CC"
    DATE = "DATE"
    FROM = "FROM"
    SIZE = "SIZE"
    SUBJECT = "SUBJECT"
    TO = "TO"
    DISPLAYFROM = "DISPLAYFROM"
    DISPLAYTO = "DISPLAYTO"


@dataclass(frozen=True, slots=True)
class Criterion:
    """A key, and whether it sorts from the end."""

    key: SortKey
    is_reverse: bool = False


class Algorithm(Enum):
    """How messages are put into threads (RFC 5256 §3; draft-ietf-morg-inthread)."""

    ORDEREDSUBJECT = "ORDEREDSUBJECT"
    REFERENCES = "REFERENCES"
    REFS = "REFS"


def parse_criteria(reader: Reader) -> tuple[Criterion, ...]:
    """``"(" sort-criterion *(SP sort-criterion) ")"``.

    Raises:
        ProtocolError: a criterion is not known.
    """
    reader.byte(b"(")
    criteria: list[Criterion] = []
    while not criteria or not reader.try_byte(b")"):
        if criteria:
            reader.space()
        name = reader.keyword()
        is_reverse = name == "REVERSE"
        if is_reverse:
            reader.space()
            name = reader.keyword()
        if name not in SortKey.__members__:
            raise ProtocolError(f"the sort criterion {name[:40]} is not known")
        criteria.append(Criterion(SortKey(name), is_reverse))
        if len(criteria) > CRITERIA_MAX:
            raise ProtocolError("too many sort criteria")
    return tuple(criteria)


def parse_algorithm(reader: Reader) -> Algorithm:
    """Require the name of an algorithm.

    Raises:
        ProtocolError: it is not known.
    """
    name = reader.keyword()
    if name not in Algorithm.__members__:
        raise ProtocolError(f"the algorithm {name[:40]} is not known")
    return Algorithm(name)
