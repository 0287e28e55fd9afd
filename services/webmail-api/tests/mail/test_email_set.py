"""Email/set over sockets (RFC 8621 §4.6)."""

import pytest

NOTE = "From: a@x\nSubject: note\nMessage-ID: <note@x>\n\nHello\n"
PNG = b"\x89PNG\r\n\x1a\n\x00"


def test_the_examples_of_the_rfc(mail):
    # RFC 8621 §4.10: a draft, and what it becomes.
    drafts = mail.box["Drafts"]
    first = mail.set(
        create={
            "k192": {
                "mailboxIds": {drafts: True},
                "keywords": {"$seen": True, "$draft": True},
                "from": [{"name": "Joe Bloggs", "email": "joe@example.com"}],
                "subject": "World domination",
                "receivedAt": "2018-07-10T01:03:11Z",
                "sentAt": "2018-07-10T11:03:11+10:00",
                "bodyStructure": {
                    "type": "text/plain", "partId": "bd48", "header:Content-Language": "en",
                },
                "bodyValues": {"bd48": {"value": "I have the plan.", "isTruncated": False}},
            }
        }
    )  # fmt: skip
    made = first["created"]["k192"]
    assert set(made) == {"id", "blobId", "threadId", "size"}
    assert len(mail.raw(made["id"])) == made["size"]
    email = mail.get(
        made["id"], "keywords", "mailboxIds", "receivedAt", "sentAt", "from", "subject",
        "messageId", "textBody", "bodyValues", "preview", fetchTextBodyValues=True,
    )  # fmt: skip
    assert email["keywords"] == {"$seen": True, "$draft": True}
    assert email["mailboxIds"] == {drafts: True}
    assert email["receivedAt"] == "2018-07-10T01:03:11Z"
    assert email["sentAt"] == "2018-07-10T11:03:11+10:00"
    assert email["from"] == [{"name": "Joe Bloggs", "email": "joe@example.com"}]
    assert len(email["messageId"]) == 1
    assert email["textBody"][0]["language"] == ["en"]
    assert email["bodyValues"]["1"]["value"] == "I have the plan."
    second = mail.set(
        create={
            "k1546": {
                "mailboxIds": {drafts: True},
                "keywords": {"$seen": True, "$draft": True},
                "to": [{"name": "John", "email": "john@example.com"}],
                "subject": "World domination",
                "bodyStructure": {
                    "type": "multipart/alternative",
                    "subParts": [
                        {"partId": "a49d", "type": "text/html", "header:Content-Language": "en"},
                        {"partId": "bd48", "type": "text/plain", "header:Content-Language": "en"},
                    ],
                },
                "bodyValues": {
                    "bd48": {"value": "I have the plan.", "isTruncated": False},
                    "a49d": {"value": "<b>plan</b>", "isTruncated": False},
                },
            }
        },
        destroy=[made["id"]],
    )  # fmt: skip
    assert second["destroyed"] == [made["id"]]
    assert second["oldState"] == first["newState"]
    email = mail.get(second["created"]["k1546"]["id"], "textBody", "htmlBody", "sentAt")
    assert [part["type"] for part in email["textBody"]] == ["text/plain"]
    assert [part["type"] for part in email["htmlBody"]] == ["text/html"]
    assert email["sentAt"] is not None


def test_an_attachment_goes_from_draft_to_draft(mail):
    # As the composer saves: what is new refers to the parts of what goes with it.
    blob = mail.upload(PNG, "image/png")
    part = {"blobId": blob, "type": "image/png", "name": "ü.png", "disposition": "attachment"}
    draft = {
        "textBody": [{"partId": "text", "type": "text/plain"}],
        "bodyValues": {"text": {"value": "see"}},
        "mailboxIds": {mail.box["Drafts"]: True},
        "keywords": {"$draft": True, "$seen": True},
    }  # fmt: skip
    email_id = mail.create(**draft, attachments=[part])
    (attachment,) = mail.get(email_id, "attachments")["attachments"]
    assert (attachment["name"], attachment["type"], attachment["size"]) == ("ü.png", "image/png", 9)
    done = mail.set(
        create={"draft": {**draft, "attachments": [{**part, "blobId": attachment["blobId"]}]}},
        destroy=[email_id],
    )
    (attachment,) = mail.get(done["created"]["draft"]["id"], "attachments")["attachments"]
    assert mail.download(attachment["blobId"]) == PNG
    assert mail.mailbox("Drafts")["totalEmails"] == 1


