"""RFC 5321 §4.2: SMTP replies."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay_smtp_out.protocol.replies import (
    LINE_MAX_BYTES,
    LINES_MAX,
    Reply,
    ReplyError,
    ReplyParser,
)


def parse(*chunks: bytes) -> list[Reply]:
    parser = ReplyParser()
    replies = []
    for chunk in chunks:
        parser.receive_data(chunk)
        while (reply := parser.next_reply()) is not None:
            replies.append(reply)
    return replies


@pytest.mark.parametrize(
    ("wire", "replies"),
    [
        (b"220 mx.example ESMTP\r\n", [Reply(220, ("mx.example ESMTP",))]),
        (b"250\r\n", [Reply(250, ("",))]),
        (b"250-mx\r\n250-SIZE 100\r\n250 DSN\r\n", [Reply(250, ("mx", "SIZE 100", "DSN"))]),
        (b"250 one\r\n354 two\r\n", [Reply(250, ("one",)), Reply(354, ("two",))]),
        (b"250 bare line feed\n", [Reply(250, ("bare line feed",))]),
        (
            "550 5.1.1 Empfänger unbekannt\r\n".encode(),
            [Reply(550, ("5.1.1 Empfänger unbekannt",))],
        ),
    ],
)
def test_a_reply_is_its_code_and_its_lines(wire: bytes, replies: list[Reply]) -> None:
    assert parse(wire) == replies


@pytest.mark.parametrize(
    "wire",
    [
        b"hello\r\n",
        b"999 no such class\r\n",
        b"25 too short\r\n",
        b"250-first\r\n550 second\r\n",
        b"250_mx\r\n",
        b"220 " + b"x" * (LINE_MAX_BYTES + 1) + b"\r\n",
        b"x" * (LINE_MAX_BYTES + 1),
        b"250-x\r\n" * (LINES_MAX + 1),
    ],
)
def test_what_is_no_reply_is_refused(wire: bytes) -> None:
    with pytest.raises(ReplyError):
        parse(wire)


@pytest.mark.parametrize(
    ("lines", "code", "enhanced", "status"),
    [
        (("5.1.1 unknown",), 550, "5.1.1", "5.1.1"),
        (("5.1.1",), 550, "5.1.1", "5.1.1"),
        (("4.2.2 class does not match the code",), 550, None, "5.0.0"),
        (("no code",), 451, None, "4.0.0"),
        (("", "2.0.0 queued"), 250, "2.0.0", "2.0.0"),
        (("5.1.1.1 not an enhanced code",), 550, None, "5.0.0"),
    ],
)
def test_enhanced_status_codes_of_rfc_2034_are_found(
    lines: tuple[str, ...], code: int, enhanced: str | None, status: str
) -> None:
    reply = Reply(code, lines)
    assert (reply.enhanced, reply.status) == (enhanced, status)


@given(
    replies=st.lists(
        st.builds(
            Reply,
            st.integers(200, 555).filter(lambda code: code // 10 % 10 <= 5),
            st.lists(
                st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=20),
                min_size=1,
                max_size=4,
            ).map(tuple),
        ),
        max_size=4,
    ),
    cuts=st.lists(st.integers(0, 400), max_size=8),
)
def test_replies_do_not_depend_on_packet_boundaries(replies: list[Reply], cuts: list[int]) -> None:
    wire = b""
    for reply in replies:
        for line in reply.lines[:-1]:
            wire += f"{reply.code}-{line}\r\n".encode()
        wire += f"{reply.code} {reply.lines[-1]}\r\n".encode()
    edges = sorted({0, len(wire), *(min(cut, len(wire)) for cut in cuts)})
    assert parse(*(wire[a:b] for a, b in itertools.pairwise(edges))) == replies


def test_a_reply_counts_whatever_follows_it() -> None:
    parser = ReplyParser()
    parser.receive_data(b"250 2.0.0 kept\r\ngarbage\r\n221 bye\r\n")
    assert parser.has_leftover
    assert parser.next_reply() == Reply(250, ("2.0.0 kept",))
    with pytest.raises(ReplyError):
        parser.next_reply()
    parser.receive_data(b"250 ok\r\n")
    with pytest.raises(ReplyError):
        parser.next_reply()


def outcome(*chunks: bytes) -> tuple[list[Reply], bool]:
    parser, replies = ReplyParser(), []
    for chunk in chunks:
        parser.receive_data(chunk)
    try:
        while (reply := parser.next_reply()) is not None:
            replies.append(reply)
    except ReplyError:
        return replies, True
    return replies, False


@given(
    wire=st.lists(
        st.sampled_from([b"250", b" ", b"-", b"\r\n", b"\n", b"550 5.1.1 x", b"x", b"\r", b"\xff"]),
        max_size=40,
    ).map(b"".join),
    cuts=st.lists(st.integers(0, 400), max_size=8),
)
def test_garbage_does_not_depend_on_packet_boundaries(wire: bytes, cuts: list[int]) -> None:
    edges = sorted({0, len(wire), *(min(cut, len(wire)) for cut in cuts)})
    assert outcome(*(wire[a:b] for a, b in itertools.pairwise(edges))) == outcome(wire)


def test_bytes_that_come_one_by_one_cost_no_more_each() -> None:
    # Were the buffer searched anew for each, this would take hours.
    wire = (b"250-" + b"x" * (LINE_MAX_BYTES - 10) + b"\r\n") * (LINES_MAX - 1) + b"250 x\r\n"
    parser = ReplyParser()
    for position in range(len(wire)):
        parser.receive_data(wire[position : position + 1])
    reply = parser.next_reply()
    assert reply is not None
    assert len(reply.lines) == LINES_MAX


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_reply_error(wire: bytes) -> None:
    try:
        replies = parse(wire)
    except ReplyError:
        return
    assert all(200 <= reply.code < 600 for reply in replies)
