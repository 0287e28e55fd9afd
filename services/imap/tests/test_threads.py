"""Threads out of whatever messages say of each other (RFC 5256 §3)."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay_imap import threads as module
from mailquay_imap.threads import Message, by_references, by_subject, threads_text

START = datetime(2026, 2, 1, tzinfo=UTC)
NAMES = st.sampled_from([b"a", b"b", b"c", b"d", b"e", b"f", b""])
MESSAGES = st.lists(
    st.tuples(
        NAMES, st.lists(NAMES.filter(bool), max_size=5), st.sampled_from(["", "x", "y"]),
        st.booleans(), st.integers(0, 5), st.integers(0, 5),
    ),
    max_size=12,
)  # fmt: skip


def message(number, message_id=b"", references=(), subject="", **more) -> Message:
    day = more.get("day", number)
    sent = START + timedelta(days=day)
    arrived = START + timedelta(days=more.get("arrived", day))
    is_reply = more.get("is_reply", False)
    return Message(number, message_id, tuple(references), subject, is_reply, sent, arrived)


def made(rows) -> list[Message]:
    return [
        message(n, name, references, subject, is_reply=is_reply, day=day, arrived=arrived)
        for n, (name, references, subject, is_reply, day, arrived) in enumerate(rows, 1)
    ]


def is_nested(text: bytes) -> bool:
    depth = 0
    for byte in text:
        depth += {40: 1, 41: -1}.get(byte, 0)
        if depth < 0:
            return False
    return depth == 0


@given(MESSAGES, st.booleans())
def test_each_message_is_in_one_thread_once(rows, joins):
    messages = made(rows)
    for roots in (by_references(messages, joins_subjects=joins), by_subject(messages)):
        text = threads_text(roots)
        assert sorted(map(int, re.findall(rb"\d+", text))) == list(range(1, len(rows) + 1))
        assert is_nested(text)
        assert b"()" not in text
        assert b"(((" not in text or joins, "only a root may be missing"
        waiting = list(roots)
        while waiting:
            node = waiting.pop()
            dates = [(child.first.sent, child.first.number) for child in node.children]
            assert dates == sorted(dates)
            assert node.message is not None or len(node.children) > 1
            waiting += node.children


@given(MESSAGES)
def test_the_order_of_threads_is_that_of_their_beginnings_or_ends(rows):
    messages = made(rows)
    joined = by_references(messages, joins_subjects=True)
    assert [r.first.sent for r in joined] == sorted(r.first.sent for r in joined)
    subjects = [root.first.subject for root in joined if root.first.subject]
    assert len(subjects) == len(set(subjects)), "a subject is one thread"


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        # (1.A): a later message tells of links between others, unless they are known better.
        ([message(1, b"c"), message(2, b"d", [b"a", b"b", b"c"])], b"(1 2)"),
        ([message(1, b"b"), message(2, b"a"), message(3, b"c", [b"a", b"b"])], b"(2 1 3)"),
        # (1.B): a References that was cut short gives way to the message's own.
        ([message(1, b"c", [b"a", b"b"]), message(2, b"b", [b"z"]), message(3, b"a")], b"(2 1)(3)"),
        # (3): missing messages go, but for a root that holds several together.
        ([message(1, b"x", [b"m", b"n"])], b"(1)"),
        ([message(1, b"x", [b"m", b"n"]), message(2, b"y", [b"m"])], b"((1)(2))"),
        ([message(1, b"x", [b"r", b"m"]), message(2, b"y", [b"r", b"m"]), message(3, b"r")],
         b"(3 (1)(2))"),
        # (5.C): both missing; one missing; a reply to the other; neither.
        ([message(1, b"a", [b"m"], "s"), message(2, b"b", [b"m"], "s"),
          message(3, b"c", [b"n"], "s"), message(4, b"d", [b"n"], "s")], b"((1)(2)(3)(4))"),
        ([message(1, b"a", [b"m"], "s"), message(2, b"b", [b"m"], "s"), message(3, b"c", (), "s")],
         b"((1)(2)(3))"),
        ([message(1, b"a", (), "s", is_reply=True), message(2, b"b", (), "s")], b"(2 1)"),
        ([message(1, b"a", (), "s"), message(2, b"b", (), "s")], b"((1)(2))"),
        ([message(n, b"%d" % n, (), "s") for n in (1, 2, 3)], b"((1)(2)(3))"),
        ([message(1, b"a", [b"a"])], b"(1)"),
    ],
)  # fmt: skip
def test_known_threads(messages, text):
    assert threads_text(by_references(messages, joins_subjects=True)) == text


def test_a_thread_may_be_as_deep_as_a_mailbox_is_large():
    for count, orders in ((50_000, 2), (2_000, 3)):
        check_depth(count, orders)


def check_depth(count: int, orders: int) -> None:
    """One thread of messages, each of which answers the last."""
    up = [message(n, b"%d" % n, [b"%d" % (n - 1)] if n > 1 else ()) for n in range(1, count + 1)]
    expected = b"(" + b" ".join(b"%d" % n for n in range(1, count + 1)) + b")"
    for messages in (up, up[::-1], up[::2] + up[1::2])[:orders]:
        assert threads_text(by_references(messages, joins_subjects=True)) == expected


def test_a_mailbox_that_was_built_to_be_slow_is_not(monkeypatch):
    monkeypatch.setattr(module, "_STEPS_MAX", 100)
    count = 400
    up = [message(n, b"%d" % n, [b"%d" % (n - 1)] if n > 1 else ()) for n in range(1, count + 1)]
    text = threads_text(by_references(up[::2] + up[1::2], joins_subjects=True))
    assert sorted(map(int, re.findall(rb"\d+", text))) == list(range(1, count + 1))