def test_an_email_may_begin_in_several_mailboxes(mail):
    boxes = {mail.box[name]: True for name in ("Drafts", "Archive", "Inbox")}
    email_id = mail.create(mailboxIds=boxes, keywords={"$Flagged": True, "Work": True})
    email = mail.get(email_id, "mailboxIds", "keywords")
    assert email["mailboxIds"] == boxes
    assert email["keywords"] == {"$flagged": True, "work": True}
    assert mail.mailbox("Archive")["totalEmails"] == 1


def test_many_are_created_at_once_and_each_by_itself(mail):
    good = {"mailboxIds": {mail.box["Drafts"]: True}}
    create = {f"k{n}": {**good, "subject": str(n)} for n in range(30)}
    create |= {"bad": {**good, "subject": 5}, "lost": {"mailboxIds": {"M99999999": True}}}
    done = mail.call("Email/set", create=create)
    assert set(done["created"]) == {f"k{n}" for n in range(30)}
    errors = {key: error["properties"] for key, error in done["notCreated"].items()}
    assert errors == {"bad": ["subject"], "lost": ["mailboxIds"]}
    assert mail.mailbox("Drafts")["totalEmails"] == 30


@pytest.mark.parametrize(
    ("email", "properties"),
    [
        ({"mailboxIds": None}, ["mailboxIds"]),
        ({"mailboxIds": {}}, ["mailboxIds"]),
        ({"mailboxIds": {"M1": False}}, ["mailboxIds"]),
        ({"mailboxIds": {"#nobody": True}}, ["mailboxIds"]),
        ({"mailboxIds": []}, ["mailboxIds"]),
        ({"keywords": []}, ["keywords"]),
        ({"keywords": {"a b": True}}, ["keywords"]),
        ({"keywords": {"a": 1}}, ["keywords"]),
        ({"receivedAt": "yesterday"}, ["receivedAt"]),
        ({"receivedAt": "2018-07-10T11:03:11+10:00"}, ["receivedAt"]),
        ({"headers": []}, ["headers"]),
        ({"id": "E1", "hasAttachment": False}, ["id", "hasAttachment"]),
        ({"header:From:asDate": None}, ["header:From:asDate"]),
        ({"from": [], "header:from": "x"}, ["header:from"]),
        ({"textBody": [{"partId": "nowhere", "type": "text/plain"}]}, ["textBody"]),
    ],
)
def test_what_cannot_be_created_is_told_by_its_properties(mail, email, properties):
    error = mail.refused(**email)
    assert (error["type"], error["properties"]) == ("invalidProperties", properties)


def test_blobs_that_are_not_there_are_told(mail):
    there = mail.upload(b"x")
    error = mail.refused(
        attachments=[{"blobId": there}, {"blobId": "U99999999"}, {"blobId": "nonsense"}]
    )
    assert error["type"] == "blobNotFound"
    assert sorted(error["notFound"]) == ["U99999999", "nonsense"]


def test_too_many_keywords_are_refused(mail):
    words = {f"k{n}": True for n in range(101)}
    assert mail.refused(keywords=words)["type"] == "tooManyKeywords"
    email_id = mail.create(keywords={f"k{n}": True for n in range(100)})
    done = mail.call("Email/set", update={email_id: {"keywords/more": True}})
    assert done["notUpdated"][email_id]["type"] == "tooManyKeywords"
    done = mail.call("Email/set", update={email_id: {"keywords/$seen": True}})
    assert done["notUpdated"] is None


def test_too_many_mailboxes_are_refused(mail):
    create = {f"k{n}": {"name": f"{n}"} for n in range(101)}
    made = mail.call("Mailbox/set", create=create)["created"]
    boxes = {box["id"]: True for box in made.values()}
    assert mail.refused(mailboxIds=boxes)["type"] == "tooManyMailboxes"
    email_id = mail.create()
    done = mail.call("Email/set", update={email_id: {"mailboxIds": boxes}})
    assert done["notUpdated"][email_id]["type"] == "tooManyMailboxes"


