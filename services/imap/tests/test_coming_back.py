"""A client that goes at any moment and comes back by QRESYNC ends with the mailbox's true picture.

It keeps what RFC 7162 lets it keep: the modseq of what it was told, unless it was told not to.
"""

import re
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from mailquay.store.emails import Place
from mailquay.store.types import AccountId, MailboxId
from mailquay_imap.protocol.resync import Resync
from mailquay_imap.protocol.sequence import compress, compress_ranges, parse_sequence_set
from mailquay_imap.selected import Selected
from mailquay_imap.snapshot import History
from mailquay_imap.vanished import expunged_within, known_ranges, last_match, missing_within
from mailquay_imap.views import MailboxView

FETCH = re.compile(rb"\* \d+ FETCH \(UID (\d+) FLAGS \(.*\) MODSEQ \((\d+)\)\)\r\n")
CODE = re.compile(rb"\* OK \[HIGHESTMODSEQ (\d+)\] .*\r\n")
VANISHED = re.compile(rb"\* VANISHED (\S+)\r\n")
EXISTS = re.compile(rb"\* (\d+) EXISTS\r\n")


@dataclass
class Mailbox:
    """As Postgres has it; flags are the modseq that set them."""

    places: dict[int, Place] = field(default_factory=dict)
    expunged: dict[int, int] = field(default_factory=dict)
    modseq: int = 1
    uidnext: int = 1
    trimmed: int = 0

    def append(self) -> None:
        self.modseq += 1
        self.places[self.uidnext] = Place(self.uidnext, 1, self.modseq, 0, (), 1)
        self.uidnext += 1

    def pick(self, which: int) -> int | None:
        return sorted(self.places)[which % len(self.places)] if self.places else None

    def store(self, which: int) -> None:
        if (uid := self.pick(which)) is not None:
            self.modseq += 1
            self.places[uid] = Place(uid, 1, self.modseq, self.modseq % 32, (), 1)

    def expunge(self, which: int) -> None:
        if (uid := self.pick(which)) is not None:
            self.modseq += 1
            del self.places[uid]
            self.expunged[uid] = self.modseq

    def trim(self) -> None:
        """Tombstones go, and the floor tells of it."""
        self.trimmed = max([self.trimmed, *self.expunged.values()])
        self.expunged.clear()

    def view(self) -> MailboxView:
        places = [self.places[uid] for uid in sorted(self.places)]
        history = History(places, modseq=self.modseq, uidnext=self.uidnext)
        return MailboxView(AccountId(1), MailboxId(1), 1, history)

    def refresh(self, view: MailboxView) -> None:
        since = view.snapshot.modseq
        changed = [p for _, p in sorted(self.places.items()) if p.modseq > since]
        gone = [uid for uid, at in self.expunged.items() if at > since]
        if since < self.trimmed:  # as `MailboxView` does
            changed = [place for _, place in sorted(self.places.items())]
            gone = [uid for uid in view.snapshot.uids if uid not in self.places]
        view.history.apply(changed, gone, modseq=self.modseq, uidnext=self.uidnext)


class Client:
    """Its cache, uid by flags, and its modseq; in each connection only what it hears."""

    def __init__(self) -> None:
        self.cache: dict[int, int] = {}
        self.modseq = 0

    def select(self, mailbox: Mailbox, form: int) -> None:
        self.view = mailbox.view()
        self.selected = Selected(self.view, read_only=False, recent_from=1 << 32, keywords_max=9)
        self.selected.speak(("QRESYNC", "CONDSTORE", "IMAP4REV2"))
        known = self.selected.known
        if self.modseq:
            self._come_back(mailbox, form)
        # What is new it asks for, as any client does.
        for place in known.places:
            if place.uid not in self.cache:
                self.cache[place.uid] = place.flags
        self.modseq = known.modseq
        self.check()

    def _come_back(self, mailbox: Mailbox, form: int) -> None:
        known, numbers = self.selected.known, sorted(self.cache)
        uids = parse_sequence_set(compress(numbers)) if numbers else None
        matches = None
        if numbers and form & 1:
            matches = (parse_sequence_set(b"1:%d" % len(numbers)), uids)
        asked = Resync(1, self.modseq, uids if form & 2 else None, matches)
        ranges = known_ranges(known, asked)
        if self.modseq < mailbox.trimmed:
            missing = missing_within(known, ranges, above=last_match(known, asked))
            self._forget(compress_ranges(missing))
        else:
            gone = sorted(u for u, at in mailbox.expunged.items() if at > self.modseq)
            self._forget(compress(expunged_within(known, ranges, gone)))
        for number in known.numbers_in(ranges, by_uid=True):
            place = known.places[number - 1]
            if place.modseq > self.modseq and place.uid in self.cache:
                self.cache[place.uid] = place.flags

    def _forget(self, uids: bytes) -> None:
        for low, high in parse_sequence_set(uids).resolve(0) if uids else ():
            for uid in [uid for uid in self.cache if low <= uid <= high]:
                del self.cache[uid]

    def hear(self, *, expunges: bool) -> None:
        for line in self.selected.updates(expunges=expunges, is_rev2=True):
            if match := FETCH.fullmatch(line):
                place = self.selected.known.places[self.selected.known.number_of(int(match[1])) - 1]
                self.cache[place.uid] = place.flags
                self.modseq = max(self.modseq, int(match[2]))
            elif match := CODE.fullmatch(line):
                self.modseq = min(self.modseq, int(match[1]))
            elif match := VANISHED.fullmatch(line):
                assert expunges
                self._forget(match[1])
            else:
                assert EXISTS.fullmatch(line), line
                for place in self.selected.known.places:
                    if place.uid not in self.cache:
                        self.cache[place.uid] = place.flags
                        self.modseq = max(self.modseq, place.modseq)
        if expunges:
            self.check()

    def check(self) -> None:
        """What it has is what is there, as far as it was told."""
        assert self.cache == {place.uid: place.flags for place in self.selected.known.places}


STEPS = st.lists(
    st.one_of(
        st.just(("append",)),
        st.tuples(st.sampled_from(["store", "expunge"]), st.integers(0, 20)),
        st.just(("trim",)),
        st.just(("refresh",)),
        st.tuples(st.just("hear"), st.booleans()),
        st.tuples(st.just("reconnect"), st.integers(0, 3)),
    ),
    min_size=10,
    max_size=60,
)


@settings(max_examples=300)
@given(STEPS, st.integers(0, 4))
def test_who_comes_back_has_missed_nothing(steps, messages):
    mailbox, client = Mailbox(), Client()
    for _ in range(messages):
        mailbox.append()
    client.select(mailbox, 0)
    for name, *arguments in [*steps, ("reconnect", 0)]:
        match name:
            case "append":
                mailbox.append()
            case "store" | "expunge":
                getattr(mailbox, name)(*arguments)
            case "trim":
                mailbox.trim()
            case "refresh":
                mailbox.refresh(client.view)
            case "hear":
                client.hear(expunges=arguments[0])
            case "reconnect":
                client.select(mailbox, *arguments)
