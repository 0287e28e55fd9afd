"""Email/get, Thread/get and Email/parse over sockets (RFC 8621 §3.1, §4.2, §4.9)."""

import base64
from datetime import UTC, datetime

import pytest

LISTS = """\
From: Joe Bloggs <joe@example.com>
To: list@example.org
Subject: Dinner on Thursday?
List-Post: <mailto:partytime@lists.example.com>
X-Other: one
X-Other: two
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/html; charset=utf-8

<html><body><p>Hello <a href="https://example.com/very/long">you</a></p></body></html>
--b
Content-Type: text/plain; charset=utf-8

-- Sent by your friendly mailing list
--b
Content-Type: application/pdf; name="menu.pdf"
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename="menu.pdf"

JVBERi0xLjQK
--b--
"""


def test_the_example_of_the_rfc(mail):
    # RFC 8621 §4.2.1
    email_id = mail.deliver(LISTS, at=datetime(2013, 10, 13, 14, 12, tzinfo=UTC))
    answer = mail.call(
        "Email/get",
        ids=["E999999999", email_id],
        properties=[
            "threadId", "mailboxIds", "from", "subject", "receivedAt", "header:List-POST:asURLs",
            "htmlBody", "bodyValues",
        ],
        bodyProperties=["partId", "blobId", "size", "type"],
        fetchHTMLBodyValues=True,
        maxBodyValueBytes=40,
    )  # fmt: skip
    (email,) = answer["list"]
    assert answer["notFound"] == ["E999999999"]
    blob = mail.get(email_id, "blobId")["blobId"]
    assert email == {
        "id": email_id,
        "threadId": email_id.replace("E", "T"),
        "mailboxIds": {mail.box["Inbox"]: True},
        "from": [{"name": "Joe Bloggs", "email": "joe@example.com"}],
        "subject": "Dinner on Thursday?",
        "receivedAt": "2013-10-13T14:12:00Z",
        "header:List-POST:asURLs": ["mailto:partytime@lists.example.com"],
        "htmlBody": [
            {"partId": "1", "blobId": f"{blob}-1", "size": 86, "type": "text/html"},
            {"partId": "2", "blobId": f"{blob}-2", "size": 37, "type": "text/plain"},
        ],
        "bodyValues": {
            "1": {
                "value": "<html><body><p>Hello ", "isEncodingProblem": False, "isTruncated": True,
            },
            "2": {
                "value": "-- Sent by your friendly mailing list",
                "isEncodingProblem": False, "isTruncated": False,
            },
        },
    }  # fmt: skip


def test_without_properties_the_defaults_come(mail):
    email_id = mail.deliver(LISTS)
    for properties in ({}, {"properties": None}):
        (email,) = mail.call("Email/get", ids=[email_id], **properties)["list"]
        assert set(email) == {
            "id", "blobId", "threadId", "mailboxIds", "keywords", "size", "receivedAt",
            "messageId", "inReplyTo", "references", "sender", "from", "to", "cc", "bcc",
            "replyTo", "subject", "sentAt", "hasAttachment", "preview", "bodyValues",
            "textBody", "htmlBody", "attachments",
        }  # fmt: skip
    assert email["bodyValues"] == {}
    assert email["hasAttachment"] is True
    (attachment,) = email["attachments"]
    assert (attachment["name"], attachment["size"]) == ("menu.pdf", 9)
    assert mail.download(attachment["blobId"]) == b"%PDF-1.4\n"
    assert mail.raw(email_id) == LISTS.replace("\n", "\r\n").encode()
    assert email["size"] == len(LISTS.replace("\n", "\r\n"))
    # Nothing but the id where nothing is asked for.
    assert mail.call("Email/get", ids=[email_id], properties=[])["list"] == [{"id": email_id}]


