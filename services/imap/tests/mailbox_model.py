"""What a mailbox is, and what a client believes of it by the untagged responses alone. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["ModelMailbox", "Picture", "Slot", "changed_flags", "read_set", "write_set"]

_NUMBERED = re.compile(rb"\* (\d+) (EXISTS|EXPUNGE|FETCH|UIDFETCH)(?: \((.*)\))?", re.DOTALL)
_VANISHED = re.compile(rb"\* VANISHED( \(EARLIER\))? (\S+)")
_HIGHEST = re.compile(rb"\* OK \[HIGHESTMODSEQ (\d+)\]")
_UID = re.compile(rb"\bUID (\d+)")
_FLAGS = re.compile(rb"\bFLAGS \(([^)]*)\)")
_MODSEQ = re.compile(rb"\bMODSEQ \((\d+)\)")


def read_set(text: bytes) -> list[int]:
    """The numbers of a set without ``*``."""
    numbers: list[int] = []
    for part in text.split(b","):
        low, _, high = part.partition(b":")
        numbers += range(int(low), int(high or low) + 1)
    return numbers


def write_set(numbers: Iterable[int]) -> bytes:
    """A set that names each of these."""
    return b",".join(b"%d" % number for number in numbers)


def changed_flags(flags: frozenset[bytes], sign: bytes, by: frozenset[bytes]) -> frozenset[bytes]:
    r"""What STORE makes of a message's flags (RFC 9051 §6.4.6); ``sign`` is ``+``, ``-`` or none."""
    return flags | by if sign == b"+" else flags - by if sign == b"-" else by


@dataclass
class ModelMailbox:
    """A mailbox as it has to be; modseqs are learnt, and have to fit what was done."""

    messages: dict[int, frozenset[bytes]] = field(default_factory=dict)
    uidnext: int = 1
    modseqs: dict[int, int] = field(default_factory=dict)
    highest: int = 0
    #: Uids whose modseq must have risen since the last look, and those whose may have.
    changed: set[int] = field(default_factory=set)
    touched: set[int] = field(default_factory=set)

    def add(self, flags: frozenset[bytes]) -> int:
        """A message comes; returns its uid."""
        uid, self.uidnext = self.uidnext, self.uidnext + 1
        self.messages[uid] = flags
        self.changed.add(uid)
        return uid

    def store(self, uids: Iterable[int], sign: bytes, flags: frozenset[bytes]) -> None:
        """Flags are changed."""
        for uid in uids:
            before = self.messages[uid]
            self.messages[uid] = changed_flags(before, sign, flags)
            (self.touched if self.messages[uid] == before else self.changed).add(uid)

    def expunge(self, uids: Iterable[int] | None = None) -> None:
        r"""What has \Deleted goes, of these or of all."""
        for uid in list(self.messages if uids is None else uids):
            if b"\\Deleted" in self.messages.get(uid, ()):
                self.remove(uid)

    def remove(self, uid: int) -> None:
        """A message goes."""
        del self.messages[uid]
        self.modseqs.pop(uid, None)

    def learn(self, flags: dict[int, frozenset[bytes]], modseqs: dict[int, int]) -> None:
        """What is there now: the same messages, and modseqs that rose where they must (RFC 7162 §3.1)."""
        assert flags == self.messages
        for uid, modseq in modseqs.items():
            if uid in self.changed:
                assert modseq > self.highest, (uid, modseq, self.highest)
            elif uid not in self.touched:
                assert modseq == self.modseqs[uid], (uid, modseq, self.modseqs[uid])
            assert modseq >= self.modseqs.get(uid, 0)
        self.modseqs = modseqs
        self.highest = max([self.highest, *modseqs.values()])
        self.changed.clear()
        self.touched.clear()


@dataclass
class Slot:
    """A message in a client's picture; None is what it was not told."""

    uid: int | None = None
    flags: frozenset[bytes] | None = None
    modseq: int = 0


