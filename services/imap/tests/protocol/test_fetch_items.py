"""FETCH's items, and the names that the response gives them."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.message.sections import Section
from mailquay_imap.protocol.errors import ProtocolError
from mailquay_imap.protocol.fetch import BodyItem, SimpleItem, parse_fetch_items
from mailquay_imap.protocol.reader import Reader


def items(text: bytes, *literals: bytes):
    reader = Reader(text, literals)
    found = parse_fetch_items(reader)
    reader.end()
    return found


KNOWN = [
    (b"BODY", SimpleItem("BODY")),
    (b"body.peek[]", BodyItem(b"BODY[]", peek=True)),
    (b"BODY[TEXT]", BodyItem(b"BODY[TEXT]", section=Section.TEXT)),
    (b"BODY[1.2.mime]", BodyItem(b"BODY[1.2.MIME]", (1, 2), Section.MIME)),
    (b"BODY[]<3.4>", BodyItem(b"BODY[]<3>", partial=(3, 4))),
    (
        b"BODY[4.HEADER.FIELDS.NOT (To cC)]<0.1>",
        BodyItem(
            b"BODY[4.HEADER.FIELDS.NOT (TO CC)]<0>", (4,), Section.HEADER, (b"TO", b"CC"),
            fields_not=True, partial=(0, 1),
        ),
    ),
    (b"RFC822.HEADER", BodyItem(b"RFC822.HEADER", section=Section.HEADER, peek=True)),
    (b"RFC822", BodyItem(b"RFC822")),
    (b"BINARY[]", BodyItem(b"BINARY[]", decoded=True)),
    (b"binary.peek[1]<0.9>", BodyItem(b"BINARY[1]<0>", (1,), partial=(0, 9), peek=True,
                                      decoded=True)),
    (b"BINARY.SIZE[1.2]", BodyItem(b"BINARY.SIZE[1.2]", (1, 2), peek=True, decoded=True,
                                   only_size=True)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "item"), KNOWN)
def test_known_answers(text, item):
    assert items(text) == (item,)
    assert items(b"(UID " + text + b")") == (SimpleItem("UID"), item)


PARTS = st.lists(st.integers(1, 99), max_size=4)
NAMES = st.lists(st.binary(min_size=1, max_size=6).map(bytes.upper), min_size=1, max_size=3)


@given(PARTS, st.sampled_from(["", "HEADER", "TEXT", "MIME"]), st.booleans())
def test_a_label_is_the_item_that_was_asked_for(part, word, peek):
    if word == "MIME" and not part:
        return
    spec = ".".join([*map(str, part), *([word] if word else [])]).encode()
    (item,) = items(b"BODY.PEEK[%b]" % spec if peek else b"BODY[%b]" % spec)
    assert item.label == b"BODY[%b]" % spec
    (again,) = items(item.label)
    assert (again.part, again.section) == (item.part, item.section)
    assert item.peek is peek


@given(NAMES)
def test_field_names_of_any_kind_come_back_in_the_label(names):
    text = b"BODY[HEADER.FIELDS (%b)]" % b" ".join(b"\0" for _ in names)
    try:
        (item,) = items(text, *names)
    except ProtocolError:
        assert any(not 0x21 <= byte < 0x7F or byte == 0x3A for name in names for byte in name)
        return
    assert item.fields == tuple(names)
    (again,) = items(item.label)
    assert again.fields == item.fields
    assert b"\0" not in item.label


@given(st.binary(max_size=30).map(lambda data: data.replace(b"\0", b"")))
def test_any_bytes_are_items_or_an_error(text):
    for prefix in (b"", b"(", b"BODY[", b"BODY[HEADER.FIELDS ("):
        with contextlib.suppress(ProtocolError):
            items(prefix + text)
