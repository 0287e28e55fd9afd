"""EmailSubmission (RFC 8621 §7): to a mailbox here, to the queue, and what is refused."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from mailquay.runtime.settings import DatabaseSettings
from mailquay.store import Store
from mailquay.store.declared import DeclaredDomain, Policy

FROM_ANNA = b"From: Anna <anna@example.org>\r\n"


@pytest.fixture
def identity(anna) -> str:
    return anna.call("Identity/get", ids=None)["list"][0]["id"]


@pytest.fixture
def mailboxes(anna) -> dict[str, str]:
    """Mailbox ids by role."""
    found = anna.call("Mailbox/get", ids=None)["list"]
    return {box["role"]: box["id"] for box in found if box["role"]}


@pytest.fixture
def draft(anna, mailboxes) -> Callable[[bytes], str]:
    """Store a message as a draft; returns its email id."""

    def draft(message: bytes) -> str:
        stored = anna.http.post(f"/jmap/upload/{anna.account_id}/", content=message).json()
        email = {
            "blobId": stored["blobId"],
            "mailboxIds": {mailboxes["drafts"]: True},
            "keywords": {"$draft": True},
        }
        done = anna.call("Email/import", emails={"d": email})
        return done["created"]["d"]["id"]

    return draft


@pytest.fixture
def submit(anna, identity) -> Callable[..., dict[str, Any]]:
    """Submit an email; returns what became of it."""

    def submit(email: str, **more: Any) -> dict[str, Any]:
        create = {"s": {"identityId": identity, "emailId": email, **more}}
        done = anna.call("EmailSubmission/set", create=create)
        if done["created"]:
            return done["created"]["s"]
        return done["notCreated"]["s"]

    return submit


def rows(deployment, statement: str) -> list[dict[str, Any]]:
    async def fetch():
        connection = await asyncpg.connect(deployment.database_url)
        try:
            return [dict(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return asyncio.run(fetch())


def newest(jmap) -> tuple[str, bytes]:
    """The newest message of an inbox: its subject and its bytes."""
    sort = [{"property": "receivedAt", "isAscending": False}]
    ids = jmap.call("Email/query", sort=sort, limit=1)["ids"]
    email = jmap.call("Email/get", ids=ids, properties=["subject", "blobId"])["list"][0]
    path = f"/jmap/download/{jmap.account_id}/{email['blobId']}/x"
    return email["subject"], jmap.http.get(path).content


def test_a_message_goes_to_a_mailbox_here_and_to_the_queue(
    deployment, anna, bert, identity, draft, submit
):
    message = (
        FROM_ANNA + b"To: Bert <BERT@example.org>, far@Elsewhere.example\r\n"
        b"Cc: Far Too <far@elsewhere.example>\r\nBcc: secret@elsewhere.example\r\n"
        b"Subject: to both\r\nMessage-ID: <both@example.org>\r\n\r\nhello\r\n"
    )
    email = draft(message)
    (before,) = rows(deployment, "SELECT coalesce(max(id), 0) AS id FROM queue_message")
    made = submit(email)
    assert made["undoStatus"] == "final"
    assert made["envelope"]["mailFrom"] == {"email": "anna@example.org", "parameters": None}
    recipients = [rcpt["email"] for rcpt in made["envelope"]["rcptTo"]]
    assert recipients == [
        "BERT@example.org", "far@elsewhere.example", "secret@elsewhere.example",
    ]  # fmt: skip
    status = made["deliveryStatus"]
    assert status["BERT@example.org"]["delivered"] == "yes"
    assert status["far@elsewhere.example"]["delivered"] == "queued"
    assert {one["displayed"] for one in status.values()} == {"unknown"}

    subject, received = newest(bert)
    assert subject == "to both"
    assert received.startswith(b"Return-Path: <anna@example.org>\r\n")
    assert received.endswith(b"\r\n\r\nhello\r\n")
    assert b"with HTTP id " in received
    assert b"secret" not in received
    assert received.count(b"Message-ID: <both@example.org>") == 1
    assert b"\r\nDate: " in received

    (queued,) = rows(deployment, f"SELECT * FROM queue_message WHERE id > {before['id']}")
    assert queued["reverse_path"] == "anna@example.org"
    assert queued["account_id"] == anna.account.id
    waiting = rows(
        deployment,
        "SELECT address, domain, state FROM queue_recipient "
        f"WHERE message_id = {queued['id']} ORDER BY id",
    )
    assert waiting == [
        {"address": a, "domain": "elsewhere.example", "state": "queued"}
        for a in ("far@elsewhere.example", "secret@elsewhere.example")
    ]
    # What was written stays as it was written.
    (kept,) = anna.call("Email/get", ids=[email], properties=["bcc"])["list"]
    assert kept["bcc"] == [{"name": None, "email": "secret@elsewhere.example"}]

    (shown,) = anna.call("EmailSubmission/get", ids=[made["id"]])["list"]
    assert shown == {"identityId": identity, "emailId": email, **made}


def test_an_email_is_written_and_sent_in_one_request(anna, bert, identity, mailboxes):
    drafts, sent = mailboxes["drafts"], mailboxes["sent"]
    email = {
        "mailboxIds": {drafts: True},
        "keywords": {"$draft": True, "$seen": True},
        "from": [{"name": "Anna", "email": "anna@example.org"}],
        "to": [{"name": None, "email": "bert@example.org"}],
        "subject": "at once",
        "bodyValues": {"t": {"value": "grüß dich"}},
        "textBody": [{"partId": "t", "type": "text/plain"}],
    }
    patch = {f"mailboxIds/{drafts}": None, f"mailboxIds/{sent}": True, "keywords/$draft": None}
    answers = anna.calls(
        ("Email/set", {"create": {"draft": email}}),
        (
            "EmailSubmission/set",
            {
                "create": {"sending": {"identityId": identity, "emailId": "#draft"}},
                "onSuccessUpdateEmail": {"#sending": patch},
            },
        ),
    )
    # RFC 8621 §7.5: the implicit Email/set is answered after it, under the same call id.
    assert [(name, call) for name, _, call in answers] == [
        ("Email/set", "0"), ("EmailSubmission/set", "1"), ("Email/set", "1"),
    ]  # fmt: skip
    email_id = answers[0][1]["created"]["draft"]["id"]
    assert answers[1][1]["created"]["sending"]["id"]
    assert email_id in answers[2][1]["updated"]
    (kept,) = anna.call("Email/get", ids=[email_id], properties=["mailboxIds", "keywords"])["list"]
    assert kept["mailboxIds"] == {sent: True}
    assert kept["keywords"] == {"$seen": True}
    assert newest(bert)[0] == "at once"


def test_a_draft_may_be_destroyed_once_it_is_sent(anna, bert, identity, draft):
    email = draft(FROM_ANNA + b"To: bert@example.org\r\nSubject: gone\r\n\r\nx\r\n")
    failing = draft(FROM_ANNA + b"Subject: nobody\r\n\r\nx\r\n")
    answers = anna.calls(
        (
            "EmailSubmission/set",
            {
                "create": {
                    "s": {"identityId": identity, "emailId": email},
                    "f": {"identityId": identity, "emailId": failing},
                },
                "onSuccessDestroyEmail": ["#s", "#f"],
            },
        )
    )
    assert [name for name, _, _ in answers] == ["EmailSubmission/set", "Email/set"]
    assert answers[0][1]["notCreated"]["f"]["type"] == "noRecipients"
    assert answers[1][1]["destroyed"] == [email]
    found = anna.call("Email/get", ids=[email, failing], properties=["id"])
    assert found["notFound"] == [email]


def test_nothing_happens_to_an_email_that_was_not_sent(anna, identity, draft):
    email = draft(FROM_ANNA + b"Subject: nobody\r\n\r\nx\r\n")
    answers = anna.calls(
        (
            "EmailSubmission/set",
            {
                "create": {"s": {"identityId": identity, "emailId": email}},
                "onSuccessUpdateEmail": {"#s": {"keywords/$draft": None}},
            },
        )
    )
    assert [name for name, _, _ in answers] == ["EmailSubmission/set"]


def test_an_envelope_of_ones_own_is_used_as_it_is(deployment, anna, bert, draft, submit):
    email = draft(FROM_ANNA + b"To: nobody@example.org\r\nSubject: own envelope\r\n\r\nx\r\n")
    envelope = {
        "mailFrom": {"email": "anna+bounces@example.org", "parameters": None},
        "rcptTo": [{"email": "bert@example.org"}],
    }
    made = submit(email, envelope=envelope)
    assert made["deliveryStatus"]["bert@example.org"]["delivered"] == "yes"
    subject, received = newest(bert)
    assert subject == "own envelope"
    assert received.startswith(b"Return-Path: <anna+bounces@example.org>\r\n")


def test_sent_twice_it_arrives_once(anna, bert, draft, submit):
    """A request that is repeated because its answer was lost."""
    message = FROM_ANNA + b"To: bert@example.org\r\nSubject: once\r\nMessage-ID: <once@x>\r\n\r\n"
    email = draft(message)
    before = bert.call("Email/query", calculateTotal=True)["total"]
    assert submit(email)["id"] != submit(email)["id"]
    assert bert.call("Email/query", calculateTotal=True)["total"] == before + 1


def test_mail_to_an_alias_that_leads_away_is_queued(deployment, anna, draft, submit):
    async def add_alias():
        store = await Store.open(DatabaseSettings(url=deployment.database_url))
        try:
            await store.accounts.add_alias("away@example.org", ["gone@elsewhere.example"])
        finally:
            await store.close()

    asyncio.run(add_alias())
    made = submit(draft(FROM_ANNA + b"To: Away@example.org\r\n\r\nx\r\n"))
    assert made["deliveryStatus"]["Away@example.org"]["delivered"] == "queued"
    shown = anna.call("EmailSubmission/get", ids=[made["id"]])["list"][0]
    assert "forwarded" not in shown["envelope"]
    assert set(shown["envelope"]) == {"mailFrom", "rcptTo"}


MANY = b", ".join(b"r%d@elsewhere.example" % n for n in range(1001))
REFUSED = [
    (b"From: bert@example.org\r\nTo: bert@example.org\r\n\r\nx", {}, "forbiddenFrom", None),
    (b"To: bert@example.org\r\nSubject: x\r\n\r\nx", {}, "invalidEmail", ("properties", ["from"])),
    (FROM_ANNA + b"Subject: x\r\n\r\nx", {}, "noRecipients", None),
    (
        FROM_ANNA + b"To: nobody@example.org, bert@example.org\r\n\r\nx",
        {},
        "invalidRecipients",
        ("invalidRecipients", ["nobody@example.org"]),
    ),
    (
        FROM_ANNA + b"To: a b c\r\n\r\nx",
        {},
        "invalidRecipients",
        None,
    ),
    (
        FROM_ANNA + b"To: " + MANY + b"\r\n\r\nx",
        {},
        "tooManyRecipients",
        ("maxRecipients", 1000),
    ),
    (
        FROM_ANNA + b"To: bert@example.org\r\n\r\nx",
        {"envelope": {"mailFrom": {"email": "bert@example.org"}, "rcptTo": []}},
        "forbiddenMailFrom",
        None,
    ),
    (
        FROM_ANNA + b"To: bert@example.org\r\n\r\nx",
        {"envelope": {"mailFrom": {"email": "anna@example.org"}, "rcptTo": []}},
        "noRecipients",
        None,
    ),
]


@pytest.mark.parametrize(("message", "more", "kind", "extra"), REFUSED)
def test_what_cannot_be_sent_is_refused(anna, bert, draft, submit, message, more, kind, extra):
    error = submit(draft(message), **more)
    assert error["type"] == kind
    if extra is not None:
        name, value = extra
        assert error[name] == value


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"identityId": "I999"}, "identityId"),
        ({"identityId": None}, "identityId"),
        ({"emailId": "E999999"}, "emailId"),
        ({"emailId": "#nothing"}, "emailId"),
        ({"emailId": 1}, "emailId"),
        ({"sendAt": "2030-01-01T00:00:00Z"}, "sendAt"),
        ({"undoStatus": "pending"}, "undoStatus"),
        ({"colour": 1}, "colour"),
        ({"envelope": 1}, "envelope"),
        ({"envelope": {"mailFrom": {"email": "anna@example.org"}}}, "envelope"),
        ({"envelope": {"mailFrom": "anna@example.org", "rcptTo": []}}, "envelope"),
        ({"envelope": {"mailFrom": {"email": "x y"}, "rcptTo": []}}, "envelope"),
        (
            {
                "envelope": {
                    "mailFrom": {"email": "anna@example.org", "parameters": {"HOLDFOR": "60"}},
                    "rcptTo": [{"email": "bert@example.org"}],
                }
            },
            "envelope",
        ),
    ],
)
def test_what_makes_no_sense_is_named(anna, bert, identity, draft, given, named):
    email = draft(FROM_ANNA + b"To: bert@example.org\r\n\r\nx")
    create = {"s": {"identityId": identity, "emailId": email, **given}}
    done = anna.call("EmailSubmission/set", create=create)
    error = done["notCreated"]["s"]
    assert (error["type"], error["properties"]) == ("invalidProperties", [named])


def test_a_full_mailbox_is_told_before_anything_is_sent(deployment, anna, bert, draft, submit):
    deployment.add_account("full@example.org", quota_bytes=10)
    before = bert.call("Email/query", calculateTotal=True)["total"]
    error = submit(draft(FROM_ANNA + b"To: full@example.org, bert@example.org\r\n\r\nlong text"))
    assert error["type"] == "invalidRecipients"
    assert error["invalidRecipients"] == ["full@example.org"]
    assert "full" in error["description"]
    assert bert.call("Email/query", calculateTotal=True)["total"] == before


def test_what_is_sent_cannot_be_taken_back(anna, bert, draft, submit):
    sent = submit(draft(FROM_ANNA + b"To: bert@example.org\r\n\r\nx"))["id"]
    done = anna.call("EmailSubmission/set", update={sent: {"undoStatus": "canceled"}})
    assert done["notUpdated"][sent]["type"] == "cannotUnsend"
    done = anna.call("EmailSubmission/set", update={sent: {"undoStatus": "final"}})
    assert done["updated"] == {sent: None}
    done = anna.call("EmailSubmission/set", update={sent: {"emailId": "E1", "x": 1}})
    assert done["notUpdated"][sent]["type"] == "invalidProperties"
    done = anna.call("EmailSubmission/set", update={"S999999": {}}, destroy=["S999998"])
    assert done["notUpdated"] == {"S999999": {"type": "notFound"}}
    assert done["notDestroyed"] == {"S999998": {"type": "notFound"}}


def test_a_submission_is_forgotten_when_it_is_destroyed(anna, bert, draft, submit):
    state = anna.call("EmailSubmission/get", ids=[])["state"]
    one, two = (
        submit(draft(FROM_ANNA + b"To: bert@example.org\r\nSubject: %d\r\n\r\nx" % n))["id"]
        for n in range(2)
    )
    middle = anna.call("EmailSubmission/get", ids=[])["state"]
    assert anna.call("EmailSubmission/set", destroy=[one])["destroyed"] == [one]
    found = anna.call("EmailSubmission/get", ids=[one, two], properties=["undoStatus"])
    assert found["list"] == [{"id": two, "undoStatus": "final"}]
    assert found["notFound"] == [one]
    changes = anna.call("EmailSubmission/changes", sinceState=state)
    assert (changes["created"], changes["destroyed"]) == ([two], [])
    changes = anna.call("EmailSubmission/changes", sinceState=middle)
    assert (changes["created"], changes["destroyed"]) == ([], [one])


def test_submissions_are_found_and_sorted(anna, bert, draft, submit, identity):
    emails = [
        draft(FROM_ANNA + b"To: bert@example.org\r\nSubject: q%d\r\n\r\nx" % n) for n in range(3)
    ]
    made = [submit(email) for email in emails]
    ids = [one["id"] for one in made]

    def query(**arguments) -> list[str]:
        return [i for i in anna.call("EmailSubmission/query", **arguments)["ids"] if i in ids]

    ascending = [{"property": "emailId"}]
    descending = [{"property": "emailId", "isAscending": False}]
    assert query(sort=ascending) == ids
    assert query(sort=descending) == ids[::-1]
    assert query(filter={"emailIds": [emails[1]]}) == [ids[1]]
    assert query(filter={"threadIds": [made[2]["threadId"]]}) == [ids[2]]
    assert query(filter={"identityIds": [identity]}, sort=ascending) == ids
    assert query(filter={"identityIds": ["I999"]}) == []
    assert query(filter={"undoStatus": "pending"}) == []
    assert query(filter={"after": made[0]["sendAt"]}, sort=ascending) == ids
    assert query(filter={"before": "2000-01-01T00:00:00Z"}) == []
    either = [{"emailIds": [emails[0]]}, {"emailIds": [emails[2]]}]
    both = {"operator": "OR", "conditions": either}
    assert query(filter=both, sort=ascending) == [ids[0], ids[2]]
    assert query(filter={"operator": "AND", "conditions": either}) == []
    neither = {"operator": "NOT", "conditions": either}
    assert query(filter=neither) == [ids[1]]

    whole = {"filter": {"emailIds": emails}, "sort": ascending}
    page = anna.call("EmailSubmission/query", **whole, position=1, limit=1, calculateTotal=True)
    assert (page["ids"], page["position"], page["total"]) == ([ids[1]], 1, 3)
    page = anna.call("EmailSubmission/query", **whole, position=-1)
    assert (page["ids"], page["position"]) == ([ids[2]], 2)
    page = anna.call("EmailSubmission/query", **whole, anchor=ids[2], anchorOffset=-1)
    assert page["ids"] == ids[1:]
    assert anna.error("EmailSubmission/query", anchor="S999")["type"] == "anchorNotFound"


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({"filter": {"colour": 1}}, "unsupportedFilter"),
        ({"filter": {"emailIds": "E1"}}, "invalidArguments"),
        ({"filter": {"before": "yesterday"}}, "invalidArguments"),
        ({"filter": {"before": "2000-13-01T00:00:00Z"}}, "invalidArguments"),
        ({"filter": {"operator": "XOR", "conditions": []}}, "invalidArguments"),
        ({"filter": {"operator": "AND"}}, "invalidArguments"),
        ({"filter": []}, "invalidArguments"),
        ({"sort": [{"property": "size"}]}, "unsupportedSort"),
        ({"sort": ["emailId"]}, "invalidArguments"),
        ({"sort": [{"property": "emailId", "isAscending": 1}]}, "invalidArguments"),
        ({"limit": -1}, "invalidArguments"),
        ({"position": "0"}, "invalidArguments"),
    ],
)
def test_a_query_that_cannot_be_is_an_error(anna, arguments, kind):
    assert anna.error("EmailSubmission/query", **arguments)["type"] == kind


def test_a_nested_filter_is_bounded(anna):
    nested: dict = {"undoStatus": "final"}
    for _ in range(50):
        nested = {"operator": "AND", "conditions": [nested]}
    assert anna.error("EmailSubmission/query", filter=nested)["type"] == "invalidArguments"


def test_query_changes_lead_from_one_result_to_the_next(anna, bert, draft, submit):
    sort = [{"property": "sentAt", "isAscending": False}]
    submit(draft(FROM_ANNA + b"To: bert@example.org\r\nSubject: old\r\n\r\nx"))
    before = anna.call("EmailSubmission/query", sort=sort)
    assert before["canCalculateChanges"]
    anna.call("EmailSubmission/set", destroy=before["ids"][:1])
    submit(draft(FROM_ANNA + b"To: bert@example.org\r\nSubject: new\r\n\r\nx"))
    after = anna.call("EmailSubmission/query", sort=sort)
    changes = anna.call(
        "EmailSubmission/queryChanges", sort=sort, sinceQueryState=before["queryState"]
    )
    ids = [i for i in before["ids"] if i not in changes["removed"]]
    for item in changes["added"]:
        ids.insert(item["index"], item["id"])
    assert ids == after["ids"]
    assert changes["newQueryState"] == after["queryState"]
    error = anna.error(
        "EmailSubmission/queryChanges", sinceQueryState=before["queryState"], maxChanges=1
    )
    assert error["type"] == "tooManyChanges"


def test_nobody_sees_what_others_have_sent(anna, bert, draft, submit):
    sent = submit(draft(FROM_ANNA + b"To: bert@example.org\r\n\r\nx"))["id"]
    assert bert.call("EmailSubmission/get", ids=[sent])["notFound"] == [sent]
    assert bert.call("EmailSubmission/set", destroy=[sent])["notDestroyed"][sent]
    assert sent not in json.dumps(bert.call("EmailSubmission/query"))


@pytest.fixture
def grant(deployment):
    """Give example.org a policy; it grants everything again at the end."""

    def grant(policy: Policy = Policy()) -> None:  # noqa: B008  # frozen
        async def put() -> None:
            settings = DatabaseSettings.model_validate({"url": deployment.database_url})
            store = await Store.open(settings)
            try:
                async with store.declarations.write() as writer:
                    domain = DeclaredDomain("example.org", policy=policy)
                    await writer.put(domain, is_new=False)
            finally:
                await store.close()

        asyncio.run(put())

    yield grant
    grant()


def test_what_a_policy_does_not_grant_is_refused(submit, draft, grant):
    text = FROM_ANNA + b"To: x@elsewhere.example\r\nSubject: policy\r\n\r\nhello\r\n"
    grant(Policy(outbound=False))
    refused = submit(draft(text))
    assert refused["type"] == "invalidRecipients"
    assert refused["invalidRecipients"] == ["x@elsewhere.example"]
    grant(Policy(max_message_size=20))
    refused = submit(draft(text))
    assert (refused["type"], refused["maxSize"]) == ("tooLarge", 20)
    grant(Policy(max_recipients_per_day=0))
    refused = submit(draft(text))
    assert refused["type"] == "forbiddenToSend"
    grant()
    assert "id" in submit(draft(text))
