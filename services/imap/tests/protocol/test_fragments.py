"""Cutting bytes into commands: whatever comes, in whatever packets."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay_imap.protocol.fragments import (
    ClientData,
    Continue,
    Limits,
    Overflow,
    RawCommand,
    Rejected,
)

LIMITS = (300, 500)


def replay(pieces, limits=LIMITS):
    """All events of a stream; after an overflow there is nothing more to say."""
    data = ClientData(Limits(*limits))
    events = []
    for piece in pieces:
        data.receive_data(piece)
        while (event := data.next_event()) is not None:
            events.append(event)
            if isinstance(event, Overflow):
                return events
    return events


def cut(wire, places):
    """The same bytes in packets."""
    ends = sorted({min(place, len(wire)) for place in places} | {0, len(wire)})
    return [wire[start:end] for start, end in itertools.pairwise(ends)]


LITERALS = st.binary(max_size=30).flatmap(
    lambda data: st.sampled_from((b"", b"~")).flatmap(
        lambda prefix: st.sampled_from((b"+", b"")).map(
            lambda plus: b"%b{%d%b}\r\n%b" % (prefix, len(data), plus, data)
        )
    )
)
PIECES = st.one_of(
    LITERALS,
    st.sampled_from(
        [b"a1 NOOP\r\n", b"a2 APPEND x ", b"\r\n", b"\n", b"\0", b"{400+}\r\n", b"{9}", b"x" * 100]
    ),
    st.binary(max_size=20),
)


@given(st.lists(PIECES, max_size=12).map(b"".join), st.lists(st.integers(0, 600), max_size=8))
def test_events_do_not_depend_on_packet_boundaries(wire, places):
    assert replay(cut(wire, places)) == replay([wire])


@given(st.binary(max_size=400))
def test_any_bytes_come_to_events(wire):
    for event in replay([wire]):
        if isinstance(event, RawCommand):
            assert event.text.count(b"\0") == len(event.literals)
            assert b"\n" not in event.text
            assert len(event.text) <= LIMITS[0]


@given(
    st.lists(
        st.tuples(
            st.text('abc (){}"\\*%', max_size=10), st.lists(st.binary(max_size=40), max_size=3)
        ),
        max_size=5,
    )
)
def test_what_is_sent_is_what_comes_out(commands):
    wire, expected = b"", []
    for number, (word, literals) in enumerate(commands):
        text = b"a%d %b;" % (number, word.encode())
        wire += text
        for literal in literals:
            wire += b" {%d+}\r\n%b" % (len(literal), literal)
        wire += b".\r\n"
        expected.append(RawCommand(text + b" \0" * len(literals) + b".", tuple(literals)))
    assert replay([wire], (10_000, 10_000)) == expected


def test_a_literal_is_never_a_command():
    wire = b"a FOO {14+}\r\nb DELETE x\r\n.. and\r\nc NOOP\r\n"
    assert replay([wire]) == [
        RawCommand(b"a FOO \0 and", (b"b DELETE x\r\n..",)), RawCommand(b"c NOOP", ()),
    ]  # fmt: skip


def test_a_client_that_waits_is_asked():
    data = ClientData(Limits(*LIMITS))
    data.receive_data(b"a LOGIN {3}\r\n")
    assert data.next_event() == Continue()
    assert data.next_event() is None
    data.receive_data(b"abc {2+}\r\nde\r\n")
    assert data.next_event() == RawCommand(b"a LOGIN \0 \0", (b"abc", b"de"))


@pytest.mark.parametrize(
    ("wire", "event"),
    [
        (b"a LOGIN {301}\r\n", Rejected(b"a", 301, is_append=False)),
        (b"a append x {501}\r\n", Rejected(b"a", 501, is_append=True)),
        (b"a  APPEND x {500}\r\n", Continue()),
        (b"{301}\r\n", Rejected(None, 301, is_append=False)),
        (b"a( x {301}\r\n", Rejected(None, 301, is_append=False)),
        (b"a LOGIN {301+}\r\n%b\r\n" % (b"x" * 301), Rejected(b"a", 301, is_append=False)),
        (b"a LOGIN {200+}\r\n%b {200}\r\n" % (b"x" * 200), Rejected(b"a", 200, is_append=False)),
        (b"a APPEND {300+}\r\n%b {500}\r\n" % (b"x" * 300), Continue()),
        (b"a APPEND x {99999999999999999999}\r\n", Rejected(b"a", 10**20 - 1, is_append=True)),
    ],
)
def test_literals_have_a_limit(wire, event):
    assert replay([wire])[-1] == event


def test_what_was_rejected_takes_nothing_along():
    unwanted = b"c NOOP\r\n" * 37 + b"{5+}\r"
    wire = b"a LOGIN {%d+}\r\n%b {3+}\r\nxyz\r\nb NOOP\r\n" % (len(unwanted), unwanted)
    assert len(unwanted) == 301
    assert replay([wire]) == [Rejected(b"a", 301, is_append=False), RawCommand(b"b NOOP", ())]


def test_a_line_has_a_limit_wherever_it_stands():
    assert replay([b"a" * 301]) == [Overflow()]
    assert replay([b"a {3+}\r\nabc" + b"b" * 300]) == [Overflow()]
    assert replay([b"a" + b" {0+}\r\n" * 60]) == [Overflow()]


def test_nul_outside_of_a_literal_marks_none():
    assert replay([b"a \0 {1+}\r\n\0\r\n"]) == [RawCommand(b"a \r \0", (b"\0",))]


def test_single_lines_are_read_between_commands():
    data = ClientData(Limits(*LIMITS))
    data.receive_data(b"DO")
    assert data.next_line() is None
    data.receive_data(b"NE\r\nb NOOP\r\n")
    assert data.next_line() == b"DONE"
    assert data.next_event() == RawCommand(b"b NOOP", ())
    data.receive_data(b"x" * 301)
    with pytest.raises(ValueError, match="too long"):
        data.next_line()


def test_discard_forgets_everything():
    data = ClientData(Limits(*LIMITS))
    data.receive_data(b"a LOGIN {5+}\r\nab")
    assert data.next_event() is None
    data.discard()
    data.receive_data(b"b NOOP\r\n")
    assert data.next_event() == RawCommand(b"b NOOP", ())


def test_an_empty_line_between_commands_is_nothing():
    assert replay([b"\r\na NOOP\r\n\r\n\n", b"\r", b"\nb NOOP\r\n"], LIMITS) == [
        RawCommand(b"a NOOP", ()),
        RawCommand(b"b NOOP", ()),
    ]


#: So much that anything which looks at each byte again for each other one never ends.
LARGE = 1_000_000


@pytest.mark.parametrize(
    "wire",
    [
        b"a " + b"{" * LARGE + b"}\r\n",
        b"a" * LARGE + b" {0+}\r\n" * (LARGE // 7) + b"\r\n",
        b"a APPEND" + b" {1+}\r\n." * (LARGE // 8) + b"\r\n",
        b"a " + b"{1}" * (LARGE // 3) + b"\r\n",
        b"\r\n" * (LARGE // 2) + b"a NOOP\r\n",
        b"a " + b" " * LARGE + b"APPEND {9+}\r\n123456789\r\n",
    ],
    ids=["braces", "long tag", "literals", "announcements", "empty lines", "spaces"],
)
def test_time_is_linear(wire):
    limits = (10 * LARGE, 10 * LARGE)
    assert replay([wire], limits)
    many = [wire[n : n + 100] for n in range(0, len(wire), 100)]
    assert len(replay(many, limits)) == len(replay([wire], limits))


def test_a_slow_line_is_looked_at_once():
    data = ClientData(Limits(LARGE, LARGE))
    for _ in range(LARGE // 4):
        data.receive_data(b"....")
        assert data.next_line() is None
