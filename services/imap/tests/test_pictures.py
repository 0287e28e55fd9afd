"""Whatever happens in whatever order, every client ends with the mailbox's true picture.

Two processes see one mailbox; two sessions share the one's view. The clients here know nothing
but the lines that they are told.
"""

import re
from collections import deque
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from mailquay.store.emails import MailboxPulse, Place
from mailquay.store.types import AccountId, MailboxId
from mailquay_imap.protocol.format import flags_text
from mailquay_imap.protocol.sequence import parse_sequence_set
from mailquay_imap.selected import Selected
from mailquay_imap.snapshot import History
from mailquay_imap.views import MailboxView

LINE = re.compile(
    rb"\* (?:(\d+) (EXISTS|EXPUNGE|RECENT)|(\d+) FETCH \(UID (\d+) FLAGS (\(.*\))\)|FLAGS .*"
    rb"|OK \[PERMANENTFLAGS .*)\r\n"
)


@dataclass
class Truth:
    """The mailbox as Postgres has it."""

    places: dict[int, Place] = field(default_factory=dict)
    expunged: dict[int, int] = field(default_factory=dict)  # uid: modseq
    modseq: int = 1
    uidnext: int = 1

    def append(self, flags: int) -> None:
        self.modseq += 1
        self.places[self.uidnext] = Place(self.uidnext, self.uidnext, self.modseq, flags, (), 10)
        self.uidnext += 1

    def store(self, which: int, flags: int, keywords: tuple[str, ...]) -> list[Place]:
        if not self.places:
            return []
        uid = sorted(self.places)[which % len(self.places)]
        old = self.places[uid]
        if (old.flags, old.keywords) == (flags, keywords):
            return []
        self.modseq += 1
        self.places[uid] = Place(uid, uid, self.modseq, flags, keywords, 10)
        return [self.places[uid]]

    def expunge(self, which: int) -> list[int]:
        if not self.places:
            return []
        uid = sorted(self.places)[which % len(self.places)]
        self.modseq += 1
        del self.places[uid]
        self.expunged[uid] = self.modseq
        return [uid]

    def pulse(self) -> MailboxPulse:
        return MailboxPulse(1, self.uidnext, self.modseq, len(self.places), 0)

    def since(self, modseq: int) -> tuple[list[Place], list[int]]:
        changed = [self.places[uid] for uid in sorted(self.places)]
        gone = [uid for uid, at in self.expunged.items() if at > modseq]
        return [place for place in changed if place.modseq > modseq], gone


class Client:
    """What a client makes of the lines."""

    def __init__(self, view: MailboxView, *, is_rev2: bool) -> None:
        self.selected = Selected(view, read_only=False, recent_from=1 << 32, keywords_max=9)
        self.is_rev2 = is_rev2
        self.flags: list[bytes] = []
        self._fetch(1, len(self.selected.known.uids))

    def _fetch(self, first: int, last: int) -> None:
        """What a client asks for once it hears of new messages."""
        for number in range(first, last + 1):
            place = self.selected.known.places[number - 1]
            self.flags.append(flags_text(place.flags, place.keywords))

    def hear(self, *, expunges: bool) -> None:
        known = len(self.flags)
        for line in self.selected.updates(expunges=expunges, is_rev2=self.is_rev2):
            match = LINE.fullmatch(line)
            assert match is not None, line
            if match[2] == b"EXPUNGE":
                assert expunges
                del self.flags[int(match[1]) - 1]
                known -= 1
            elif match[2] == b"EXISTS":
                assert int(match[1]) > known
                assert len(self.flags) == known
                self._fetch(known + 1, int(match[1]))
            elif match[2] == b"RECENT":
                assert not self.is_rev2
            elif match[3] is not None:
                number = int(match[3])
                assert self.selected.known.uids[number - 1] == int(match[4])
                self.flags[number - 1] = match[5]
        assert len(self.flags) == len(self.selected.known.uids)
        if expunges:
            assert not self.selected.ghosts

    def check(self) -> None:
        """Numbers and uids mean what they should, ghosts or not."""
        selected, count = self.selected, len(self.flags)
        everything = parse_sequence_set(b"1:*")
        by_uid = selected.uids(selected.numbers(everything, by_uid=True))
        assert by_uid == [uid for uid in selected.known.uids if uid not in selected.ghosts]
        assert selected.exceeds(everything) is (count == 0)
        assert selected.exceeds(parse_sequence_set(b"%d" % (count + 1)))
        if count:
            assert selected.numbers(everything, by_uid=False) == list(range(1, count + 1))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 31)),
        st.tuples(
            st.just("store"), st.integers(0, 20), st.integers(0, 31),
            st.sampled_from([(), ("a",), ("a", "B")]),
        ),
        st.tuples(st.just("expunge"), st.integers(0, 20)),
        st.tuples(st.just("own store"), st.integers(0, 20), st.integers(0, 31)),
        st.tuples(st.just("own expunge"), st.integers(0, 20)),
        st.tuples(st.just("ask"), st.integers(0, 1)),
        st.tuples(st.just("read"), st.integers(0, 1)),
        st.tuples(st.just("answer"), st.integers(0, 1)),
        st.tuples(st.just("refresh"), st.integers(0, 1)),
        st.tuples(st.just("hear"), st.integers(0, 2), st.booleans()),
        st.tuples(st.just("check"), st.integers(0, 2)),
    ),
    min_size=10,
    max_size=80,
)  # fmt: skip