@dataclass
class Picture:
    """A client's picture of the mailbox that it has selected.

    Args:
        slots: by message number, less one.
        modseq: what it would come back with (RFC 7162 §3.2.5).
        uidvalidity: what its uids belong to.
        by_uid: it is told uids only (RFC 9586).
        vanishes: it is told VANISHED in place of EXPUNGE.
    """

    slots: list[Slot] = field(default_factory=list)
    modseq: int = 0
    uidvalidity: int = 0
    by_uid: bool = False
    vanishes: bool = False
    heard_flags: set[int] = field(default_factory=set)

    @property
    def flags(self) -> dict[int | None, frozenset[bytes] | None]:
        """Flags by uid."""
        return {slot.uid: slot.flags for slot in self.slots}

    def unknown(self) -> list[int]:
        """Numbers of messages that it has to ask for."""
        return [n for n, s in enumerate(self.slots, 1) if s.uid is None or s.flags is None]

    def number(self, uid: int) -> int | None:
        """The number of a uid that it knows."""
        return next((n for n, slot in enumerate(self.slots, 1) if slot.uid == uid), None)

    def hear(self, line: bytes, *, keeps_numbers: bool) -> None:
        """Believe an untagged response.

        Args:
            line: the response.
            keeps_numbers: FETCH, STORE or SEARCH by number is being answered (RFC 9051 §7.5.1).
        """
        if match := _HIGHEST.match(line):
            self.modseq = min(self.modseq, int(match[1]))
        elif match := _VANISHED.fullmatch(line):
            assert self.vanishes, line
            self._vanish(read_set(match[2]), is_earlier=bool(match[1]), keeps=keeps_numbers)
        elif match := _NUMBERED.fullmatch(line):
            number = int(match[1])
            if match[2] == b"EXISTS":
                assert number >= len(self.slots), line
                self.slots += [Slot() for _ in range(number - len(self.slots))]
            elif match[2] == b"EXPUNGE":
                assert not self.vanishes, line
                assert not keeps_numbers, line
                assert number <= len(self.slots), line
                del self.slots[number - 1]
            else:
                assert (match[2] == b"UIDFETCH") is self.by_uid, line
                self._fetched(number, match[3])

    def _vanish(self, uids: list[int], *, is_earlier: bool, keeps: bool) -> None:
        assert is_earlier or not keeps, uids
        for uid in uids:
            number = self.number(uid)
            if number is None and not is_earlier:
                number = self._unknown_number(uid)
            if number is not None:
                del self.slots[number - 1]

    def _unknown_number(self, uid: int) -> int:
        """The number of one that it was told of by EXISTS, and has not asked for yet.

        Uids rise with the numbers, so it is next to those that it knows; without numbers, any is it.
        """
        known = [n for n, s in enumerate(self.slots, 1) if s.uid is not None and s.uid < uid]
        number = self.unknown_uids()[0] if self.by_uid else max(known, default=0) + 1
        assert self.slots[number - 1].uid is None, (uid, self.slots)
        return number

    def unknown_uids(self) -> list[int]:
        """Numbers of messages whose uid it was not told."""
        return [n for n, slot in enumerate(self.slots, 1) if slot.uid is None]

    def _fetched(self, number: int, items: bytes) -> None:
        uid = _UID.search(items)
        if self.by_uid:
            slot = self._slot_of(number)
        else:
            assert 1 <= number <= len(self.slots), (number, items)
            slot = self.slots[number - 1]
            if uid:
                assert slot.uid in (None, int(uid[1])), (number, items)
                slot.uid = int(uid[1])
        if flags := _FLAGS.search(items):
            slot.flags = frozenset(flags[1].split()) - {b"\\Recent"}
            if slot.uid is not None:
                self.heard_flags.add(slot.uid)
        if modseq := _MODSEQ.search(items):
            assert int(modseq[1]) >= slot.modseq, (number, items)
            slot.modseq = int(modseq[1])
            self.modseq = max(self.modseq, slot.modseq)
        known = [slot.uid for slot in self.slots if slot.uid is not None]
        assert known == sorted(set(known)), known

    def _slot_of(self, uid: int) -> Slot:
        for slot in self.slots:
            if slot.uid == uid:
                return slot
        slot = next(slot for slot in self.slots if slot.uid is None)
        slot.uid = uid
        self.slots.sort(key=lambda slot: (slot.uid is None, slot.uid))
        return slot