def test_header_fields_come_in_any_form_under_the_name_asked_for(mail):
    email_id = mail.deliver(LISTS)
    names = [
        "header:x-OTHER", "header:X-Other:all", "header:X-Other:asText:all", "header:SUBJECT",
        "header:To:asGroupedAddresses", "header:X-None", "header:X-None:all", "header:Date:asDate",
    ]  # fmt: skip
    email = mail.get(email_id, *names)
    del email["id"]
    assert email == {
        "header:x-OTHER": " two",
        "header:X-Other:all": [" one", " two"],
        "header:X-Other:asText:all": ["one", "two"],
        "header:SUBJECT": " Dinner on Thursday?",
        "header:To:asGroupedAddresses": [
            {"name": None, "addresses": [{"name": None, "email": "list@example.org"}]}
        ],
        "header:X-None": None,
        "header:X-None:all": [],
        "header:Date:asDate": None,
    }
    headers = mail.get(email_id, "headers")["headers"]
    assert [field["name"] for field in headers] == [
        "From", "To", "Subject", "List-Post", "X-Other", "X-Other", "MIME-Version", "Content-Type",
    ]  # fmt: skip
    assert headers[4] == {"name": "X-Other", "value": " one"}


def test_the_structure_comes_whole(mail):
    email_id = mail.deliver(LISTS)
    structure = mail.get(
        email_id, "bodyStructure", bodyProperties=["partId", "type", "header:Content-Type:asText"]
    )["bodyStructure"]
    assert structure["type"] == "multipart/mixed"
    assert structure["partId"] is None
    assert [part["partId"] for part in structure["subParts"]] == ["1", "2", "3"]
    assert structure["subParts"][1]["header:Content-Type:asText"] == "text/plain; charset=utf-8"


def test_values_come_of_the_bodies_asked_for(mail):
    email_id = mail.deliver(LISTS.replace("multipart/mixed", "multipart/alternative"))

    def values(**arguments):
        return set(mail.get(email_id, "bodyValues", **arguments)["bodyValues"])

    assert values() == set()
    assert values(fetchTextBodyValues=True) == {"2"}
    assert values(fetchHTMLBodyValues=True) == {"1"}
    assert values(fetchAllBodyValues=True) == {"1", "2"}


def test_a_header_too_large_to_keep_is_read_from_the_message(mail):
    many = ", ".join(f"someone{n}@example.org" for n in range(1500))
    email_id = mail.deliver(f"From: a@x\nTo: {many}\nSubject: many\n\nx\n")
    email = mail.get(email_id, "from", "to", "subject")
    assert email["from"] == [{"name": None, "email": "a@x"}]
    assert len(email["to"]) == 1500
    assert email["subject"] == "many"


def test_many_come_in_the_order_of_their_ids(mail):
    ids = [mail.deliver(f"Subject: {n}\n\nx\n") for n in range(5)]
    wanted = [ids[3], ids[0], "nonsense", ids[3], ids[4]]
    answer = mail.call("Email/get", ids=wanted, properties=["subject"])
    assert [email["subject"] for email in answer["list"]] == ["3", "0", "4"]
    assert answer["notFound"] == ["nonsense"]
    assert {
        email["id"] for email in mail.call("Email/get", ids=None, properties=[])["list"]
    } == set(ids)


def test_bytes_that_are_no_text_do_no_harm(mail):
    raw = (
        b"From: \xff\xfe <a@x>\r\nSubject: \xe4\r\nX: \xf0\x28\r\n"
        b'Content-Type: text/plain; charset=\xff; name="\xc3\x28"\r\n'
        b'Content-Disposition: attachment; filename="\xe4.txt"\r\n\r\n\xff\xfe\x00\r\n'
    )
    email_id = mail.deliver(raw)
    email = mail.get(
        email_id, "from", "subject", "headers", "header:X", "bodyStructure", "bodyValues",
        "attachments", fetchAllBodyValues=True,
    )  # fmt: skip
    assert email["header:X"] == " \ufffd("
    assert email["bodyValues"]["1"]["isEncodingProblem"] is True


