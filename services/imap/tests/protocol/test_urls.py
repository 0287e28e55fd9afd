"""URLs of messages (RFC 5092, RFC 4469)."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.message.sections import Section
from mailquay_imap.protocol.errors import ProtocolError
from mailquay_imap.protocol.urls import parse_message_url

WORDS = st.sampled_from(
    ["/", ";UID=", "1", ";UIDVALIDITY=", "/;SECTION=", "/;PARTIAL=", ".", "INBOX", "%C3%A9", "%00",
     "%FF", "HEADER.FIELDS%20(To)", "1.2", "imap://", "?", "#", " ", "é", "%5D", "%22"]
)  # fmt: skip


@pytest.mark.parametrize(
    ("url", "mailbox", "uidvalidity", "uid", "partial"),
    [
        ("/Drafts;UIDVALIDITY=385759045/;UID=20", "Drafts", 385759045, 20, None),
        ("/a/b%20%C3%A9/;uid=7/;section=1.2.mime/;partial=3.9", "a/b é", None, 7, (3, 9)),
        ("INBOX/;UID=7/;PARTIAL=0", "INBOX", None, 7, (0, None)),
        (";UID=1", None, None, 1, None),
        ("/;UID=1/;SECTION=TEXT", None, None, 1, None),
    ],
)
def test_parts_of_a_url(url, mailbox, uidvalidity, uid, partial):
    found = parse_message_url(url)
    assert (found.mailbox, found.uidvalidity) == (mailbox, uidvalidity)
    assert (found.uid, found.partial) == (uid, partial)


def test_the_section_of_a_url():
    item = parse_message_url("/x/;UID=1/;SECTION=2.HEADER.FIELDS%20(To%20Cc)").section
    assert (item.part, item.section, item.fields) == ((2,), Section.HEADER, (b"TO", b"CC"))


@pytest.mark.parametrize(
    "url",
    ["", "/", "/x", "/x/;UID=0", "/x/;UID=1/", "/x/;UID=1/;SECTION=", "/x/;UID=1;SECTION=1",
     "/x?TO=y", "imap://h/x/;UID=1", "IMAPS:x/;UID=1", "//h/x/;UID=1", "/x/;UID=1/;PARTIAL=1.0",
     "/%FF/;UID=1", "/x;UIDVALIDITY=0/;UID=1", "/x/;UID=1/;SECTION=1%5D%5B2", "/x/;UID=1#y"],
)  # fmt: skip
def test_what_is_no_url_of_a_message_here(url):
    with pytest.raises(ProtocolError):
        parse_message_url(url)


@given(st.lists(WORDS, max_size=10).map("".join) | st.text(max_size=30))
def test_any_text_is_a_url_or_an_error(text):
    with contextlib.suppress(ProtocolError):
        found = parse_message_url(text)
        assert found.uid > 0
        assert found.section.peek
