"""Command lines: RFC 1939's, and anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay_pop3.protocol.commands import (
    LINE_MAX_BYTES,
    Command,
    LineReader,
    SyntaxFault,
    parse_command,
)

KNOWN = [
    (b"STAT", Command("STAT")),
    (b"stat", Command("STAT")),
    (b"RETR 1", Command("RETR", "1")),
    (b"TOP 1 10", Command("TOP", "1 10")),
    (b"PASS two words ", Command("PASS", "two words ")),
    (b"PASS  leading", Command("PASS", " leading")),
    ("PASS Fäß".encode(), Command("PASS", "Fäß")),
    (b"PASS \xff", Command("PASS", "\udcff")),
    (b"USER alice@example.org", Command("USER", "alice@example.org")),
]


@pytest.mark.parametrize(("line", "command"), KNOWN)
def test_a_command_is_read(line, command):
    assert parse_command(line) == command


@pytest.mark.parametrize(
    "line", [b"", b" STAT", b"ST-AT", b"\xc3\xa4 x", b"\0", b"STAT\tx", b"+OK"]
)
def test_what_is_no_command_is_refused(line):
    with pytest.raises(SyntaxFault):
        parse_command(line)


def test_a_password_is_not_in_what_is_printed():
    assert "secret" not in repr(parse_command(b"PASS secret"))


NUMBERS = [
    ("", 0, 1, []),
    ("1", 0, 1, [1]),
    (" 1  2 ", 2, 2, [1, 2]),
    ("0", 1, 1, [0]),
    ("9999999999", 1, 1, [9_999_999_999]),
]


@pytest.mark.parametrize(("argument", "least", "most", "numbers"), NUMBERS)
def test_numbers_are_read(argument, least, most, numbers):
    assert Command("X", argument).numbers(least, most) == numbers


@pytest.mark.parametrize(
    ("argument", "least", "most"),
    [("", 1, 1), ("1 2", 0, 1), ("x", 0, 1), ("-1", 1, 1), ("+1", 1, 1), ("1.0", 1, 1),
     ("١", 1, 1), ("²", 1, 1), ("12345678901", 1, 1), ("1", 2, 2)],
)  # fmt: skip
def test_what_is_no_number_is_refused(argument, least, most):
    with pytest.raises(SyntaxFault):
        Command("X", argument).numbers(least, most)


def test_no_argument_means_none():
    Command("STAT", "  ").require_no_argument()
    with pytest.raises(SyntaxFault):
        Command("STAT", " 1").require_no_argument()


@given(st.binary(max_size=100))
def test_any_line_is_a_command_or_the_typed_error(line):
    try:
        command = parse_command(line)
    except SyntaxFault:
        return
    assert command.keyword == command.keyword.upper()
    rest = command.argument.encode("utf-8", "surrogateescape")
    assert line.upper().startswith(command.keyword.encode())
    assert line.endswith(rest)


def lines_of(chunks: list[bytes]) -> list[bytes]:
    reader, found = LineReader(), []
    for chunk in chunks:
        reader.receive_data(chunk)
        while (line := reader.next_line()) is not None:
            found.append(line)
    return found


@given(
    st.lists(st.sampled_from([b"a", b"\r\n", b"\n", b"\r", b"STAT"]), max_size=30).map(b"".join),
    st.lists(st.integers(0, 100), max_size=6),
)
def test_lines_do_not_depend_on_where_packets_end(wire, cuts):
    places = sorted(c % (len(wire) + 1) for c in cuts)
    chunks = [wire[a:b] for a, b in zip([0, *places], [*places, len(wire)], strict=True)]
    assert lines_of(chunks) == lines_of([wire]) == [
        line.removesuffix(b"\r") for line in wire.split(b"\n")[:-1]
    ]  # fmt: skip


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_that_is_too_long_is_refused(end):
    reader = LineReader()
    reader.receive_data(b"x" * LINE_MAX_BYTES + end)
    with pytest.raises(SyntaxFault):
        reader.next_line()


def test_what_came_in_the_clear_can_be_forgotten():
    reader = LineReader()
    reader.receive_data(b"STAT\r\nDELE 1")
    reader.discard()
    reader.receive_data(b"NOOP\r\n")
    assert reader.next_line() == b"NOOP"
