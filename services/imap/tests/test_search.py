"""SEARCH where a transcript would be unreadable: long fields, long headers, many messages."""

import pytest

from mailquay_imap import finder

LONG_TO = b", ".join(b"person%d@example.net" % number for number in range(300))
#: More than is kept of a header with each message.
LONG_HEADER = b"".join(b"Received: from host%d by us; now\r\n" % n for n in range(300)) + (
    b"References: " + b" ".join(b"<%d@example.net>" % n for n in range(2000)) + b"\r\n"
)


@pytest.fixture
def search(start_imap):
    """The numbers that keys find among these messages."""

    async def run(messages: list[bytes], *keys: bytes) -> list[list[int]]:
        async with start_imap() as imap:
            client = await imap.sign_in(
                *(b"APPEND INBOX {%d+}\r\n%b" % (len(message), message) for message in messages),
                b"SELECT INBOX",
            )
            found = []
            for key in keys:
                lines = await client.say(b"SEARCH " + key)
                assert lines[-1].startswith(b"t OK"), lines
                found.append([int(number) for number in lines[0].split()[2:]])
            return found

    return run


def message(**fields: bytes) -> bytes:
    header = b"".join(b"%b: %b\r\n" % (k.encode(), v) for k, v in fields.items())
    return header + b"\r\nbody\r\n"


async def test_a_field_is_searched_to_its_end(search):
    messages = [message(To=LONG_TO), message(To=b"last@example.net")]
    keys = (b"TO person0@", b"TO person299@", b"TO person300@", b"TO last", b"NOT TO person299@")
    assert await search(messages, *keys) == [[1], [1], [], [2], [2]]


async def test_a_header_that_is_not_kept_is_read(search):
    messages = [LONG_HEADER + message(Subject=b"x"), message(References=b"<a@b>")]
    keys = (
        b"HEADER References <1999@example.net>", b'HEADER References ""', b"HEADER Received host299",
        b"HEADER Received host300", b"SUBJECT x", b'HEADER Body ""',
    )  # fmt: skip
    assert await search(messages, *keys) == [[1], [1, 2], [1], [], [1], []]


async def test_fields_are_looked_at_one_by_one(search):
    messages = [b"Comments: one\r\n" + message(Comments=b"two")]
    keys = (b"HEADER Comments one", b"HEADER Comments two", b'HEADER Comments "one, two"')
    assert await search(messages, *keys) == [[1], [1], []]


async def test_what_looks_like_a_field_in_a_body_is_none(search):
    messages = [message(Subject=b"x") + b"X-Field: in the body\r\n"]
    assert await search(messages, b'HEADER X-Field ""', b"BODY X-Field") == [[], [1]]


async def test_many_bodies_are_read_in_turn(search):
    messages = [message(Subject=b"n%d" % n) + b"odd\r\n" * (n % 2) for n in range(150)]
    found = await search(messages, b"BODY odd", b"SUBJECT n7 BODY odd", b"TEXT n14 NOT BODY odd")
    assert found[0] == [n + 1 for n in range(150) if n % 2]
    assert found[1] == [n + 1 for n in (7, 71, 73, 75, 77, 79)]
    assert found[2] == [n + 1 for n in (14, 140, 142, 144, 146, 148)]


async def test_wildcards_of_sql_are_plain_characters(search):
    messages = [message(Subject=b"100%"), message(Subject=b"a_b"), message(Subject=b"back\\slash")]
    keys = (b'SUBJECT "%"', b'SUBJECT "_"', b'SUBJECT "\\\\"', b'SUBJECT "0%"')
    assert await search(messages, *keys) == [[1], [2], [3], [1]]


async def test_the_same_email_twice_is_found_twice(start_imap):
    async with start_imap() as imap:
        text = message(Subject=b"twice")
        client = await imap.sign_in(
            b"APPEND INBOX {%d+}\r\n%b" % (len(text), text), b"SELECT INBOX"
        )
        await client.say(b"COPY 1 INBOX")
        for key in (b"SUBJECT twice", b"BODY body", b"SENTSINCE 1-Jan-2020", b'HEADER Subject ""'):
            assert (await client.say(b"SEARCH " + key))[0] == b"* SEARCH 1 2\r\n"


async def test_a_large_mailbox_is_searched_by_the_same_comparator(search, monkeypatch):
    monkeypatch.setattr(finder, "_REMEMBERED", 0)
    messages = [
        message(Subject="Café".encode()), message(Subject=b"cafe"), message(Subject=b"tea"),
        b"Message-ID: <\xc3\xa9@x>\r\n" + message(Subject=b"x"), message(To=LONG_TO),
    ]  # fmt: skip
    keys = (
        b"SUBJECT CAFE", 'CHARSET UTF-8 SUBJECT "café"'.encode(), 'CHARSET UTF-8 SUBJECT "ＴＥＡ"'.encode(),
        'CHARSET UTF-8 HEADER Message-ID "É@"'.encode(), b"TO person299@",
    )  # fmt: skip
    assert await search(messages, *keys) == [[1, 2], [1], [3], [4], [5]]
