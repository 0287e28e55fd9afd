"""RFC 5321 §3: the client's side of a session, against replies written down."""

import itertools
from collections.abc import Generator
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay_smtp_out.protocol.dialogue import (
    Action,
    Envelope,
    Read,
    Recipient,
    Refused,
    Session,
    SessionPolicy,
    TlsLevel,
    Upgrade,
    Write,
    WriteBody,
    greet,
    reset,
    send_message,
)
from mailquay_smtp_out.protocol.replies import Reply, ReplyError, ReplyParser

T = TypeVar("T")
POLICY = SessionPolicy(helo_name="out.example")
A, B = Recipient("a@example.net"), Recipient("b@example.net")


def converse(dialogue: Generator[Action, Reply | None, T], *replies: str) -> tuple[list[str], T]:
    """Run a dialogue against replies; return what was done, and its result."""
    waiting = [
        Reply(int(text[:3]), tuple(line[4:] for line in text.split("\n"))) for text in replies
    ]
    done: list[str] = []
    answer: Reply | None = None
    while True:
        try:
            action = dialogue.send(answer)
        except StopIteration as stop:
            assert not waiting, "replies were left unread"
            return done, stop.value
        answer = None
        match action:
            case Write(data):
                done += data.decode().splitlines()
            case WriteBody():
                done.append("<body>")
            case Upgrade():
                done.append("<tls>")
            case Read():
                answer = waiting.pop(0)


def envelope(*recipients: Recipient, **more: object) -> Envelope:
    return Envelope(reverse_path="s@example.org", recipients=recipients, size=100, **more)  # type: ignore[arg-type]


def session(*extensions: str) -> Session:
    pairs = [extension.partition(" ") for extension in extensions]
    return Session({keyword: value for keyword, _, value in pairs}, is_tls=False)


def codes(results: object) -> list[int]:
    return [result.reply.code for result in results]  # type: ignore[attr-defined]


def test_greeting_and_ehlo_tell_the_extensions() -> None:
    done, result = converse(greet(POLICY), "220 hi", "250-mx\n250-PIPELINING\n250 size 1000")
    assert done == ["EHLO out.example"]
    assert result.offers("PIPELINING")
    assert result.size_limit == 1000
    assert not result.is_tls


def test_starttls_is_taken_when_offered_and_ehlo_said_again() -> None:
    done, result = converse(
        greet(POLICY), "220 hi", "250-mx\n250 STARTTLS", "220 go", "250-mx\n250 DSN"
    )
    assert done == ["EHLO out.example", "STARTTLS", "<tls>", "EHLO out.example"]
    assert result.is_tls
    assert result.extensions == {"DSN": ""}


def test_without_ehlo_it_falls_back_to_helo() -> None:
    done, result = converse(greet(POLICY), "220 hi", "502 what", "250 mx")
    assert done == ["EHLO out.example", "HELO out.example"]
    assert result.extensions == {}


@pytest.mark.parametrize(
    ("replies", "at"),
    [
        (["554 no service"], "greeting"),
        (["421 too busy"], "greeting"),
        (["220 hi", "421 going down"], "command"),
        (["220 hi", "550 no", "550 no"], "EHLO"),
    ],
)
def test_a_peer_that_will_not_talk_is_refused_with_its_reply(replies: list[str], at: str) -> None:
    with pytest.raises(Refused) as refused:
        converse(greet(POLICY), *replies)
    assert refused.value.at == at
    assert str(refused.value.reply) == replies[-1]