def test_keywords_change_one_by_one_or_all_together(mail):
    email_id = mail.deliver(NOTE, keywords=("$Work", "Other"))
    done = mail.set(update={email_id: {"keywords/$seen": True, "keywords/other": None}})
    assert done["updated"] == {email_id: None}
    assert mail.get(email_id, "keywords")["keywords"] == {"$seen": True, "$work": True}
    mail.set(update={email_id: {"keywords": {"$flagged": True, "a/b": True}}})
    assert mail.get(email_id, "keywords")["keywords"] == {"$flagged": True, "a/b": True}
    mail.set(update={email_id: {"keywords/a~1b": None}})
    mail.set(update={email_id: {"keywords/never": None}})
    assert mail.get(email_id, "keywords")["keywords"] == {"$flagged": True}
    mail.set(update={email_id: {"keywords": None}})
    assert mail.get(email_id, "keywords")["keywords"] == {}


def test_what_changes_nothing_changes_no_state(mail):
    email_id = mail.deliver(NOTE)
    inbox = mail.box["Inbox"]
    done = mail.set(update={email_id: {"keywords/$seen": None, f"mailboxIds/{inbox}": True}})
    assert done["updated"] == {email_id: None}
    assert done["oldState"] == done["newState"]


def test_an_email_moves_and_keeps_what_it_is(mail):
    email_id = mail.deliver(NOTE, keywords=("k",))
    thread = mail.get(email_id, "threadId")
    inbox, archive, trash = (mail.box[n] for n in ("Inbox", "Archive", "Trash"))
    mail.set(update={email_id: {"mailboxIds": {archive: True}}})
    assert mail.get(email_id, "mailboxIds")["mailboxIds"] == {archive: True}
    mail.set(
        update={email_id: {f"mailboxIds/{archive}": None, f"mailboxIds/{inbox}": True,
                           f"mailboxIds/{trash}": True, "keywords/$seen": True}}
    )  # fmt: skip
    email = mail.get(email_id, "mailboxIds", "keywords", "threadId")
    assert email["mailboxIds"] == {inbox: True, trash: True}
    assert email["keywords"] == {"$seen": True, "k": True}
    assert email["threadId"] == thread["threadId"]


def test_a_mailbox_of_the_same_request_takes_emails(mail):
    email_id = mail.deliver(NOTE)
    answers = mail.calls(
        ("Mailbox/set", {"create": {"box": {"name": "New"}}}),
        ("Email/set", {"update": {email_id: {"mailboxIds": {"#box": True}}}}),
        ("Email/set", {"update": {email_id: {"mailboxIds/#box": True}}}),
        ("Email/set", {"create": {"mail": {"mailboxIds": {"#box": True}}}}),
        ("Email/set", {"update": {"#mail": {"keywords/$seen": True}}}),
        ("Email/get", {"ids": ["#mail"], "properties": ["mailboxIds", "keywords"]}),
        ("Email/set", {"destroy": ["#mail"]}),
    )
    box_id = answers[0][1]["created"]["box"]["id"]
    assert mail.get(email_id, "mailboxIds")["mailboxIds"] == {box_id: True}
    made = answers[3][1]["created"]["mail"]["id"]
    assert answers[4][1]["updated"] == {made: None}
    assert answers[5][1]["list"] == [
        {"id": made, "mailboxIds": {box_id: True}, "keywords": {"$seen": True}}
    ]
    assert answers[6][1]["destroyed"] == [made]


@pytest.mark.parametrize(
    ("patch", "kind"),
    [
        ({"mailboxIds": {}}, "invalidProperties"),
        ({"mailboxIds": {"M99999999": True}}, "invalidProperties"),
        ({"mailboxIds/M99999999": True}, "invalidProperties"),
        ({"keywords/a b": True}, "invalidProperties"),
        ({"keywords/a": False}, "invalidProperties"),
        ({"keywords": {}, "keywords/a": True}, "invalidPatch"),
        ({"keywords/a/b": True}, "invalidPatch"),
        ({"subject": "other"}, "invalidProperties"),
        ({"receivedAt": "2018-07-10T01:03:11Z"}, "invalidProperties"),
        ({"nonsense": None}, "invalidProperties"),
        ({"header:From:asDate": None}, "invalidProperties"),
    ],
)
def test_an_update_that_makes_no_sense_is_refused(mail, patch, kind):
    email_id = mail.deliver(NOTE)
    done = mail.call("Email/set", update={email_id: patch})
    assert done["notUpdated"][email_id]["type"] == kind
    assert done["oldState"] == done["newState"]


def test_an_email_leaves_no_last_mailbox(mail):
    email_id = mail.deliver(NOTE)
    patch = {f"mailboxIds/{mail.box['Inbox']}": None}
    done = mail.call("Email/set", update={email_id: patch})
    assert done["notUpdated"][email_id]["properties"] == ["mailboxIds"]


