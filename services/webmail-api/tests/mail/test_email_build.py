"""Messages out of Emails to create (RFC 8621 §4.6), without a server."""

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.message import scan
from mailquay.message.content import decode_body
from mailquay_webmail_api.jmap.core.blobs import Blob
from mailquay_webmail_api.jmap.core.errors import SetError
from mailquay_webmail_api.jmap.mail.body_parts import body_structure, decompose
from mailquay_webmail_api.jmap.mail.body_values import body_value
from mailquay_webmail_api.jmap.mail.email_build import Origin, build_email, referenced_blobs

PNG = Blob(b"\x89PNG\r\n\x1a\n\x00\xff", "image/png")
LETTER = Blob(b"Subject: inner\nX: y\n\nHello\n", "message/rfc822")
BLOBS = {"U1": PNG, "U2": LETTER, "U3": Blob(b"a\nb\r\nc\r", "text/plain")}
TEXT = {"t": {"value": "Hello,\nworld\n"}}


def build(**given) -> bytes:
    numbers = itertools.count(1)
    origin = Origin(
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "id@example.org", lambda: f"b{next(numbers)}b"
    )
    return build_email(given, BLOBS, origin)


def types(raw: bytes):
    def show(part):
        if part.is_multipart:
            return {part.subtype: [show(child) for child in part.children]}
        return part.content_type

    return show(scan(raw).root)


def refused(**given) -> dict:
    with pytest.raises(SetError) as error:
        build(**given)
    return error.value.response


def test_the_example_of_the_rfc():
    # RFC 8621 §4.10
    raw = build(
        **{
            "from": [{"name": "Joe Bloggs", "email": "joe@example.com"}],
            "subject": "World domination",
            "sentAt": "2018-07-10T11:03:11+10:00",
            "bodyStructure": {
                "type": "text/plain", "partId": "bd48", "header:Content-Language": "en",
            },
            "bodyValues": {
                "bd48": {"value": "I have the most brilliant plan.", "isTruncated": False}
            },
        }
    )  # fmt: skip
    assert raw.decode() == (
        "From: Joe Bloggs <joe@example.com>\r\n"
        "Subject: World domination\r\n"
        "Date: Tue, 10 Jul 2018 11:03:11 +1000\r\n"
        "Message-ID: <id@example.org>\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=us-ascii\r\n"
        "Content-Language: en\r\n"
        "Content-Transfer-Encoding: 7bit\r\n"
        "\r\n"
        "I have the most brilliant plan."
    )


def test_two_alternatives_as_the_rfc_has_them():
    html = "<!DOCTYPE html><html><body><div>I have the <b>plan</b></div></body></html>"
    raw = build(
        bodyStructure={
            "type": "multipart/alternative",
            "subParts": [
                {"partId": "a49d", "type": "text/html", "header:Content-Language": "en"},
                {"partId": "bd48", "type": "text/plain", "header:Content-Language": "en"},
            ],
        },
        bodyValues={"bd48": {"value": "I have the plan"}, "a49d": {"value": html}},
    )
    assert types(raw) == {"alternative": ["text/html", "text/plain"]}
    assert b"Content-Language: en\r\n" in raw


@pytest.mark.parametrize(
    ("given", "structure"),
    [
        ({}, "text/plain"),
        ({"textBody": [{"partId": "t", "type": "text/plain"}]}, "text/plain"),
        ({"textBody": [{"partId": "t"}]}, "text/plain"),
        ({"htmlBody": [{"partId": "t", "type": "text/html"}]}, "text/html"),
        (
            {"textBody": [{"partId": "t"}], "htmlBody": [{"partId": "t"}]},
            {"alternative": ["text/plain", "text/html"]},
        ),
        (
            {"textBody": [{"partId": "t"}], "attachments": [{"blobId": "U1", "type": "image/png"}]},
            {"mixed": ["text/plain", "image/png"]},
        ),
        ({"attachments": [{"blobId": "U1", "type": "image/png"}]}, {"mixed": ["image/png"]}),
        (
            {
                "textBody": [{"partId": "t"}],
                "htmlBody": [{"partId": "t"}],
                "attachments": [
                    {"blobId": "U2", "type": "message/rfc822"},
                    {"blobId": "U1", "type": "image/png", "cid": "p", "disposition": "inline"},
                ],
            },
            {
                "mixed": [
                    {"related": [{"alternative": ["text/plain", "text/html"]}, "image/png"]},
                    "message/rfc822",
                ]
            },
        ),
    ],
)
def test_bodies_are_arranged_as_clients_expect_them(given, structure):
    assert types(build(**given, bodyValues=TEXT)) == structure