@pytest.mark.parametrize("replies", [["250 hi"], ["220 hi", "354 mx"]])
def test_a_greeting_that_makes_no_sense_is_no_success(replies: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        converse(greet(POLICY), *replies)
    assert refused.value.reply.enhanced == "4.5.0"
    assert refused.value.reply.is_transient


def test_a_session_is_reset_before_another_message() -> None:
    assert converse(reset(), "250 ok")[0] == ["RSET"]
    with pytest.raises(Refused):
        converse(reset(), "503 bad")


def test_required_tls_that_is_not_offered_refuses() -> None:
    policy = SessionPolicy(helo_name="out.example", tls=TlsLevel.REQUIRED)
    with pytest.raises(Refused) as refused:
        converse(greet(policy), "220 hi", "250 mx")
    assert refused.value.reply.enhanced == "4.7.5"


def test_a_password_is_never_sent_in_the_clear() -> None:
    policy = SessionPolicy(helo_name="out.example", username="u", password="p")
    with pytest.raises(Refused) as refused:
        converse(greet(policy), "220 hi", "250-mx\n250 AUTH PLAIN")
    assert refused.value.at == "AUTH"


@pytest.mark.parametrize(
    ("offer", "replies", "said"),
    [
        ("AUTH LOGIN PLAIN", ["235 ok"], ["AUTH PLAIN AHUAcA=="]),
        ("AUTH LOGIN", ["334 VXNlcg==", "334 UGFzcw==", "235 ok"], ["AUTH LOGIN", "dQ==", "cA=="]),
    ],
)
def test_a_smarthost_is_signed_in_to_after_tls(
    offer: str, replies: list[str], said: list[str]
) -> None:
    policy = SessionPolicy(helo_name="out.example", username="u", password="p")
    done, _ = converse(
        greet(policy), "220 hi", "250-mx\n250 STARTTLS", "220 go", f"250-mx\n250 {offer}", *replies
    )
    assert done[4:] == said


def test_one_by_one_without_pipelining() -> None:
    done, results = converse(
        send_message(session(), envelope(A, B)),
        "250 ok",
        "250 ok",
        "550 5.1.1 who",
        "354 go",
        "250 ok",
    )
    assert done == [
        "MAIL FROM:<s@example.org>",
        "RCPT TO:<a@example.net>",
        "RCPT TO:<b@example.net>",
        "DATA",
        "<body>",
    ]
    assert codes(results) == [250, 550]


def test_pipelined_in_one_write() -> None:
    dialogue = send_message(session("PIPELINING"), envelope(A, B))
    first = dialogue.send(None)
    assert isinstance(first, Write)
    assert first.data.count(b"\r\n") == 4
    dialogue.close()
    _, results = converse(
        send_message(session("PIPELINING"), envelope(A, B)),
        "250 ok", "250 ok", "451 4.3.0 later", "354 go", "250 2.0.0 queued",
    )  # fmt: skip
    assert codes(results) == [250, 451]


def test_pipelined_data_with_every_recipient_refused_sends_an_empty_message() -> None:
    done, results = converse(
        send_message(session("PIPELINING"), envelope(A)), "250 ok", "550 no", "354 go", "554 none"
    )
    assert done[-1] == "."
    assert "<body>" not in done
    assert codes(results) == [550]


def test_a_refused_mail_is_every_recipients_answer() -> None:
    _, plain = converse(send_message(session(), envelope(A, B)), "552 5.3.4 big", "250 reset")
    _, piped = converse(
        send_message(session("PIPELINING"), envelope(A, B)),
        "552 5.3.4 big", "503 bad", "503 bad", "503 bad",
    )  # fmt: skip
    assert codes(plain) == codes(piped) == [552, 552]


def test_the_final_reply_decides_for_those_accepted() -> None:
    _, results = converse(
        send_message(session(), envelope(A, B)), "250 ok", "250 ok", "550 no", "354 go", "452 full"
    )
    assert codes(results) == [452, 550]


CODES = st.sampled_from([220, 221, 235, 250, 251, 334, 354, 421, 450, 452, 500, 535, 550, 554])
EHLO_LINES = st.sampled_from(
    ["mx", "PIPELINING", "STARTTLS", "SIZE", "SIZE 10", "SIZE x", "DSN", "AUTH PLAIN", "AUTH", ""]
)
REPLIES = st.lists(
    st.builds(Reply, CODES, st.lists(EHLO_LINES, min_size=1, max_size=4).map(tuple)),
    min_size=40,
    max_size=40,
)


def run_out(dialogue: Generator[Action, Reply | None, T], replies: list[Reply]) -> T:
    """Run a dialogue against any replies whatsoever."""
    waiting = list(replies)
    answer: Reply | None = None
    while True:
        try:
            action = dialogue.send(answer)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        answer = waiting.pop(0) if isinstance(action, Read) else None


@given(
    replies=REPLIES,
    tls=st.sampled_from(TlsLevel),
    username=st.sampled_from([None, "u"]),
)
def test_any_replies_end_a_greeting_in_a_session_or_a_refusal(
    replies: list[Reply], tls: TlsLevel, username: str | None
) -> None:
    policy = SessionPolicy("out.example", tls, username, "p")
    try:
        result = run_out(greet(policy), replies)
    except Refused:
        return
    assert result.is_tls or tls is not TlsLevel.REQUIRED


@given(
    replies=REPLIES,
    extensions=st.lists(st.sampled_from(["PIPELINING", "SIZE 50", "DSN", "8BITMIME"])),
    count=st.integers(1, 5),
)
def test_any_replies_give_each_recipient_one_result(
    replies: list[Reply], extensions: list[str], count: int
) -> None:
    recipients = tuple(Recipient(f"r{n}@example.net") for n in range(count))
    try:
        results = run_out(send_message(session(*extensions), envelope(*recipients)), replies)
    except Refused:
        return
    assert [result.recipient for result in results] == list(recipients)


def hear(dialogue: Generator[Action, Reply | None, T], chunks: list[bytes]) -> object:
    """Run a dialogue against bytes as they come in; what it came to, in a comparable form."""
    parser, waiting = ReplyParser(), list(chunks)
    answer: Reply | None = None
    try:
        while True:
            action = dialogue.send(answer)
            answer = None
            while isinstance(action, Read) and (answer := parser.next_reply()) is None:
                if not waiting:
                    return "closed"
                parser.receive_data(waiting.pop(0))
    except StopIteration as stop:
        return stop.value
    except Refused as refused:
        return refused.reply
    except ReplyError as error:
        return str(error)


@given(
    wire=st.lists(
        st.one_of(
            st.sampled_from([b"220 hi\r\n", b"250-mx\r\n250-SIZE\r\n250 DSN\r\n", b"250 ok\r\n"]),
            st.sampled_from(
                [b"354 go\r\n", b"421 bye\r\n", b"550 5.1.1 no\n", b"250", b"-", b"\r"]
            ),
            st.binary(max_size=5),
        ),
        max_size=12,
    ).map(b"".join),
    cuts=st.lists(st.integers(0, 150), max_size=8),
)
def test_no_bytes_in_whatever_packets_end_otherwise(wire: bytes, cuts: list[int]) -> None:
    edges = sorted({0, len(wire), *(min(cut, len(wire)) for cut in cuts)})
    packets = [wire[a:b] for a, b in itertools.pairwise(edges)]
    assert hear(greet(POLICY), packets) == hear(greet(POLICY), [wire])
    messages = [send_message(session("PIPELINING"), envelope(A, B)) for _ in range(2)]
    assert hear(messages[0], packets) == hear(messages[1], [wire])


@given(replies=REPLIES, count=st.integers(1, 4))
def test_nobody_counts_as_delivered_before_the_message_was_sent_and_taken(
    replies: list[Reply], count: int
) -> None:
    recipients = tuple(Recipient(f"r{n}@example.net") for n in range(count))
    dialogue = send_message(session("PIPELINING"), envelope(*recipients))
    waiting, said = list(replies), []
    is_sent = False
    answer: Reply | None = None
    try:
        while True:
            action = dialogue.send(answer)
            is_sent = is_sent or isinstance(action, WriteBody)
            answer = waiting.pop(0) if isinstance(action, Read) else None
            said += [answer] if answer is not None else []
    except Refused:
        return
    except StopIteration as stop:
        if any(result.reply.is_positive for result in stop.value):
            assert is_sent
            assert said[-1].code // 100 == 2


def test_parameters_are_said_only_where_offered() -> None:
    recipient = Recipient("a@example.net", notify="NEVER", original_recipient="rfc822;x@y")
    wanted = envelope(recipient, is_8bit=True, envelope_id="Q1", ret="HDRS")
    done, _ = converse(
        send_message(session("SIZE 9999", "8BITMIME", "DSN"), wanted),
        "250 ok", "250 ok", "354 go", "250 ok",
    )  # fmt: skip
    assert done[:2] == [
        "MAIL FROM:<s@example.org> SIZE=100 BODY=8BITMIME RET=HDRS ENVID=Q1",
        "RCPT TO:<a@example.net> NOTIFY=NEVER ORCPT=rfc822;x@y",
    ]
    plain = envelope(Recipient("a@example.net", notify="NEVER"))
    done, _ = converse(send_message(session(), plain), "250 ok", "250 ok", "354 go", "250 ok")
    assert done[:2] == ["MAIL FROM:<s@example.org>", "RCPT TO:<a@example.net>"]


@pytest.mark.parametrize(
    "address",
    ['"two words"@example.net', '"a>b\\"c"@example.net', "a.b+c@[192.0.2.1]", "ä@ö.example"],
)
def test_any_address_that_a_path_can_hold_is_sent(address: str) -> None:
    done, _ = converse(
        send_message(session("SMTPUTF8"), envelope(Recipient(address))),
        "250 ok", "250 ok", "354 go", "250 ok",
    )  # fmt: skip
    assert done[1] == f"RCPT TO:<{address}>"


@pytest.mark.parametrize("value", ["two words", "a\r\nQUIT", "", "ü", "x" * 501])
def test_a_parameter_that_would_end_early_is_left_out(value: str) -> None:
    recipient = Recipient("a@example.net", notify=value, original_recipient=value)
    done, _ = converse(
        send_message(session("DSN"), envelope(recipient, envelope_id=value, ret=value)),
        "250 ok", "250 ok", "354 go", "250 ok",
    )  # fmt: skip
    assert done[:2] == ["MAIL FROM:<s@example.org>", "RCPT TO:<a@example.net>"]


@pytest.mark.parametrize(
    ("message", "extensions", "status"),
    [
        (envelope(A, smtputf8=True), ["8BITMIME"], "5.6.7"),
        (envelope(Recipient("ä@example.net")), ["8BITMIME"], "5.6.7"),
        (envelope(A, is_8bit=True), ["SMTPUTF8"], "5.6.3"),
        (envelope(A), ["SIZE 99"], "5.3.4"),
        (envelope(Recipient("a@b>\r\nRCPT TO:<c@d")), [], "5.1.3"),
        (envelope(Recipient("a b@example.net")), [], "5.1.3"),
        (envelope(Recipient("")), [], "5.1.3"),
    ],
)
def test_what_the_peer_cannot_take_is_said_without_a_word_to_it(
    message: Envelope, extensions: list[str], status: str
) -> None:
    done, results = converse(send_message(session(*extensions), message))
    assert done == []
    assert [result.reply.enhanced for result in results] == [status]
