r"""DATA's reader: any cut of the same bytes, every smuggled end, and sizes.

The false ends are those that the advisories of December 2023 tried: https://smtpsmuggling.com.
"""

import hashlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailquay_smtp_in.data import DataFault, DataReader, Message

LIMIT = 10_000


def read(chunks: list[bytes], limit: int = LIMIT) -> tuple[DataReader, bytes]:
    """Feed chunks until the reader is done; the reader, and what lies behind the end."""
    reader = DataReader(limit)
    for number, chunk in enumerate(chunks):
        if reader.feed(chunk):
            return reader, reader.leftover + b"".join(chunks[number + 1 :])
    raise AssertionError("the end was not found")


def read_message(wire: bytes) -> bytes:
    reader, leftover = read([wire])
    assert reader.fault is None
    assert leftover == b""
    return b"".join(reader.message().pieces)


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({c % (len(data) + 1) for c in cuts})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


def stuff(message: bytes) -> bytes:
    """A client's side of RFC 5321 §4.5.2."""
    lines = message.split(b"\r\n")
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines)


KNOWN = [
    (b".\r\n", b""),
    (b"\r\n.\r\n", b"\r\n"),
    (b"hello\r\n.\r\n", b"hello\r\n"),
    (b"..\r\n.\r\n", b".\r\n"),
    (b"a\r\n..b\r\n...\r\n.\r\n", b"a\r\n.b\r\n..\r\n"),
    (b".lone dot before text\r\n.\r\n", b"lone dot before text\r\n"),
    (b"a.\r\nb\r\n.\r\n", b"a.\r\nb\r\n"),
    ("Grüße\r\n.\r\n".encode(), "Grüße\r\n".encode()),
]


@pytest.mark.parametrize(("wire", "message"), KNOWN)
def test_transparency_is_undone(wire, message):
    assert read_message(wire) == message


LINES = st.lists(st.text(st.sampled_from(".ab é"), max_size=8).map(str.encode), max_size=12).map(
    lambda lines: b"".join(line + b"\r\n" for line in lines)
)


@given(
    message=LINES, cuts=st.lists(st.integers(0, 400)), behind=st.sampled_from([b"", b"QUIT\r\n"])
)
def test_what_is_stuffed_is_unstuffed_wherever_packets_end(message, cuts, behind):
    wire = stuff(message) + b".\r\n" + behind
    reader, leftover = read(cut(wire, cuts))
    assert reader.fault is None
    found = reader.message()
    assert b"".join(found.pieces) == message
    assert (found.size, found.digest) == (len(message), hashlib.sha256(message).digest())
    assert leftover == behind


WIRE = st.lists(
    st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"a", b"\0", b"\r\n.\r\n"]), max_size=30
).map(b"".join)


def outcome(chunks: list[bytes]) -> tuple[Message | DataFault | None, bytes]:
    reader = DataReader(LIMIT)
    for number, chunk in enumerate(chunks):
        if reader.feed(chunk):
            rest = reader.leftover + b"".join(chunks[number + 1 :])
            break
    else:
        return None, b""
    if reader.fault is DataFault.FALSE_END:
        return reader.fault, b""  # nothing is read behind it
    return reader.fault or reader.message(), rest


@given(wire=WIRE, cuts=st.lists(st.integers(0, 200)))
@example(wire=b"a\n.\r\n.\r\n", cuts=[3])
@example(wire=b"\r\n.\r.\r\n.\r\n", cuts=[1, 2, 3, 4, 5])
def test_nothing_depends_on_where_packets_end(wire, cuts):
    assert outcome(cut(wire, cuts)) == outcome([wire[n : n + 1] for n in range(len(wire))])


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_fault(data):
    found, _ = outcome([data + b"\r\n.\r\n"])
    assert found is not None
    has_bare = data.replace(b"\r\n", b"").count(b"\n") + data.replace(b"\r\n", b"").count(b"\r")
    if b"\r\n.\r\n" not in b"\r\n" + data:
        assert isinstance(found, Message) is (not has_bare and b"\0" not in data)


FALSE_ENDS = [
    b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r.\r\n", b"\r\n.\n", b"\r\n.\rX", b"\n\n.\r\n", b"\n.\r",
    b"\r.\n", b"\r\r.\r\r", b"\n\r\n.\n",
]  # fmt: skip


@pytest.mark.parametrize("false_end", FALSE_ENDS)
@pytest.mark.parametrize("is_split", [False, True])
def test_a_false_end_is_seen_at_once_and_nothing_behind_it_is_read(false_end, is_split):
    smuggled = b"MAIL FROM:<admin@example.org>\r\nRCPT TO:<victim@example.org>\r\nDATA\r\nx\r\n"
    wire = b"Subject: one\r\n\r\nhello" + false_end + smuggled + b".\r\n"
    chunks = [wire[n : n + 1] for n in range(len(wire))] if is_split else [wire]
    reader, _ = read(chunks)
    assert reader.fault is DataFault.FALSE_END


def test_a_client_that_ends_its_lines_in_lf_alone_is_not_left_waiting():
    reader, _ = read([b"Subject: x\n\nhello\n.\n"])
    assert reader.fault is DataFault.FALSE_END


@pytest.mark.parametrize(
    ("wire", "fault"),
    [
        (b"a\nb\r\n.\r\n", DataFault.BARE_LINE_END),
        (b"a\rb\r\n.\r\n", DataFault.BARE_LINE_END),
        (b"a\r\r\n.\r\n", DataFault.BARE_LINE_END),
        (b"a\n\r\n.\r\n", DataFault.BARE_LINE_END),
        (b"a\r\n\0.\r\n.\r\n", DataFault.NUL),
        (b"a\0\r\n.\r\n", DataFault.NUL),
    ],
)
def test_other_line_ends_and_nul_are_refused_and_read_to_the_end(wire, fault):
    reader, leftover = read([wire + b"NOOP\r\n"])
    assert (reader.fault, leftover) == (fault, b"NOOP\r\n")


def test_the_limit_is_of_the_message_and_not_of_its_dots():
    line = b"..234567\r\n"
    assert read([line * 10 + b".\r\n"], limit=90)[0].fault is None
    assert read([line * 10 + b".\r\n"], limit=89)[0].fault is DataFault.TOO_LARGE


def test_what_is_too_large_is_not_kept():
    reader = DataReader(1000)
    for _ in range(1000):
        assert not reader.feed(b"x" * 1000 + b"\r\n")
    assert sum(map(len, reader._pieces)) + len(reader._gathered) + len(reader._held) < 2000
    assert reader.feed(b".\r\nQUIT\r\n")
    assert (reader.fault, reader.leftover) == (DataFault.TOO_LARGE, b"QUIT\r\n")


def test_single_bytes_become_no_list_of_single_bytes():
    reader = DataReader(10**6)
    for _ in range(200_000):
        reader.feed(b"x")
    reader.feed(b"\r\n.\r\n")
    message = reader.message()
    assert message.size == 200_002
    assert len(message.pieces) < 10


def test_large_chunks_are_kept_as_they_are():
    chunk = b"x" * 70_000
    reader = DataReader(10**6)
    for _ in range(3):
        reader.feed(chunk)
    reader.feed(b"\r\n.\r\n")
    assert [len(piece) for piece in reader.message().pieces] == [70_000, 70_000, 70_000, 2]


def test_of_several_faults_the_gravest_is_told():
    assert read([b"\0\r\r\n.\r\n"])[0].fault is DataFault.BARE_LINE_END
    assert read([b"x" * 20 + b"\0\r\n.\r\n"], limit=10)[0].fault is DataFault.NUL
