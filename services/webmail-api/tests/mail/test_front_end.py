"""What the browser application asks, call for call (web/src/mail, web/src/jmap)."""

ROW = [
    "id", "threadId", "mailboxIds", "keywords", "receivedAt", "from", "to", "subject",
    "hasAttachment", "preview", "size",
]  # fmt: skip
DETAIL = [
    *ROW, "blobId", "messageId", "inReplyTo", "references", "cc", "bcc", "replyTo", "sentAt",
    "textBody", "htmlBody", "attachments", "bodyValues",
]  # fmt: skip

NOTE = """\
From: Joe Bloggs <joe@example.com>
To: =?UTF-8?Q?J=C3=BCrgen?= <juergen@example.org>, ann@example.org
Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=
Date: Tue, 10 Jul 2018 11:03:11 +1000
Message-ID: <note@example.com>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

Dinner on Thursday?
"""


def test_a_page_of_a_list_comes_with_its_rows(mail):
    email_id = mail.deliver(NOTE)
    query, get = mail.calls(
        (
            "Email/query",
            {
                "filter": {"inMailbox": mail.box["Inbox"]},
                "sort": [{"property": "receivedAt", "isAscending": False}],
                "position": 0, "limit": 50, "calculateTotal": True,
            },
        ),
        (
            "Email/get",
            {
                "#ids": {"resultOf": "0", "name": "Email/query", "path": "/ids"},
                "properties": ROW,
            },
        ),
    )  # fmt: skip
    assert query[1]["ids"] == [email_id]
    assert query[1]["total"] == 1
    (row,) = get[1]["list"]
    assert set(row) == set(ROW)
    assert row["from"] == [{"name": "Joe Bloggs", "email": "joe@example.com"}]
    assert row["to"] == [
        {"name": "Jürgen", "email": "juergen@example.org"},
        {"name": None, "email": "ann@example.org"},
    ]
    assert (row["subject"], row["preview"]) == ("Grüße", "Dinner on Thursday?")
    assert row["mailboxIds"] == {mail.box["Inbox"]: True}
    assert (row["keywords"], row["hasAttachment"]) == ({}, False)


def test_a_message_comes_with_its_text(mail):
    email_id = mail.deliver(NOTE)
    email = mail.get(
        email_id, *DETAIL,
        fetchTextBodyValues=True, fetchHTMLBodyValues=True, maxBodyValueBytes=1_000_000,
    )  # fmt: skip
    assert set(email) == set(DETAIL)
    (part,) = email["textBody"]
    assert email["htmlBody"] == [part]
    assert part["type"] == "text/plain"
    assert email["bodyValues"][part["partId"]] == {
        "value": "Dinner on Thursday?\n", "isEncodingProblem": False, "isTruncated": False,
    }  # fmt: skip
    assert email["sentAt"] == "2018-07-10T11:03:11+10:00"
    assert email["messageId"] == ["note@example.com"]
    assert email["inReplyTo"] is None
    assert email["attachments"] == []
