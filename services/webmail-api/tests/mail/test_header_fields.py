"""Header fields in their parsed forms (RFC 8621 §4.1.2, §4.1.3), groups among them (RFC 6854)."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.message.build import HeaderLine
from mailquay.message.header import Header
from mailquay_webmail_api.jmap.mail.header_fields import (
    CONVENIENCE,
    Form,
    HeaderProperty,
    InvalidProperty,
    parse_header_property,
    read_field,
)
from mailquay_webmail_api.jmap.mail.header_writing import write_fields


def read(name: str, raw: bytes):
    wanted = CONVENIENCE.get(name) or parse_header_property(name)
    assert wanted is not None
    return read_field(Header(raw, 0, len(raw)), wanted)


# RFC 8621 §4.1.2.3
ADDRESSES = b"""To: "  James Smythe" <james@example.com>, Friends:
  jane@example.com, =?UTF-8?Q?John_Sm=C3=AEth?=
  <john@example.com>;
"""


def test_addresses_are_those_of_groups_too():
    assert read("header:To:asAddresses", ADDRESSES) == [
        {"name": "James Smythe", "email": "james@example.com"},
        {"name": None, "email": "jane@example.com"},
        {"name": "John Smîth", "email": "john@example.com"},
    ]


def test_grouped_addresses_keep_their_groups():
    assert read("header:To:asGroupedAddresses", ADDRESSES) == [
        {"name": None, "addresses": [{"name": "James Smythe", "email": "james@example.com"}]},
        {
            "name": "Friends",
            "addresses": [
                {"name": None, "email": "jane@example.com"},
                {"name": "John Smîth", "email": "john@example.com"},
            ],
        },
    ]


def test_addresses_between_groups_are_gathered_anew():
    groups = read("header:To:asGroupedAddresses", b"To: a@x, G: b@x;, c@x, d@x\r\n")
    assert [(g["name"], [a["email"] for a in g["addresses"]]) for g in groups] == [
        (None, ["a@x"]), ("G", ["b@x"]), (None, ["c@x", "d@x"]),
    ]  # fmt: skip


TWICE = (
    b"X-A: one\r\nSubject: old\r\nx-a:  two\r\n  three \r\nSubject: =?UTF-8?Q?n=C3=A9w?=\r\n\r\n"
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("header:X-A", "  two\r\n  three "),
        ("header:x-a:all", [" one", "  two\r\n  three "]),
        ("header:X-a:asText", "two  three"),
        ("header:X-A:asText:all", ["one", "two  three"]),
        ("header:subject", " =?UTF-8?Q?n=C3=A9w?="),
        ("subject", "néw"),
        ("header:Subject:asText:all", ["old", "néw"]),
        ("header:X-B", None),
        ("header:X-B:all", []),
        ("from", None),
        ("messageId", None),
    ],
)
def test_the_last_field_counts_or_all(name, value):
    assert read(name, TWICE) == value


@pytest.mark.parametrize(
    ("name", "line", "value"),
    [
        ("header:X", b"X: a\x00b\xff\r\n", " ab\ufffd"),
        ("header:X:asText", b"X: e\xcc\x81\r\n", "é"),  # NFC
        ("header:X:asText", b"X: x=?UTF-8?Q?y?=\r\n", "x=?UTF-8?Q?y?="),
        ("header:X:asText", b"X: =?unknown?Q?y?=\r\n", "=?unknown?Q?y?="),
        ("header:X:asText", b"X: =?UTF-8?Q?a=00=07b?=\r\n", "ab"),
        ("messageId", b"Message-ID: (c) <a@x> (d)\r\n", ["a@x"]),
        ("references", b"References: <a@x>\r\n <b@x> <a@x>\r\n", ["a@x", "b@x", "a@x"]),
        ("inReplyTo", b"In-Reply-To: Your mail of Tuesday\r\n", None),
        ("references", b"References: <a b@x> <>\r\n", None),
        ("sentAt", b"Date: Tue, 10 Jul 2018 11:03:11 +1000\r\n", "2018-07-10T11:03:11+10:00"),
        ("sentAt", b"Date: Tue, 10 Jul 2018 11:03:11 -0330 (NST)\r\n", "2018-07-10T11:03:11-03:30"),
        ("sentAt", b"Date: 10 Jul 18 11:03 GMT\r\n", "2018-07-10T11:03:00Z"),
        ("sentAt", b"Date: soon\r\n", None),
        ("header:X:asDate", b"X: Tue, 10 Jul 2018 11:03:11 +0000\r\n", "2018-07-10T11:03:11Z"),
        (
            "header:List-Post:asURLs",
            b"List-Post: <mailto:a@x> (by mail),\r\n <https://x/\r\n b>\r\n",
            ["mailto:a@x", "https://x/b"],
        ),
        ("header:List-Post:asURLs", b"List-Post: NO (posting not allowed)\r\n", None),
        ("from", b'From: "Doe, \\"J\\"" <j@x>\r\n', [{"name": 'Doe, "J"', "email": "j@x"}]),
        ("from", b"From: j@x (John Doe)\r\n", [{"name": "John Doe", "email": "j@x"}]),
        ("from", b"From: nonsense\r\n", [{"name": None, "email": "nonsense"}]),
        ("from", b"From:\r\n", []),
        ("from", b'From: "a b"@x\r\n', [{"name": None, "email": '"a b"@x'}]),
        ("from", b"From: \xff <j@x>\r\n", [{"name": "ÿ", "email": "j@x"}]),
    ],
)
def test_each_form_reads_what_mail_has(name, line, value):
    assert read(name, line) == value


FORBIDDEN = [
    "header:From:asDate", "header:From:asText", "header:From:asURLs", "header:From:asMessageIds",
    "header:Subject:asAddresses", "header:Subject:asDate", "header:Date:asText",
    "header:Message-ID:asText", "header:References:asAddresses", "header:List-Post:asText",
    "header:Received:asText", "header:Return-Path:asAddresses", "header:resent-date:asText",
    "header:List-Archive:asAddresses:all",
]  # fmt: skip


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_form_that_a_field_does_not_have_is_refused(name):
    with pytest.raises(InvalidProperty):
        parse_header_property(name)


@pytest.mark.parametrize(
    "name",
    [
        "header:", "header::asText", "header:A:", "header:A:all:asText", "header:A:astext",
        "header:A:asText:asText", "header:A:all:all", "header:A:asAll", "header:A:ALL",
        "header:A B", "header:Ä", "header:A:asText:all ", "header:" + "a" * 300,
    ],
)  # fmt: skip
def test_what_is_no_property_of_a_field_is_refused(name):
    with pytest.raises(InvalidProperty):
        parse_header_property(name)


@pytest.mark.parametrize("form", list(Form))
def test_a_field_that_no_rfc_defines_has_every_form(form):
    suffix = f":{form.value}" if form.value else ""
    assert parse_header_property(f"header:X-Any{suffix}") == HeaderProperty("X-Any", form)
    # Defined in RFC 2919 and not in RFC 5322 or RFC 2369.
    assert parse_header_property(f"header:List-Id{suffix}:all") == HeaderProperty(
        "List-Id", form, is_all=True
    )


@given(st.text(max_size=40))
def test_any_text_is_a_property_or_refused(text):
    try:
        found = parse_header_property("header:" + text)
    except InvalidProperty:
        return
    assert found is not None
    form = f":{found.form.value}" if found.form.value else ""
    assert f"{found.field}{form}{':all' if found.is_all else ''}" == text


@given(st.binary(max_size=300), st.sampled_from(list(Form)), st.booleans())
def test_any_bytes_have_every_form(value, form, is_all):
    raw = b"X: " + value + b"\r\n\r\n"
    wanted = HeaderProperty("x", form, is_all)
    found = read_field(Header(raw, 0, len(raw)), wanted)
    json.dumps(found, ensure_ascii=False).encode()  # no lone surrogate is in it


def written(wanted: HeaderProperty, value) -> bytes:
    return b"".join(line.render() for line in write_fields(wanted, value)) + b"\r\n"


NAMES = st.none() | st.text(
    st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=40
).map(str.strip).filter(lambda text: text and "=?" not in text)
EMAILS = st.from_regex(
    r"[a-z0-9+-]{1,9}(\.[a-z0-9+-]{1,9})?@[a-z0-9]{1,9}\.[a-z]{2,5}", fullmatch=True
)


@given(st.lists(st.tuples(NAMES, EMAILS), min_size=1, max_size=10))
def test_addresses_that_are_written_are_read_again(addresses):
    value = [{"name": name, "email": email} for name, email in addresses]
    wanted = HeaderProperty("To", Form.ADDRESSES)
    raw = written(wanted, value)
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    for item in value:
        if item["name"] is not None:
            item["name"] = unicodedata.normalize("NFC", item["name"])
    assert read_field(Header(raw, 0, len(raw)), wanted) == value


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=200))
def test_text_that_is_written_is_read_again(text):
    wanted = HeaderProperty("Subject", Form.TEXT)
    raw = written(wanted, text)
    assert raw.isascii()
    found = read_field(Header(raw, 0, len(raw)), wanted)
    # Space at the ends of a field is no part of it, unless it is encoded.
    assert found.strip() == unicodedata.normalize("NFC", text).strip()


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (Form.MESSAGE_IDS, ["a@x", "b@x"]),
        (Form.URLS, ["mailto:a@x", "https://example.org/?a=b"]),
        (Form.DATE, "2018-07-10T11:03:11+10:00"),
        (Form.DATE, "2018-07-10T11:03:11Z"),
        (Form.RAW, " as it stands"),
        (
            Form.GROUPED_ADDRESSES,
            [
                {"name": None, "addresses": [{"name": "Ä, B", "email": "a@x"}]},
                {"name": "Empty", "addresses": []},
                {"name": "Über", "addresses": [{"name": None, "email": "b@x"}]},
            ],
        ),
    ],
)
def test_other_forms_that_are_written_are_read_again(form, value):
    wanted = HeaderProperty("X-Test", form)
    raw = written(wanted, value)
    assert read_field(Header(raw, 0, len(raw)), wanted) == value
    raw = written(HeaderProperty("X-Test", form, is_all=True), [value, value])
    wanted = HeaderProperty("X-Test", form, is_all=True)
    assert read_field(Header(raw, 0, len(raw)), wanted) == [value, value]


@pytest.mark.parametrize(
    ("email", "written_as"),
    [
        ("joe", b"To: joe\r\n"),
        ("joe@", b"To: joe@\r\n"),
        ("a@x>, evil@y", b"To: a@xevil@y\r\n"),
        ("a@x\r\nBcc: evil@y", b"To: a@xBccevil@y\r\n"),
        ("jürgen@exämple.org", "To: jürgen@exämple.org\r\n".encode()),
        ('"a b"@x', b'To: "a b"@x\r\n'),
    ],
)
def test_a_half_typed_address_harms_no_other(email, written_as):
    (line,) = write_fields(CONVENIENCE["to"], [{"name": None, "email": email}])
    assert line.render() == written_as


def test_a_name_without_an_address_is_kept():
    (line,) = write_fields(CONVENIENCE["to"], [{"name": "Joe Bloggs", "email": ""}])
    assert line.render() == b"To: Joe Bloggs\r\n"


@given(st.text(max_size=100))
def test_no_text_breaks_out_of_its_field(text):
    for form in (Form.RAW, Form.TEXT):
        raw = written(HeaderProperty("X", form), text)
        assert len(Header(raw, 0, len(raw)).fields) == 1
    raw = written(CONVENIENCE["to"], [{"name": text, "email": text}])
    assert len(Header(raw, 0, len(raw)).fields) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("subject", 1), ("subject", ["a"]), ("from", "a@x"), ("from", [{"name": "x"}]),
        ("from", [{"email": "a@x", "other": 1}]), ("from", [{"name": 1, "email": "a@x"}]),
        ("messageId", "a@x"), ("messageId", ["a x"]), ("messageId", ["<a@x>"]), ("messageId", [""]),
        ("sentAt", "Tue, 10 Jul 2018"), ("sentAt", "2018-07-10"), ("sentAt", "2018-13-10T11:03:11Z"),
        ("sentAt", 5), ("header:X:asURLs", ["a b"]), ("header:X:all", "a"),
        ("header:X:asGroupedAddresses", [{"name": 1, "addresses": []}]),
        ("header:X:asGroupedAddresses", [{"name": None}]), ("header:" + "a" * 100, "b"),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_type_is_refused(name, value):
    wanted = CONVENIENCE.get(name) or parse_header_property(name)
    with pytest.raises(ValueError):
        write_fields(wanted, value)


def test_null_writes_nothing():
    assert write_fields(CONVENIENCE["cc"], None) == []
    assert write_fields(HeaderProperty("X", is_all=True), []) == []
    assert write_fields(CONVENIENCE["subject"], "") == [HeaderLine("Subject", "")]