@pytest.mark.parametrize(
    "arguments",
    [
        {"ids": "x"}, {"ids": [5]}, {"ids": [], "properties": ["nonsense"]},
        {"ids": [], "properties": ["header:From:asDate"]},
        {"ids": [], "properties": ["header:Subject:all:asText"]},
        {"ids": [], "bodyProperties": ["nonsense"]},
        {"ids": [], "bodyProperties": ["header:From:asURLs"]},
        {"ids": [], "fetchTextBodyValues": 1}, {"ids": [], "maxBodyValueBytes": -1},
        {"ids": [], "maxBodyValueBytes": "5"}, {"ids": [], "nonsense": 1},
    ],
)  # fmt: skip
def test_get_refuses_what_makes_no_sense(mail, arguments):
    assert mail.error("Email/get", **arguments)["type"] == "invalidArguments"


def test_too_many_at_once_are_refused(mail):
    assert mail.error("Email/get", ids=["E1"] * 501)["type"] == "requestTooLarge"
    assert mail.error("Thread/get", ids=["T1"] * 501)["type"] == "requestTooLarge"
    assert mail.error("Email/parse", blobIds=["B1"] * 501)["type"] == "requestTooLarge"


def test_what_is_anothers_is_not_found(mail, deployment, web):
    other = deployment.add_account(f"other-of-{mail.account.id}@example.org")
    theirs = type(mail)(deployment, web.ports["http"], other)
    email_id = theirs.deliver("Subject: theirs\n\nx\n")
    assert mail.call("Email/get", ids=[email_id])["notFound"] == [email_id]
    blob = theirs.get(email_id, "blobId")["blobId"]
    assert mail.call("Email/parse", blobIds=[blob])["notFound"] == [blob]
    theirs.http.close()


def test_threads_are_emails_by_date(mail):
    first = mail.deliver(
        "Message-ID: <1@x>\nSubject: tea\n\nx\n", at=datetime(2026, 1, 3, tzinfo=UTC)
    )
    reply = "Message-ID: <2@x>\nReferences: <1@x>\nSubject: Re: tea\n\nx\n"
    second = mail.deliver(reply, "Sent", at=datetime(2026, 1, 2, tzinfo=UTC))
    hidden = mail.deliver(reply.replace("2@x", "3@x"), flags=8)
    lone = mail.deliver("Message-ID: <4@x>\nReferences: <1@x>\nSubject: coffee\n\nx\n")
    thread = mail.get(first, "threadId")["threadId"]
    assert mail.get(second, "threadId")["threadId"] == thread
    other = mail.get(lone, "threadId")["threadId"]
    answer = mail.call("Thread/get", ids=[thread, "T99999999", other, thread])
    assert answer["list"] == [
        {"id": thread, "emailIds": [second, first]}, {"id": other, "emailIds": [lone]},
    ]  # fmt: skip
    assert answer["notFound"] == ["T99999999"]
    assert answer["state"] == mail.call("Email/get", ids=[])["state"]
    assert mail.call("Email/get", ids=[hidden])["notFound"] == [hidden]
    assert len(mail.call("Thread/get", ids=None)["list"]) == 2
    assert mail.error("Thread/get", ids=[], properties=["nonsense"])["type"] == "invalidArguments"


FORWARDED = b"""\
From: a@x
Subject: outer
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=o

--o
Content-Type: text/plain

see below
--o
Content-Type: message/rfc822

From: b@x
Subject: =?UTF-8?Q?inn=C3=A9r?=
Content-Type: multipart/mixed; boundary=i

--i
Content-Type: text/plain

inner text
--i
Content-Type: application/pdf; name=a.pdf
Content-Transfer-Encoding: base64

JVBERg==
--i--
--o--
"""