def test_header_fields_come_in_their_order_and_forms():
    raw = build(
        **{
            "header:X-Raw": " as it is",
            "references": ["a@x", "b@x"],
            "to": [{"name": "Ä, B", "email": "b@x"}, {"email": "c@x"}],
            "from": [{"name": None, "email": "a@x"}],
            "header:X-Many:asText:all": ["one", "zwei ü"],
            "header:Reply-To:asGroupedAddresses": [
                {"name": "G", "addresses": [{"email": "d@x"}]}
            ],
            "messageId": ["own@x"],
            "cc": None,
            "header:MIME-Version": "1.0",
        }
    )  # fmt: skip
    header = scan(raw).header
    assert [field.name.decode() for field in header] == [
        "From", "Reply-To", "To", "Date", "Message-ID", "References", "X-Raw", "X-Many", "X-Many",
        "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
    ]  # fmt: skip
    assert header.get_raw(b"message-id") == b"<own@x>"
    assert header.get_raw(b"references") == b"<a@x> <b@x>"
    assert header.get_raw(b"reply-to") == b"G: d@x;"
    assert header.decoded(b"to") == "Ä, B <b@x>, c@x"
    assert header.get_raw(b"x-raw") == b"as it is"
    assert header.all_decoded(b"x-many") == "one, zwei ü"


def test_a_part_is_described_by_its_properties():
    raw = build(
        attachments=[
            {
                "blobId": "U1", "type": "image/png", "name": "bild ü.png", "size": 5,
                "disposition": "attachment", "cid": "c@x", "language": ["en", "de"],
                "location": "https://example.org/a", "header:X-Own:asText": "ö",
            },
            {"blobId": "U3", "type": "text/plain", "charset": "iso-8859-1", "name": "n.txt"},
            {"blobId": "U3", "header:Content-Type": 'text/x-own; a="b c"; charset=utf-8'},
            {"partId": "t", "header:Content-Type": "text/plain; format=flowed; charset=koi8-r"},
        ],
        bodyValues=TEXT,
    )  # fmt: skip
    first, second, third, fourth = scan(raw).root.children
    assert (first.filename, first.disposition, first.content_id) == (
        "bild ü.png",
        "attachment",
        "<c@x>",
    )
    assert (first.language, first.location) == (("en", "de"), "https://example.org/a")
    assert decode_body(raw, first) == PNG.data
    assert (second.params, second.disposition) == (
        (("charset", "iso-8859-1"), ("name", "n.txt")),
        None,
    )
    assert decode_body(raw, second) == BLOBS["U3"].data
    assert third.params == (("a", "b c"), ("charset", "utf-8"))
    # The text is ours to encode, and so is its charset to say.
    assert fourth.params == (("charset", "us-ascii"), ("format", "flowed"))


def test_an_attached_message_is_not_encoded():
    raw = build(attachments=[{"blobId": "U2", "type": "message/rfc822"}])
    (part,) = scan(raw).root.children
    assert part.encoding == "7bit"
    assert part.is_message
    assert raw[part.body_start : part.body_end] == b"Subject: inner\r\nX: y\r\n\r\nHello\r\n"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=2000))
