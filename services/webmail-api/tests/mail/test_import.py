"""Email/import, Email/copy and SearchSnippet/get over sockets (RFC 8621 §4.7, §4.8, §5)."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay_webmail_api.jmap.mail.snippets import PREVIEW_MAX_BYTES, snippet, word_pattern

LETTER = b"""\
Received: from b by c; Tue, 10 Jul 2018 11:03:11 +1000
Received: from a by b; Mon, 9 Jul 2018 11:03:11 +1000
From: a@x
Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=
Message-ID: <letter@x>

Hello
"""


def test_a_message_is_imported_with_what_is_said_of_it(mail):
    before = mail.call("Email/get", ids=[])["state"]
    answer = mail.call(
        "Email/import",
        emails={
            "k": {
                "blobId": mail.upload(LETTER),
                "mailboxIds": {mail.box["Inbox"]: True, mail.box["Archive"]: True},
                "keywords": {"$Seen": True, "Work": True},
                "receivedAt": "2020-01-01T00:00:00Z",
            }
        },
    )
    made = answer["created"]["k"]
    assert set(made) == {"id", "blobId", "threadId", "size"}
    assert answer["notCreated"] is None
    assert answer["oldState"] == before
    assert answer["newState"] == mail.call("Email/get", ids=[])["state"]
    email = mail.get(made["id"], "mailboxIds", "keywords", "receivedAt", "subject", "size")
    assert email["mailboxIds"] == {mail.box["Inbox"]: True, mail.box["Archive"]: True}
    assert email["keywords"] == {"$seen": True, "work": True}
    assert (email["receivedAt"], email["subject"]) == ("2020-01-01T00:00:00Z", "Grüße")
    # With the line ends of RFC 5322.
    assert mail.raw(made["id"]) == LETTER.replace(b"\n", b"\r\n")
    assert email["size"] == made["size"]


def test_the_latest_received_field_says_when(mail):
    place = {"blobId": mail.upload(LETTER), "mailboxIds": {mail.box["Inbox"]: True}}
    made = mail.call("Email/import", emails={"k": place})["created"]["k"]
    assert mail.get(made["id"], "receivedAt")["receivedAt"] == "2018-07-10T01:03:11Z"
    before = datetime.now(UTC).replace(microsecond=0)
    place["blobId"] = mail.upload(b"Subject: no trace\n\nx\n")
    made = mail.call("Email/import", emails={"k": place})["created"]["k"]
    received = datetime.fromisoformat(mail.get(made["id"], "receivedAt")["receivedAt"])
    assert before <= received <= datetime.now(UTC)


def test_the_same_twice_is_two_emails(mail):
    place = {"blobId": mail.upload(LETTER), "mailboxIds": {mail.box["Inbox"]: True}}
    created = mail.call("Email/import", emails={"a": place, "b": place})["created"]
    assert created["a"]["id"] != created["b"]["id"]
    assert created["a"]["threadId"] == created["b"]["threadId"]


def test_what_is_imported_may_be_part_of_another_or_made_before(mail):
    outer = mail.create(attachments=[{"blobId": mail.upload(LETTER), "type": "message/rfc822"}])
    (attachment,) = mail.get(outer, "attachments")["attachments"]
    place = {"blobId": attachment["blobId"], "mailboxIds": {"#box": True}}
    answers = mail.calls(
        ("Mailbox/set", {"create": {"box": {"name": "New"}}}),
        ("Email/import", {"emails": {"k": place}}),
        ("Email/get", {"ids": ["#k"], "properties": ["subject"]}),
    )
    assert answers[2][1]["list"][0]["subject"] == "Grüße"


@pytest.mark.parametrize(
    ("email", "kind", "properties"),
    [
        ({"blobId": "U99999999"}, "invalidProperties", ["blobId"]),
        ({"blobId": 5}, "invalidProperties", ["blobId"]),
        ({"blobId": None}, "invalidProperties", ["blobId"]),
        ({"mailboxIds": {}}, "invalidProperties", ["mailboxIds"]),
        ({"mailboxIds": {"M99999999": True}}, "invalidProperties", ["mailboxIds"]),
        ({"mailboxIds": None}, "invalidProperties", ["mailboxIds"]),
        ({"keywords": {"a b": True}}, "invalidProperties", ["keywords"]),
        ({"receivedAt": 5}, "invalidProperties", ["receivedAt"]),
        ({"subject": "x"}, "invalidProperties", ["subject"]),
    ],
)
def test_what_cannot_be_imported_is_told(mail, email, kind, properties):
    good = {"blobId": mail.upload(LETTER), "mailboxIds": {mail.box["Inbox"]: True}}
    answer = mail.call("Email/import", emails={"bad": {**good, **email}, "good": good})
    assert set(answer["created"]) == {"good"}
    error = answer["notCreated"]["bad"]
    assert (error["type"], error["properties"]) == (kind, properties)


def test_what_is_no_message_is_not_imported(mail):
    place = {"blobId": mail.upload(b"\x89PNG\r\n\x1a\n"), "mailboxIds": {mail.box["Inbox"]: True}}
    answer = mail.call("Email/import", emails={"k": place})
    assert answer["notCreated"]["k"]["type"] == "invalidEmail"
    assert answer["created"] is None


def test_an_import_that_makes_no_sense_is_refused(mail):
    assert mail.error("Email/import")["type"] == "invalidArguments"
    assert mail.error("Email/import", emails={"k": 5})["type"] == "invalidArguments"
    assert mail.error("Email/import", emails={"a b": {}})["type"] == "invalidArguments"
    assert mail.error("Email/import", emails={}, ifInState="0")["type"] == "stateMismatch"
    emails = {f"k{n}": {} for n in range(501)}
    assert mail.error("Email/import", emails=emails)["type"] == "requestTooLarge"


def test_there_is_no_other_account_to_copy_from(mail):
    # RFC 8620 §5.4: the two must differ, and nobody sees a second one.
    create = {"k": {"id": "E1", "mailboxIds": {mail.box["Inbox"]: True}}}
    error = mail.error("Email/copy", fromAccountId=mail.account_id, create=create)
    assert error["type"] == "invalidArguments"
    error = mail.error("Email/copy", fromAccountId="A99999999", create=create)
    assert error["type"] == "fromAccountNotFound"
    assert mail.error("Email/copy", create=create)["type"] == "invalidArguments"


def test_snippets_show_where_the_words_are(mail):
    # The example of RFC 8621 §5.1.
    none = mail.deliver("Subject: nothing\n\nof the kind\n")
    ball = mail.deliver(
        "Subject: The Foosball competition\n\n"
        + "Once upon a time, " * 10
        + "this year the foosball competition will be held in the Stadium de "
        + "x " * 200
    )
    bar = mail.deliver(
        "Subject: Re\nContent-Type: text/html\n\n"
        "<p>the Foo/bar method results often returns &lt;1 widget</p>\n"
    )
    ids = [none, ball, "E99999999", bar]
    answer = mail.call("SearchSnippet/get", filter={"text": "foo"}, emailIds=ids)
    assert answer["filter"] == {"text": "foo"}
    assert answer["notFound"] == ["E99999999"]
    snippets = {item["emailId"]: item for item in answer["list"]}
    assert snippets[none] == {"emailId": none, "subject": None, "preview": None}
    assert snippets[ball]["subject"] == "The <mark>Foo</mark>sball competition"
    assert "year the <mark>foo</mark>sball competition" in snippets[ball]["preview"]
    assert len(snippets[ball]["preview"].encode()) <= 255
    assert snippets[bar]["preview"] == (
        "the <mark>Foo</mark>/bar method results often returns &lt;1 widget"
    )
    assert mail.call("SearchSnippet/get", filter=None, emailIds=[none])["notFound"] is None


def test_snippets_are_of_the_fields_that_were_searched(mail):
    email = mail.deliver("Subject: tea & biscuits\n\ngreen tea\n")

    def shown(filter_):
        (item,) = mail.call("SearchSnippet/get", filter=filter_, emailIds=[email])["list"]
        return item["subject"], item["preview"]

    assert shown({"subject": "tea"}) == ("<mark>tea</mark> &amp; biscuits", None)
    assert shown({"body": "tea"}) == (None, "green <mark>tea</mark>")
    assert shown({"from": "tea"}) == (None, None)
    assert shown({"operator": "NOT", "conditions": [{"text": "tea"}]}) == (None, None)
    both = {"operator": "AND", "conditions": [{"hasKeyword": "$seen"}, {"text": '"green tea" &'}]}
    assert shown(both) == ("tea <mark>&amp;</mark> biscuits", "<mark>green tea</mark>")


def test_snippets_that_make_no_sense_are_refused(mail):
    assert mail.error("SearchSnippet/get", filter=None)["type"] == "invalidArguments"
    error = mail.error("SearchSnippet/get", filter={"nonsense": 1}, emailIds=[])
    assert error["type"] == "unsupportedFilter"
    error = mail.error("SearchSnippet/get", filter=None, emailIds=["E1"] * 501)
    assert error["type"] == "requestTooLarge"


@given(
    st.text(), st.lists(st.text(min_size=1, max_size=8).filter(str.strip), min_size=1, max_size=3)
)
def test_a_snippet_is_short_and_marks_a_word(text, words):
    pattern = word_pattern(words)
    shown = snippet(text, pattern)
    if pattern.search(text) is None:
        assert shown is None
    elif shown is not None:
        assert "<mark>" in shown
        assert len(shown.encode()) <= PREVIEW_MAX_BYTES
        assert "<" not in shown.replace("<mark>", "").replace("</mark>", "")