@settings(max_examples=400)
@given(STEPS, st.integers(0, 4), st.sampled_from([1, 3, 200]))
def test_all_pictures_end_equal(steps, messages, remembered):
    truth = Truth()
    for number in range(messages):
        truth.append(number)
    views = [open_view(truth, remembered) for _ in range(2)]
    questions = [Question(), Question()]
    clients = [
        Client(views[0], is_rev2=False), Client(views[0], is_rev2=True),
        Client(views[1], is_rev2=False),
    ]  # fmt: skip
    for name, *arguments in steps:
        match name:
            case "append":
                truth.append(*arguments)
            case "store":
                truth.store(*arguments)
            case "expunge":
                truth.expunge(*arguments)
            case "own store":
                own(views[0], questions[0], truth, truth.store(*arguments, ()), [])
            case "own expunge":
                own(views[0], questions[0], truth, [], truth.expunge(*arguments))
            case "ask":
                questions[arguments[0]].ask(truth)
            case "read":
                questions[arguments[0]].read(views[arguments[0]], truth)
            case "answer":
                questions[arguments[0]].answer(views[arguments[0]], truth)
            case "refresh":
                refresh(views[arguments[0]], questions[arguments[0]], truth)
            case "hear":
                clients[arguments[0]].hear(expunges=arguments[1])
            case "check":
                clients[arguments[0]].check()
    for view, question in zip(views, questions, strict=True):
        refresh(view, question, truth)  # what was begun
        refresh(view, question, truth)
        assert view.snapshot.uids == sorted(truth.places)
        assert (view.snapshot.modseq, view.snapshot.uidnext) == (truth.modseq, truth.uidnext)
    for client in clients:
        client.hear(expunges=False)
        client.hear(expunges=True)
        assert client.selected.known.uids == sorted(truth.places)
        expected = [truth.places[uid] for uid in sorted(truth.places)]
        assert client.flags == [flags_text(place.flags, place.keywords) for place in expected]


def open_view(truth: Truth, remembered: int) -> MailboxView:
    places = [truth.places[uid] for uid in sorted(truth.places)]
    history = History(places, modseq=truth.modseq, uidnext=truth.uidnext)
    history._log = deque(maxlen=remembered)
    return MailboxView(AccountId(1), MailboxId(1), 1, history)


@dataclass
class Question:
    """`MailboxView.refresh` in its three round trips, between which anything may happen."""

    pulse: MailboxPulse | None = None
    changed: list[Place] | None = None

    def ask(self, truth: Truth) -> None:
        if self.pulse is None:
            self.pulse = truth.pulse()

    def read(self, view: MailboxView, truth: Truth) -> None:
        if self.pulse is not None and self.changed is None:
            self.changed = truth.since(view.snapshot.modseq)[0]

    def answer(self, view: MailboxView, truth: Truth) -> None:
        pulse, changed = self.pulse, self.changed
        if pulse is not None and changed is not None:
            gone = truth.since(view.snapshot.modseq)[1]
            view.history.apply(changed, gone, modseq=pulse.highestmodseq, uidnext=pulse.uidnext)
            self.pulse = self.changed = None


def refresh(view: MailboxView, question: Question, truth: Truth) -> None:
    question.ask(truth)
    question.read(view, truth)
    question.answer(view, truth)


def own(
    view: MailboxView, question: Question, truth: Truth, changed: list[Place], gone: list[int]
) -> None:
    """`apply_own`, which waits while the view asks Postgres."""
    if question.pulse is not None:
        refresh(view, question, truth)
    if (changed or gone) and truth.modseq == view.snapshot.modseq + 1:
        uidnext = view.snapshot.uidnext
        view.history.apply(changed, gone, modseq=truth.modseq, uidnext=uidnext)


def test_a_message_that_came_and_went_unheard_is_no_news():
    truth = Truth()
    truth.append(0)
    view = open_view(truth, 200)
    client = Client(view, is_rev2=False)
    truth.append(0)
    refresh(view, Question(), truth)
    truth.expunge(1)
    refresh(view, Question(), truth)
    assert client.selected.updates(expunges=True, is_rev2=False) == []
    assert client.selected.known.uidnext == 3


def test_expunges_are_told_from_the_last_to_the_first():
    truth = Truth()
    for _ in range(4):
        truth.append(0)
    view = open_view(truth, 200)
    client = Client(view, is_rev2=True)
    truth.expunge(0)
    truth.expunge(1)
    truth.append(0)
    refresh(view, Question(), truth)
    assert client.selected.updates(expunges=False, is_rev2=True) == [b"* 5 EXISTS\r\n"]
    assert client.selected.updates(expunges=False, is_rev2=True) == []
    lines = client.selected.updates(expunges=True, is_rev2=True)
    assert lines == [b"* 3 EXPUNGE\r\n", b"* 1 EXPUNGE\r\n"]


def test_recent_is_counted_by_uid():
    truth = Truth()
    for _ in range(3):
        truth.append(0)
    selected = Selected(open_view(truth, 9), read_only=False, recent_from=3, keywords_max=9)
    assert selected.recent_count() == 1
    assert [selected.is_recent(uid) for uid in (1, 2, 3)] == [False, False, True]
    assert not selected.has_told_recent