def test_text_comes_back_as_it_was_written(text):
    raw = build(textBody=[{"partId": "t"}], bodyValues={"t": {"value": text}})
    (item,) = decompose(body_structure(scan(raw).root)).text
    assert body_value(raw, item, 0)["value"] == text
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"headers": []}, ["headers"]),
        ({"id": "E1", "threadId": "T1"}, ["id", "threadId"]),
        ({"nonsense": 1}, ["nonsense"]),
        ({"from": [], "header:From": "a@x"}, ["header:From"]),
        ({"header:x:asText": "a", "header:X": "b"}, ["header:X"]),
        ({"header:x:all": ["a"], "header:X": "b"}, ["header:X"]),
        ({"header:From:asText": "a"}, ["header:From:asText"]),
        ({"header:Content-Type": "text/html"}, ["header:Content-Type"]),
        ({"subject": 5}, ["subject"]),
        ({"bodyStructure": {"partId": "t"}, "textBody": [], "attachments": []}, ["textBody", "attachments"]),
        ({"subject": "a", "bodyStructure": {"partId": "t", "header:Subject": "b"}}, ["bodyStructure"]),
        ({"bodyStructure": []}, ["bodyStructure"]),
        ({"bodyStructure": {}}, ["bodyStructure"]),
        ({"bodyStructure": {"partId": "t", "blobId": "U1"}}, ["bodyStructure"]),
        ({"bodyStructure": {"partId": "missing"}}, ["bodyStructure"]),
        ({"bodyStructure": {"partId": "t", "charset": "utf-8"}}, ["bodyStructure"]),
        ({"bodyStructure": {"partId": "t", "size": 5}}, ["bodyStructure"]),
        ({"bodyStructure": {"partId": "t", "headers": []}}, ["bodyStructure"]),
        ({"bodyStructure": {"partId": "t", "header:Content-Transfer-Encoding": "8bit"}}, ["bodyStructure"]),
        ({"bodyStructure": {"partId": "t", "type": "text/plain", "header:Content-Type": "text/html"}}, ["bodyStructure"]),
        ({"bodyStructure": {"partId": "t", "cid": "a", "header:Content-ID": "<b>"}}, ["bodyStructure"]),
        ({"bodyStructure": {"partId": "t", "type": "nonsense"}}, ["bodyStructure"]),
        ({"bodyStructure": {"partId": "t", "type": "a/b\r\nX: y"}}, ["bodyStructure"]),
        ({"bodyStructure": {"partId": "t", "cid": "a b"}}, ["bodyStructure"]),
        ({"bodyStructure": {"partId": "t", "disposition": "a b"}}, ["bodyStructure"]),
        ({"bodyStructure": {"partId": "t", "language": "en"}}, ["bodyStructure"]),
        ({"bodyStructure": {"partId": "t", "location": "a b"}}, ["bodyStructure"]),
        ({"bodyStructure": {"partId": "t", "subParts": []}}, ["bodyStructure"]),
        ({"bodyStructure": {"type": "multipart/mixed", "partId": "t"}}, ["bodyStructure"]),
        ({"bodyStructure": {"type": "multipart/mixed", "subParts": {}}}, ["bodyStructure"]),
        ({"bodyStructure": {"type": "multipart/mixed", "subParts": [5]}}, ["bodyStructure"]),
        ({"textBody": []}, ["textBody"]),
        ({"textBody": [{"partId": "t"}, {"partId": "t"}]}, ["textBody"]),
        ({"textBody": [{"partId": "t", "type": "text/html"}]}, ["textBody"]),
        ({"htmlBody": [{"partId": "t", "type": "text/plain"}]}, ["htmlBody"]),
        ({"attachments": {}}, ["attachments"]),
        ({"attachments": [{"type": "a/b"}]}, ["attachments"]),
        ({"bodyValues": []}, ["bodyValues"]),
        ({"bodyValues": {"t": "x"}}, ["bodyValues"]),
        ({"bodyValues": {"t": {"value": "x", "isTruncated": True}}}, ["bodyValues"]),
        ({"bodyValues": {"t": {"value": "x", "isEncodingProblem": True}}}, ["bodyValues"]),
    ],
)  # fmt: skip
def test_what_breaks_a_rule_is_refused_by_name(given, names):
    error = refused(**{"bodyValues": TEXT, **given})
    assert error["type"] == "invalidProperties"
    assert error["properties"] == names


def test_nesting_without_end_is_refused():
    part = {"partId": "t"}
    for _ in range(30):
        part = {"type": "multipart/mixed", "subParts": [part]}
    assert refused(bodyStructure=part, bodyValues=TEXT)["properties"] == ["bodyStructure"]


def test_blobs_are_found_wherever_they_are():
    given = {
        "bodyStructure": {"subParts": [{"blobId": "a"}, {"subParts": [{"blobId": "b"}]}, 5]},
        "attachments": [{"blobId": "c"}, {"blobId": "a"}, {"blobId": 5}],
        "textBody": "nonsense",
    }
    assert sorted(referenced_blobs(given)) == ["a", "b", "c"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["partId", "blobId", "type", "subParts", "value", "name", "email", "t"]),
        inner, max_size=3,
    ),
    max_leaves=8,
)  # fmt: skip
PROPERTIES = st.sampled_from(
    ["from", "subject", "sentAt", "messageId", "header:X:all", "header:Y:asURLs", "bodyStructure",
     "textBody", "htmlBody", "attachments", "bodyValues", "headers"]
)  # fmt: skip


@given(st.dictionaries(PROPERTIES, JSON, max_size=4))
def test_any_json_is_a_message_or_refused(given_):
    try:
        blobs = dict.fromkeys(referenced_blobs(given_), PNG)
        origin = Origin(datetime(2026, 1, 2, tzinfo=UTC), "i@x", lambda: "bbbb")
        raw = build_email(given_, blobs, origin)
    except SetError as error:
        assert error.response["properties"]  # noqa: PT017  # both ways are right
        return
    assert scan(raw).header.get_raw(b"date")