def test_a_whole_email_is_a_patch_of_itself(mail):
    email_id = mail.deliver(NOTE)
    email = mail.get(email_id, fetchTextBodyValues=True)
    assert len(email["bodyValues"]) == 1
    email["keywords"] = {"$answered": True}
    assert mail.set(update={email_id: email})["updated"] == {email_id: None}
    assert mail.get(email_id, "keywords")["keywords"] == {"$answered": True}
    email["bodyValues"]["1"]["value"] = "Goodbye"
    done = mail.call("Email/set", update={email_id: email})
    assert done["notUpdated"][email_id]["properties"] == ["bodyValues"]


def test_many_are_updated_and_destroyed_in_one_call(mail):
    ids = [mail.create(subject=str(n)) for n in range(4)]
    done = mail.call(
        "Email/set",
        update={
            ids[0]: {"keywords/$seen": True}, ids[1]: {"mailboxIds": {mail.box["Trash"]: True}},
            ids[2]: {"keywords/$seen": True}, "E99999999": {"keywords/$seen": True}, "x": {},
        },
        destroy=[ids[2], ids[3], ids[3], "E99999998", "x"],
    )  # fmt: skip
    assert done["updated"] == {ids[0]: None, ids[1]: None}
    assert {key: error["type"] for key, error in done["notUpdated"].items()} == {
        ids[2]: "willDestroy", "E99999999": "notFound", "x": "notFound",
    }  # fmt: skip
    assert done["destroyed"] == [ids[2], ids[3]]
    assert {key: error["type"] for key, error in done["notDestroyed"].items()} == {
        "E99999998": "notFound", "x": "notFound",
    }  # fmt: skip
    # One transaction is one state further.
    assert int(done["newState"]) == int(done["oldState"]) + 1
    assert mail.call("Email/get", ids=ids, properties=[])["notFound"] == ids[2:]


def test_nothing_is_done_in_another_state(mail):
    email_id = mail.deliver(NOTE)
    state = mail.call("Email/get", ids=[])["state"]
    for wrong in ("0", "nonsense"):
        error = mail.error("Email/set", ifInState=wrong, destroy=[email_id])
        assert error["type"] == "stateMismatch"
    done = mail.set(ifInState=state, update={email_id: {"keywords/$seen": True}})
    assert done["oldState"] == state
    assert mail.error("Email/set", ifInState=state)["type"] == "stateMismatch"
    done = mail.set(
        ifInState=done["newState"],
        create={"k": {"mailboxIds": {mail.box["Drafts"]: True}}},
        destroy=[email_id],
    )
    assert done["destroyed"] == [email_id]


def test_a_call_that_makes_no_sense_is_refused(mail):
    assert mail.error("Email/set", update=[])["type"] == "invalidArguments"
    assert mail.error("Email/set", update={"E1": None})["type"] == "invalidArguments"
    assert mail.error("Email/set", create={"a b": {}})["type"] == "invalidArguments"
    assert mail.error("Email/set", nonsense=1)["type"] == "invalidArguments"
    assert mail.error("Email/set", destroy=["E1"] * 501)["type"] == "requestTooLarge"


def test_who_has_no_room_is_told(mail, deployment, web):
    account = deployment.add_account(f"small-{mail.account.id}@example.org", quota_bytes=2000)
    small = type(mail)(deployment, web.ports["http"], account)
    blob = small.upload(b"From: a@x\n\n" + b"x" * 1900)
    small.create(subject="fits")
    error = small.refused(subject="x" * 2000)
    assert error["type"] == "overQuota"
    place = {"blobId": blob, "mailboxIds": {small.box["Inbox"]: True}}
    done = small.call("Email/import", emails={"k": place})
    assert done["notCreated"]["k"]["type"] == "overQuota"
    small.http.close()


def test_what_is_too_large_is_refused(mail, deployment):
    web = deployment.start("webmail-api", SMTP_IN__MAX_MESSAGE_BYTES="100000")
    small = type(mail)(deployment, web.ports["http"], mail.account)
    blob = small.upload(b"x" * 100_001)
    assert small.refused(attachments=[{"blobId": blob}])["type"] == "tooLarge"
    assert small.refused(
        textBody=[{"partId": "t"}], bodyValues={"t": {"value": "x\n" * 60_000}}
    )["type"] == "tooLarge"  # fmt: skip
    small.http.close()