@pytest.mark.parametrize("encoded", [False, True])
def test_an_attached_message_is_parsed_with_all_that_is_in_it(mail, encoded):
    raw = FORWARDED
    if encoded:
        # Forbidden by RFC 2046 §5.2.1, and seen all the same.
        start = raw.index(b"From: b@x")
        inner = base64.encodebytes(raw[start : raw.index(b"--o--")])
        raw = raw[: start - 1] + b"Content-Transfer-Encoding: base64\n\n" + inner + b"--o--\n"
    email_id = mail.deliver(raw.decode())
    (attachment,) = mail.get(email_id, "attachments")["attachments"]
    assert attachment["type"] == "message/rfc822"
    blob_id = attachment["blobId"]
    answer = mail.call(
        "Email/parse", blobIds=[blob_id, "B99999999", blob_id], fetchTextBodyValues=True,
        properties=[
            "id", "mailboxIds", "keywords", "receivedAt", "threadId", "blobId", "size", "subject",
            "from", "header:X:all", "textBody", "attachments", "bodyValues", "hasAttachment",
            "preview",
        ],
    )  # fmt: skip
    assert answer["notFound"] == ["B99999999"]
    assert answer["notParsable"] is None
    email = answer["parsed"][blob_id]
    for name in ("id", "mailboxIds", "keywords", "receivedAt", "threadId"):
        assert email[name] is None
    assert (email["subject"], email["blobId"]) == ("innér", blob_id)
    assert (email["hasAttachment"], email["preview"]) == (True, "inner text")
    assert email["size"] == len(mail.download(blob_id))
    assert email["header:X:all"] == []
    (pdf,) = email["attachments"]
    assert mail.download(pdf["blobId"]) == b"%PDF"
    (text,) = email["textBody"]
    assert email["bodyValues"][text["partId"]]["value"].strip() == "inner text"
    assert mail.download(text["blobId"]).strip() == b"inner text"


def test_an_upload_is_parsed_with_the_defaults(mail):
    letter = mail.upload(b"From: a@x\nSubject: up\n\nhello\n", "message/rfc822")
    picture = mail.upload(b"\x89PNG\r\n\x1a\n", "image/png")
    answer = mail.call("Email/parse", blobIds=[letter, picture])
    assert answer["notParsable"] == [picture]
    assert answer["notFound"] is None
    email = answer["parsed"][letter]
    assert set(email) == {
        "messageId", "inReplyTo", "references", "sender", "from", "to", "cc", "bcc", "replyTo",
        "subject", "sentAt", "hasAttachment", "preview", "bodyValues", "textBody", "htmlBody",
        "attachments",
    }  # fmt: skip
    assert email["subject"] == "up"
    assert mail.download(email["textBody"][0]["blobId"]) == b"hello\n"
    assert mail.error("Email/parse")["type"] == "invalidArguments"
    error = mail.error("Email/parse", blobIds=[letter], properties=["header:From:asDate"])
    assert error["type"] == "invalidArguments"


def test_a_stored_message_is_parsed_under_the_blob_ids_it_has(mail):
    email_id = mail.deliver(LISTS)
    stored = mail.get(email_id, "blobId", "attachments")
    parsed = mail.call("Email/parse", blobIds=[stored["blobId"]])["parsed"][stored["blobId"]]
    assert parsed["attachments"] == stored["attachments"]


def test_a_list_reads_no_body(mail, deployment):
    ids = [mail.deliver(LISTS) for _ in range(3)]
    folder = deployment.folder / "blobs"
    moved = folder.with_name("away")
    row = [
        "id", "threadId", "mailboxIds", "keywords", "receivedAt", "from", "to", "subject",
        "hasAttachment", "preview", "size",
    ]  # fmt: skip
    folder.rename(moved)
    try:
        assert len(mail.call("Email/get", ids=ids, properties=row)["list"]) == 3
        # Of parts the structure says all but the sizes of those that are encoded.
        parts = ["partId", "blobId", "name", "type", "cid"]
        email = mail.get(ids[0], "attachments", bodyProperties=parts)
        assert email["attachments"][0]["name"] == "menu.pdf"
    finally:
        moved.rename(folder)
