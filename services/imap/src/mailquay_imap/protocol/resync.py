"""What a client says of its mailbox when it comes back (RFC 7162 §3.2.5). Pure."""

from dataclasses import dataclass

from mailquay_imap.protocol.errors import ProtocolError
from mailquay_imap.protocol.reader import Reader
from mailquay_imap.protocol.sequence import SequenceSet

__all__ = ["Resync", "parse_resync"]


@dataclass(frozen=True, slots=True)
class Resync:
    """The QRESYNC parameter of SELECT.

    ``matches`` are message numbers, and the uids that they had; as many of the one as of the other.
    """

    uidvalidity: int
    modseq: int
    known_uids: SequenceSet | None = None
    matches: tuple[SequenceSet, SequenceSet] | None = None


def parse_resync(reader: Reader) -> Resync:
    """``"(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")"``.

    Raises:
        ProtocolError: it is none.
    """
    reader.byte(b"(")
    uidvalidity = reader.number()
    reader.space()
    modseq = reader.number()
    if not 0 < uidvalidity < 1 << 32 or not modseq:
        raise ProtocolError("UIDVALIDITY and mod-sequence are above 0")
    known_uids: SequenceSet | None = None
    matches: tuple[SequenceSet, SequenceSet] | None = None
    if not reader.try_byte(b")"):
        reader.space()
        if reader.peek() != b"(":
            known_uids = _known_set(reader)
        if known_uids is None or reader.try_space():
            matches = _matches(reader)
        reader.byte(b")")
    return Resync(uidvalidity, modseq, known_uids, matches)


def _matches(reader: Reader) -> tuple[SequenceSet, SequenceSet]:
    """``"(" known-sequence-set SP known-uid-set ")"``."""
    reader.byte(b"(")
    numbers = _known_set(reader)
    reader.space()
    uids = _known_set(reader)
    reader.byte(b")")
    if not (numbers.is_ascending and uids.is_ascending):
        raise ProtocolError("numbers and uids are in ascending order")  # RFC 7162 §7
    if _count(numbers) != _count(uids):
        raise ProtocolError("there are more numbers than uids, or fewer")
    return numbers, uids


def _known_set(reader: Reader) -> SequenceSet:
    """A set without ``*``, which says nothing about what a client knows."""
    found = reader.sequence_set()
    if found.is_saved or found.has_star:
        raise ProtocolError("only numbers are known")
    return found


def _count(numbers: SequenceSet) -> int:
    return sum(high - low + 1 for low, high in numbers.resolve(0))
