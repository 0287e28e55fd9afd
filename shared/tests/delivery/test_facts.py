"""What is kept of a message (RFC 8621 §3: threads; RFC 5256 §2.1: base subjects)."""

import pytest
from hypothesis import given

from mailquay.delivery.facts import HEADER_FIELDS_MAX_BYTES, TEXT_MAX_CHARACTERS, read_facts
from mailquay.testing.hostile import hostile_messages


def letter(subject: str, message_id: str = "1@x", references: str = "") -> bytes:
    more = f"References: {references}\r\n" if references else ""
    return f"Subject: {subject}\r\nMessage-ID: <{message_id}>\r\n{more}\r\nx\r\n".encode()


def are_one_thread(first: bytes, second: bytes) -> bool:
    return bool(set(read_facts(first).thread_keys) & set(read_facts(second).thread_keys))


@pytest.mark.parametrize(
    ("subject", "is_one"),
    [
        ("Re: green tea", True),
        ("[list] RE: Green  Tea (fwd)", True),
        ("Fwd: greentea", True),  # white space is ignored
        ("Re: green\r\n tea", True),
        ("black tea", False),
        ("", False),
    ],
)
def test_a_thread_is_of_one_subject(subject, is_one):
    answer = letter(subject, "2@x", "<0@x> <1@x>")
    assert are_one_thread(letter("green tea"), answer) is is_one


def test_a_thread_is_of_messages_that_refer_to_one_another():
    assert not are_one_thread(letter("tea"), letter("tea", "2@x"))
    # Neither is there itself: both answer the same one.
    assert are_one_thread(letter("tea", "1@x", "<0@x>"), letter("Re: tea", "2@x", "<0@x>"))


def test_ids_that_are_no_utf8_are_the_same_wherever_they_stand():
    own = b"Subject: tea\r\nMessage-ID: <\xff@x>\r\n\r\n"
    answer = b"Subject: Re: tea\r\nIn-Reply-To: <\xff@x>\r\n\r\n"
    assert are_one_thread(own, answer)


def columns(raw: bytes) -> dict[str, object]:
    return read_facts(raw)._columns


def test_of_very_many_fields_all_that_are_kept_are_kept():
    raw = b"X: y\r\n" * 6000 + b"To: a@b\r\n\r\n"
    assert columns(raw)["header_fields"] == b"To: a@b\r\n"
    large = b"To: a@b\r\n" * 6000
    assert len(large) > HEADER_FIELDS_MAX_BYTES
    assert columns(large)["header_fields"] == b""  # read from the body, then


@given(hostile_messages)
def test_any_bytes_give_what_postgres_takes(raw):
    for name, value in columns(raw).items():
        if isinstance(value, str):
            assert len(value) <= TEXT_MAX_CHARACTERS, name
            assert "\0" not in value, name
            value.encode()
